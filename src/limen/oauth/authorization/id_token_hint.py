"""ID tokens that come back as a hint: they name a person and a session, and admit nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.oauth.authorization.sent import REQUEST_ENCRYPTION
from limen.protocol.client_metadata import SIGNING_ALGS
from limen.protocol.jwe import is_encrypted
from limen.protocol.jwk import EDDSA
from limen.protocol.jwt import ANY_AUDIENCE, EXPIRED_IS_FINE, Expected, JwtRefused, verify
from limen.protocol.request_encryption import request_key

_ALGORITHMS: Final = frozenset(SIGNING_ALGS) | EDDSA


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

    Neither an access token nor a logout token stands in for it: ``typ`` differs (N084). One that
    the client encrypted again, to the key that we publish, is opened first (OIDC Core 3.1.2.1).
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
        told = await _opened(work, keyring, raw)
        keys = await keyring.verification_keys(work)
        claims = verify(told, keys, expected=expected, now=work.now)
    except JwtRefused:
        return None
    sid = claims.get("sid")
    return IdTokenHint(
        client_id=str(claims["aud"]),
        subject=str(claims["sub"]),
        session_id=sid if isinstance(sid, str) else None,
    )


async def _opened(work: Work, keyring: Keyring, raw: Secret[str]) -> str:
    if not is_encrypted(raw.reveal()):
        return raw.reveal()
    key = request_key(await keyring.envelope.derive(work, REQUEST_ENCRYPTION))
    return key.open(raw.reveal(), alg=None, enc=None)
