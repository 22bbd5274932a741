"""ID tokens that come back as a hint: they name a person and a session, and admit nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.jwt import ANY_AUDIENCE, EXPIRED_IS_FINE, Expected, JwtRefused, verify

_ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA", "Ed25519"})


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenHint:
    """What a hint of ours says.

    Attributes:
        session_id: ``None`` for a token that was refreshed after its session.
    """

    client_id: str
    subject: str
    session_id: str | None


async def hinted_subject(work: Work, *, keyring: Keyring, client_id: str, raw: Secret[str]) -> str:
    """Return whom an ID token of ours names, that was issued to this client.

    Raises:
        OAuthRefusal: ``invalid_request``: it is none, or another client's.
    """
    told = await read_id_token_hint(work, keyring=keyring, raw=raw)
    if told is None or told.client_id != client_id:
        raise OAuthRefusal(
            "invalid_request",
            "id_token_hint is not an ID token of ours for this client.",
            field="id_token_hint",
        )
    return told.subject


async def read_id_token_hint(
    work: Work, *, keyring: Keyring, raw: Secret[str]
) -> IdTokenHint | None:
    """Return what an ID token of this tenant says, expired or not; ``None`` for anything else.

    Neither an access token nor a logout token stands in for it: ``typ`` differs (N084).
    """
    expected = Expected(
        algorithms=_ALGORITHMS,
        typ=("JWT",),
        issuer=work.site.issuer,
        audience=ANY_AUDIENCE,
        required=("sub", "exp"),
        expiry=EXPIRED_IS_FINE,
    )
    try:
        keys = await keyring.verification_keys(work)
        claims = verify(raw.reveal(), keys, expected=expected, now=work.now)
    except JwtRefused:
        return None
    sid = claims.get("sid")
    return IdTokenHint(
        client_id=str(claims["aud"]),
        subject=str(claims["sub"]),
        session_id=sid if isinstance(sid, str) else None,
    )
