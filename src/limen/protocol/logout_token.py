"""The logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4)."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from limen.kernel.clock import to_timestamp

TYP: Final = "logout+jwt"
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TTL: Final = dt.timedelta(minutes=2)


def logout_token_claims(
    *, issuer: str, client_id: str, subject: str, session_id: str, jti: str, now: dt.datetime
) -> dict[str, Any]:
    """Write the claims: who was signed out of which session, and that this is no ID token.

    Both ``sub`` and ``sid`` are said, so that a client may keep either. There is no ``nonce``:
    its presence would make it an ID token to a careless reader.
    """
    return {
        "iss": issuer,
        "aud": client_id,
        "sub": subject,
        "sid": session_id,
        "iat": to_timestamp(now),
        "exp": to_timestamp(now + TTL),
        "jti": jti,
        "events": {EVENT: {}},
    }
