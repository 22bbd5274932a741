"""Verify the signature and claims of an access token of ours, without asking any database."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Final, NamedTuple

from limen.crypto.bounded import Bounded
from limen.kernel.secret import Secret
from limen.kernel.tokens import token_hash
from limen.protocol.jwk import KeySet
from limen.protocol.jwt import ANY_AUDIENCE, Audience, Claims, Expected, prove
from limen.protocol.jwt_claims import check_claims

_MOST_PROVEN: Final = 2_000


class _Proof(NamedTuple):
    keys: KeySet
    expected: Expected
    claims: Claims


_PROVEN: Final[Bounded[bytes, _Proof]] = Bounded(_MOST_PROVEN)


def verify_access_token(
    raw: Secret[str], keys: KeySet, *, issuer: str, audience: str, now: dt.datetime
) -> Claims:
    """Return the claims of an access token for this audience.

    Who verifies only this learns of a revocation when the token expires; ``look_up`` asks.

    Args:
        raw: As received.
        keys: The issuer's.
        issuer: Byte for byte.
        audience: The resource that is asking; a token for another is refused (N087).
        now: The moment.

    Raises:
        JwtRefused: If it is anything else than a valid access token for this resource.

    Spec: RFC 9068 §4.
    """
    return _verify(raw, keys, expected=_expected(issuer, audience), now=now)


def verify_for_any(raw: Secret[str], keys: KeySet, *, issuer: str, now: dt.datetime) -> Claims:
    """As ``verify_access_token``, whichever resource it is for: for introspection alone."""
    return _verify(raw, keys, expected=_expected(issuer, ANY_AUDIENCE), now=now)


def _verify(raw: Secret[str], keys: KeySet, *, expected: Expected, now: dt.datetime) -> Claims:
    """Verify, but prove a token once only: an application shows the same one for minutes.

    What time and revocation change is asked each time. A proof holds for the very keys it was
    made with: once the keyring has changed, everything is proven anew.
    """
    digest = token_hash(raw)
    proof = _PROVEN.get(digest)
    if proof is None or proof.keys is not keys or proof.expected is not expected:
        token = prove(raw.reveal(), keys, expected=expected)
        proof = _Proof(keys, expected, token.claims)
        _PROVEN.put(digest, proof)
    check_claims(proof.claims, expected, now)
    return dict(proof.claims)


@functools.lru_cache(maxsize=512)
def _expected(issuer: str, audience: Audience) -> Expected:
    return Expected(
        algorithms=frozenset({"ES256", "RS256", "EdDSA"}),
        typ=("at+jwt",),
        issuer=issuer,
        audience=audience,
        required=("exp", "iat", "sub", "jti", "client_id"),
    )
