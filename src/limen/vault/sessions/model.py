"""What connect sessions are called outside their store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from limen.crypto.envelope import Place
from limen.vault.connect import WantedConnection

SessionState = Literal["pending", "left", "held", "completed", "refused"]
HELD_TTL: Final = dt.timedelta(minutes=10)
"""How long a person may take to confirm what came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectSession:
    """One session.

    Args:
        client_id: Through which client it was asked for; empty: the person's own doing.
        wanted: As ``WantedConnection.to_json`` wrote it.
        app_state: The app's own, given back to it in the redirect.
        challenge: S256 of the app's verifier; empty: it gets no code.
        state: ``left``: at the provider; ``held``: back, and not confirmed yet.
        reason: Why it was refused.
        sealed_answer: What came back.
    """

    id: str
    user_id: str
    client_id: str
    provider: str
    wanted: Mapping[str, Any]
    app_state: str
    challenge: str
    state: SessionState
    reason: str
    connection_id: str
    expires_at: dt.datetime
    sealed_answer: bytes | None = field(default=None, repr=False)

    def wanted_connection(self) -> WantedConnection:
        """Return what is to be connected."""
        return WantedConnection.from_json(self.provider, self.wanted)


def answer_place(session_id: str) -> Place:
    """Return where an answer that waits to be confirmed is sealed to."""
    return Place("connect_session", session_id, "answer")
