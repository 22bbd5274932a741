"""Request objects: an authorization request as a signed JWT (RFC 9101, OIDC Core section 6)."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Final

from limen.kernel.clock import from_timestamp
from limen.kernel.errors import OAuthRefusal
from limen.protocol.client_metadata import CLIENT_ALGS, ClientMetadata
from limen.protocol.client_metadata.names import ClientAlg
from limen.protocol.jose import Claims, JwtRefused
from limen.protocol.jwk import EDDSA, KeySet
from limen.protocol.jwt import UNTYPED, AmongAudiences, Expected
from limen.protocol.jwt_claims import check_claims
from limen.protocol.jwt_told import prove_or_tell, proven, told
from limen.protocol.params import Params
from limen.protocol.scopes import OPENID

LONGEST: Final = dt.timedelta(minutes=60)
"""Under FAPI 2.0 Message Signing 5.3.1: how old ``nbf`` may be, and how far after it ``exp``."""
LEEWAY: Final = dt.timedelta(seconds=10)
"""For the clients' clocks."""

REQUEST_ALGS: Final = (*CLIENT_ALGS, "Ed25519")
"""What discovery says; a client that registered one has that one alone."""

_UNSIGNED: Final = "Its signature can't be verified with a key of this client."
_TYPES: Final = ("oauth-authz-req+jwt", "JWT", UNTYPED)
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_OF_THE_JWT: Final = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})
_NESTED: Final = ("request", "request_uri")
_ALWAYS_OUTSIDE: Final = frozenset(
    {*_NESTED, "client_id", "client_secret", "client_assertion", "client_assertion_type"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRules:
    """What a client's request objects have to be.

    Args:
        algorithms: They may be signed with; never empty.
        dated: Whether ``nbf`` and ``exp`` must be there, and close (FAPI 2.0).
        alone: Whether parameters outside the object do not count (RFC 9101 section 6.3).
        required: Claims it must say; among them ``iss`` where that names the client instead of
            ``client_id``.
    """

    algorithms: frozenset[str]
    dated: bool
    alone: bool
    required: tuple[str, ...] = ()


def rules_for(
    metadata: ClientMetadata, *, params: Params, pushed: bool, must_sign: bool = False
) -> RequestRules:
    """Return the rules for a client's request object.

    OpenID Connect lets an object say a part and the parameters the rest (OIDC Core 6.1); it
    does so for OpenID requests of clients that do not have to sign, and for nobody else.

    Args:
        metadata: The client's.
        params: What stands outside the object.
        pushed: Whether it came by PAR.
        must_sign: Whether the tenant has every client sign.
    """
    merges = OPENID in (params.first("scope") or "").split()
    return RequestRules(
        algorithms=accepted_algs(metadata, registered=metadata.request_object_signing_alg),
        dated=metadata.is_fapi,
        alone=pushed
        or must_sign
        or metadata.is_fapi
        or metadata.require_signed_request_object
        or not merges,
    )


def accepted_algs(metadata: ClientMetadata, *, registered: ClientAlg | None) -> frozenset[str]:
    """Return what a client may sign with: what it registered, else all that its profile allows."""
    algorithms = frozenset(REQUEST_ALGS)
    if registered is not None:
        algorithms = EDDSA if registered in EDDSA else frozenset({registered})
    return algorithms - {"RS256"} if metadata.is_fapi else algorithms


def verify_request_object(
    raw: str,
    keys: KeySet,
    *,
    client_id: str,
    issuer: str,
    rules: RequestRules,
    now: dt.datetime,
) -> Params:
    """Return the parameters of a request object that its client signed for us.

    Args:
        raw: As received.
        keys: The client's (N065).
        client_id: Who asks; ``iss`` and ``client_id`` must be this, where they are said.
        issuer: ``aud`` must be this or hold it; others may stand beside it.
        rules: Of ``rules_for``.
        now: The moment.

    Raises:
        OAuthRefusal: ``invalid_request_object``.

    Spec: RFC 9101 sections 4, 6.2 and 10.8.
    """
    expected = _expected(client_id, issuer, rules)
    try:
        # Only the client's own keys were asked, so that an absent ``iss`` says no less.
        known = frozenset(REQUEST_ALGS)
        said = prove_or_tell(raw, keys, expected=expected, known=known).claims
        claims = {"iss": client_id, **said}
        with proven():
            _check_said(said, rules)
            check_claims(claims, expected, now)
            _check_dates(claims, rules, now)
    except JwtRefused as refusal:
        raise not_proven(refusal, issuer=issuer, longest=expected.longest) from refusal
    _check_names(claims, client_id=client_id, rules=rules)
    return Params.of([pair for name, value in claims.items() for pair in _pairs(name, value)])


def merged(outside: Params, inside: Params, *, rules: RequestRules) -> Params:
    """Return the parameters that count: the object's, and where it is silent those outside.

    Raises:
        OAuthRefusal: ``invalid_request_object``: outside says ``response_type`` otherwise
            (OIDC Core section 6.1).
    """
    own = (("client_id", outside.required("client_id")),)
    said = [pair for pair in inside.pairs if pair[0] != "client_id"]
    if rules.alone:
        return Params((*own, *said))
    types = {outside.one("response_type"), inside.one("response_type")} - {None}
    if len(types) > 1:
        raise invalid_object("response_type differs from the one outside.")
    beside = [
        pair for pair in outside.pairs if pair[0] not in inside and pair[0] not in _ALWAYS_OUTSIDE
    ]
    return Params((*own, *said, *beside))


def invalid_object(public: str, *, detail: str = "") -> OAuthRefusal:
    """Return the refusal of RFC 9101 section 7."""
    return OAuthRefusal(
        "invalid_request_object", f"The request object: {public}", field="request", detail=detail
    )


def not_proven(
    refusal: JwtRefused, *, issuer: str, longest: dt.timedelta | None = None
) -> OAuthRefusal:
    """Return the refusal of an object: which claim is wrong, once its signature has held.

    Args:
        refusal: What was found.
        issuer: What ``aud`` should have been.
        longest: How far ahead ``exp`` may lie, if there is a limit.
    """
    words = {
        "aud": f"aud must be the issuer, or an array that holds it: {issuer}",
        "iss": "iss must be the client_id.",
    }
    public = told(refusal, otherwise=_UNSIGNED, words=words, longest=longest)
    return invalid_object(public, detail=refusal.reason)


def _expected(client_id: str, issuer: str, rules: RequestRules) -> Expected:
    return Expected(
        algorithms=rules.algorithms,
        typ=_TYPES,
        issuer=client_id,
        audience=AmongAudiences(issuer),
        required=("exp", "nbf") if rules.dated else (),
        leeway=LEEWAY,
        longest=LONGEST if rules.dated else None,
    )


def _check_said(claims: Claims, rules: RequestRules) -> None:
    for name in rules.required:
        if name not in claims:
            raise JwtRefused(f"missing {name}")


def _check_dates(claims: Claims, rules: RequestRules, now: dt.datetime) -> None:
    """Check its age, and how long it lives (FAPI 2.0 MS 5.3.1)."""
    if not rules.dated:
        return
    begins, ends = (from_timestamp(claims[name]) for name in ("nbf", "exp"))
    if begins < now - LONGEST - LEEWAY:
        raise JwtRefused("old nbf")
    if ends > begins + LONGEST:
        raise JwtRefused("exp beyond nbf")


def _check_names(claims: Claims, *, client_id: str, rules: RequestRules) -> None:
    must_name = rules.alone and "iss" not in rules.required
    if any(name in claims for name in _NESTED):
        raise invalid_object("request and request_uri have no place in it.")
    if claims.get("client_id", None if must_name else client_id) != client_id:
        raise invalid_object("client_id is not the one outside.")
    if claims.get("sub") == client_id:
        # It would do as a client assertion as well (RFC 9101 section 10.8).
        raise invalid_object("sub has no place in it.")


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """Write a claim as the parameter it stands for; what is no parameter is left out."""
    if name in _OF_THE_JWT or value is None:
        return []
    values = value if name == "resource" and isinstance(value, list) else [value]
    return [(name, each if isinstance(each, str) else _encode(each)) for each in values]
