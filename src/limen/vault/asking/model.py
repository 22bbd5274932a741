"""What a request to share is called outside its store."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

RequestState = Literal["pending", "completed", "refused"]
LINK_KIND: Final = "lmas"
REQUEST_TTL: Final = dt.timedelta(minutes=15)
"""For the person to answer; begun anew when they leave to connect an account first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingRequest:
    """What an app asks for.

    Args:
        client_id: Which app.
        user_id: Whom; empty: whoever signs in and answers.
        features: What for.
        wanted_connection: This one and no other; empty: the person chooses.
        redirect_uri: Where the browser goes in the end; empty: it stays here.
        app_state: The app's own, given back to it there.
        reason: Why it was refused.
        connection_id: What was shared.
    """

    id: str
    client_id: str
    user_id: str
    provider: str
    features: tuple[str, ...]
    wanted_connection: str
    redirect_uri: str
    app_state: str
    state: RequestState
    reason: str
    connection_id: str
    expires_at: dt.datetime
