"""Client assertions (RFC 7523 section 3, OpenID Connect Core section 9): what they must say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.kernel.clock import from_timestamp
from limen.kernel.secret import Secret
from limen.protocol.client_metadata.names import ClientAlg
from limen.protocol.jwk import EDDSA, KeySet
from limen.protocol.jwt import UNTYPED, Expected, JwtRefused, OneOfAudiences, peek
from limen.protocol.jwt_claims import check_claims
from limen.protocol.jwt_told import MAX_JTI_CHARACTERS, ProvenRefused, prove_or_tell, proven

SECRET_ALGS: Final[frozenset[str]] = frozenset({"HS256"})
"""What ``client_secret_jwt`` signs with."""
KEY_ALGS: Final[frozenset[str]] = frozenset({"RS256", "PS256", "ES256"}) | EDDSA
"""What ``private_key_jwt`` signs with."""
FAPI_ALGS: Final[frozenset[str]] = KEY_ALGS - {"RS256"}
"""The same under FAPI 2.0 Security Profile section 5.4.1."""
ASSERTION_ALGS: Final = tuple(sorted(KEY_ALGS | SECRET_ALGS))
"""All of them, for some client each; what discovery says."""

LONGEST: Final = dt.timedelta(minutes=5)
LEEWAY: Final = dt.timedelta(seconds=10)
"""For the clients' clocks."""

_TYPES: Final = ("JWT", "client-authentication+jwt", UNTYPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A client assertion that holds, but for its being presented the first time.

    Attributes:
        jti: Unique among those of its client.
        until: From when on it is refused for its age.
    """

    jti: str
    until: dt.datetime


def allowed_algorithms(
    *, secret: bool, registered: ClientAlg | None, is_fapi: bool
) -> frozenset[str]:
    """Return what an assertion may be signed with.

    Args:
        secret: With the client's secret, not with a key of its own.
        registered: ``token_endpoint_auth_signing_alg``; ``None`` if it named none.
        is_fapi: Whether the client keeps to the FAPI 2.0 Security Profile.
    """
    if secret:
        return frozenset() if is_fapi else SECRET_ALGS
    able = FAPI_ALGS if is_fapi else KEY_ALGS
    if registered is None:
        return able
    return able & (EDDSA if registered in EDDSA else frozenset({registered}))


def verify_client_assertion(
    raw: Secret[str],
    keys: KeySet,
    *,
    client_id: str,
    audiences: frozenset[str],
    algorithms: frozenset[str],
    now: dt.datetime,
) -> Assertion:
    """Return what an assertion says, if it proves to come from the client.

    Args:
        raw: As received.
        keys: The client's.
        client_id: ``iss`` and ``sub``, both (N064).
        audiences: ``aud`` is exactly one of these strings, never an array (N060): whoever else
            is named in it could use the assertion here.
        algorithms: Of ``allowed_algorithms``; not empty.
        now: The moment.

    Raises:
        ProvenRefused: The client signed it, and something in it is otherwise.
        JwtRefused: It does not prove to be the client's. ``reason`` is for the log alone.
    """
    expected = Expected(
        algorithms=algorithms,
        typ=_TYPES,
        issuer=client_id,
        audience=OneOfAudiences(audiences),
        required=("sub", "exp", "jti"),
        leeway=LEEWAY,
        longest=LONGEST,
    )
    known = algorithms if algorithms <= SECRET_ALGS else KEY_ALGS
    try:
        claims = prove_or_tell(raw.reveal(), keys, expected=expected, known=known).claims
    except ProvenRefused as refusal:
        if _is_made_for_this(peek(raw.reveal()).claims, client_id, now):
            raise
        raise JwtRefused(refusal.reason) from None
    if _is_found(claims, now):
        raise JwtRefused("expired")
    with proven():
        check_claims(claims, expected, now)
        if claims["sub"] != client_id:
            raise JwtRefused("sub")
        if len(claims["jti"]) > MAX_JTI_CHARACTERS:
            raise JwtRefused("jti")
        if "iat" in claims and from_timestamp(claims["iat"]) > now + LEEWAY:
            raise JwtRefused("iat")
    return Assertion(jti=claims["jti"], until=from_timestamp(claims["exp"]) + LEEWAY)


def _is_made_for_this(claims: Mapping[str, Any], client_id: str, now: dt.datetime) -> bool:
    """Say whether it is an assertion but for its header.

    What the client signed for other uses, a proof or a request object say, is read by others,
    who need not hold the key.
    """
    who = (claims.get("iss"), claims.get("sub"))
    return who == (client_id, client_id) and not _is_found(claims, now)


def _is_found(claims: Mapping[str, Any], now: dt.datetime) -> bool:
    """Say whether it ended long ago: found in a log maybe, its holder need not hold the key."""
    end = claims.get("exp")
    if isinstance(end, bool) or not isinstance(end, int | float):
        return False
    return 0 < end < (now - LONGEST).timestamp()
