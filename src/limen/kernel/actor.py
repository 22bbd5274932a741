"""Who asks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["anonymous", "user", "client", "operator", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The principal on whose authority a Work runs.

    Args:
        kind: ``operator`` is the command line, ``system`` a background loop.
        id: The user's or client's id; empty for the others.
        session_id: The session a user acts through, if any.
        client_id: The client a user's access token was issued to, if one was used; or the one
            that authenticated and has them sign in.
        scope: The token's scopes; ``None`` when no token limits the actor (a browser session).
        authenticated_at: When the user last proved who they are.
        amr: How they did, RFC 8176 values.
    """

    kind: ActorKind
    id: str = ""
    session_id: str = ""
    client_id: str = ""
    scope: frozenset[str] | None = None
    authenticated_at: dt.datetime | None = None
    amr: tuple[str, ...] = ()


ANONYMOUS = Actor("anonymous")
OPERATOR = Actor("operator")
SYSTEM = Actor("system")
