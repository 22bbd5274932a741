"""Make a connect session: a link for the actor's browser, and a way to follow it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotPermitted, Throttled
from limen.kernel.ids import new_id
from limen.vault.connect import WantedConnection, pinned_grant
from limen.vault.connect_link import LINK_TTL, make_link
from limen.vault.parts import Parts
from limen.vault.sessions import store
from limen.vault.sessions.events import ConnectSessionMade

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_STATE: Final = re.compile(r"[\x20-\x7e]{0,500}", re.ASCII)
POLL_SECONDS: Final = 3
MOST_PENDING: Final = 50
"""Sessions of one person that wait to be followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """How whoever asks wants to hear of it.

    Args:
        state: Its own, given back to it in the redirect.
        challenge: S256 of its verifier, without which there is no code in the redirect.
    """

    state: str = ""
    challenge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSession:
    """A new session.

    Args:
        url: To be opened in the browser of the person it was made for, within ``expires_in``.
    """

    id: str
    url: str
    expires_in: int


async def make_session(
    work: Work, parts: Parts, *, wanted: WantedConnection, app: App | None = None
) -> MadeSession:
    """Make a session for the actor; the client that asks, if one does, is noted with it.

    Args:
        work: The actor's.
        parts: The vault's.
        wanted: What is to be connected.
        app: ``None``: nobody wants a code, and the browser ends where ``return_to`` says.

    Raises:
        NotPermitted: ``user_required``: connections are people's.
        InvalidInput: ``code_challenge_required``: an app that wants the browser back proves
            that it is the one that asked; ``code_challenge_invalid``; as ``check_wanted``.
        NotFound: ``connection_not_found``; as ``check_wanted``.
        Throttled: ``too_many_connect_sessions``.
    """
    if work.actor.kind != "user":
        raise NotPermitted("user_required", "Only a person can connect an account.")
    if app is not None:
        _check(app, wanted)
    await pinned_grant(work, wanted)
    if await store.count_pending(work) >= MOST_PENDING:
        raise Throttled(
            "too_many_connect_sessions",
            "Too many of these are open. Follow one, or wait until some have expired.",
            retry_after_seconds=int(LINK_TTL.total_seconds()),
        )
    session_id = new_id(work.now)
    made = replace(wanted, session_id=session_id)
    url = await make_link(work, parts, wanted=made)
    await store.add_session(
        work,
        id=session_id,
        user_id=work.actor.id,
        client_id=work.actor.client_id,
        provider=wanted.provider,
        wanted=made.to_json(),
        app_state=app.state if app else "",
        challenge=app.challenge if app else "",
        expires_at=work.now + LINK_TTL,
    )
    await work.record(ConnectSessionMade(connect_session_id=session_id, provider=wanted.provider))
    return MadeSession(id=session_id, url=url, expires_in=int(LINK_TTL.total_seconds()))


def check_state(raw: str) -> None:
    """Refuse what an app can't have been given back unharmed.

    Raises:
        InvalidInput: ``state_invalid``.
    """
    if not _STATE.fullmatch(raw):
        raise InvalidInput("state_invalid", "state is 500 printable characters.", field="state")


def _check(app: App, wanted: WantedConnection) -> None:
    if app.challenge and not _CHALLENGE.fullmatch(app.challenge):
        text = "code_challenge must be the 43 characters of a SHA-256."
        raise InvalidInput("code_challenge_invalid", text, field="code_challenge")
    check_state(app.state)
    if app.challenge or wanted.return_to.startswith("/"):
        return
    text = "To have the browser come back to you, send code_challenge."
    raise InvalidInput("code_challenge_required", text, field="code_challenge")
