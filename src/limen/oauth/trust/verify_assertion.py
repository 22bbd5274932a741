"""Verify what a trusted issuer says about a user: all of it, before anything is believed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.db.work import Work
from limen.federation.identities import whose_identity
from limen.kernel.clock import from_timestamp
from limen.kernel.secret import Secret
from limen.oauth.trust import store
from limen.oauth.trust.chosen import names
from limen.oauth.trust.issuer import TrustedIssuer
from limen.oauth.trust.keys import TrustedKeys
from limen.protocol.client_assertion import KEY_ALGS
from limen.protocol.jwk import EDDSA
from limen.protocol.jwt import (
    UNTYPED,
    AmongAudiences,
    Audience,
    Claims,
    Expected,
    JwtRefused,
    peek,
)
from limen.protocol.jwt_bearer import ID_JAG_TYP, AssertionProfile, profile_of
from limen.protocol.jwt_claims import check_claims
from limen.protocol.jwt_told import prove_or_tell, proven, told
from limen.tokens.replay.first_time import first_time

LEEWAY: Final = dt.timedelta(seconds=10)
_TYP: Final[Mapping[AssertionProfile, tuple[str, ...]]] = {
    "jwt": ("JWT", "authorization-grant+jwt", UNTYPED),
    "id-jag": (ID_JAG_TYP,),
}


class AssertionRefused(Exception):  # noqa: N818 -- turned into each grant's own refusal
    """An assertion that is not believed.

    Args:
        reason: For the log alone.
        public: What its sender may read, once the issuer's signature has held; a fixed sentence.
    """

    def __init__(self, reason: str, public: str = "") -> None:
        self.reason = reason
        self.public = public
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A trusted issuer's word, verified.

    Attributes:
        user_id: Whom of ours it speaks of; they may be disabled.
    """

    trusted: TrustedIssuer
    profile: AssertionProfile
    claims: Claims
    user_id: str

    @property
    def expires_at(self) -> dt.datetime:
        """When it ends."""
        return from_timestamp(self.claims["exp"])

    @property
    def issued_at(self) -> dt.datetime:
        """When it was made."""
        return from_timestamp(self.claims["iat"])

    @property
    def authenticated_at(self) -> dt.datetime | None:
        """When the person proved who they are over there, if it says so; never after it said so."""
        said = self.claims.get("auth_time")
        if (
            isinstance(said, bool)
            or not isinstance(said, int)
            or not 0 < said <= self.claims["iat"]
        ):
            return None
        return from_timestamp(said)

    @property
    def acr(self) -> str:
        """How strongly, in the issuer's words."""
        said = self.claims.get("acr")
        return said if isinstance(said, str) else ""

    @property
    def amr(self) -> tuple[str, ...]:
        """By what means, in the issuer's words."""
        said = self.claims.get("amr")
        return (
            tuple(each for each in said if isinstance(each, str)) if isinstance(said, list) else ()
        )


async def verify_assertion(
    work: Work, *, keys: TrustedKeys, raw: Secret[str], client_id: str
) -> Assertion:
    """Verify an assertion for the client that presents it.

    The issuer decides the keys, the algorithms and the kind; nothing in the assertion does.

    Args:
        work: Clean: the issuer's keys may have to be fetched.
        keys: Where they are found.
        raw: As received.
        client_id: Who presents it, authenticated.

    Raises:
        AssertionRefused: Whatever is wrong (N111); with words for its sender only after the
            signature has held.
        Unavailable: The issuer's keys can't be had.

    Spec: RFC 7523 section 3; draft-ietf-oauth-identity-assertion-authz-grant, processing rules.
    """
    try:
        unverified = peek(raw.reveal())
        trusted = await _trusted(work, unverified.claims, client_id=client_id)
        kid = unverified.header.get("kid")
        key_set = await keys.keys_of(work, trusted, kid=kid if isinstance(kid, str) else None)
    except JwtRefused as refused:
        raise AssertionRefused(refused.reason) from refused
    profile = profile_of(unverified.header)
    expected = _expected(work, trusted, profile)
    try:
        claims = prove_or_tell(raw.reveal(), key_set, expected=expected, known=KEY_ALGS).claims
        with proven():
            _check_kind(profile, trusted)
            check_claims(claims, expected, work.now)
            _check_age(claims, trusted, now=work.now)
            if profile == "id-jag":
                _check_identity_assertion(claims, issuer=work.site.issuer, client_id=client_id)
    except JwtRefused as refused:
        us = _audience_of(work, trusted, profile)
        raise AssertionRefused(refused.reason, _told(refused, trusted, audience=us)) from refused
    user_id = await _user_of(work, trusted, str(claims["sub"]))
    if user_id is None:
        raise AssertionRefused(
            "unknown subject", "No account here is linked to the subject it names."
        )
    return Assertion(trusted=trusted, profile=profile, claims=claims, user_id=user_id)


async def use_once(work: Work, assertion: Assertion) -> bool:
    """Take an assertion's ``jti``; ``False`` if it was presented before, on any node (N111)."""
    return await first_time(
        work,
        kind="assertion",
        of=assertion.trusted.issuer,
        value=assertion.claims["jti"],
        until=assertion.expires_at + LEEWAY,
    )


async def _trusted(work: Work, claims: Claims, *, client_id: str) -> TrustedIssuer:
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or issuer == work.site.issuer:
        # Our own assertions are for others: to take them would widen what they allow.
        raise AssertionRefused("iss")
    trusted = await store.find_by_issuer(work, issuer)
    if trusted is None:
        raise AssertionRefused("untrusted issuer")
    if not names(trusted.trust.clients, client_id):
        raise AssertionRefused("client")
    return trusted


def _told(refused: JwtRefused, trusted: TrustedIssuer, *, audience: str) -> str:
    words = {
        "aud": f"aud must be {audience}",
        "sub": "sub must be a string that is not empty.",
    }
    return told(refused, otherwise="", words=words, longest=trusted.trust.max_age)


def _audience_of(work: Work, trusted: TrustedIssuer, profile: AssertionProfile) -> str:
    """Return what the issuer's assertions call us."""
    us = work.site.issuer
    by_endpoint = profile == "jwt" and trusted.trust.audience == "token_endpoint"
    return f"{us}/oauth2/token" if by_endpoint else us


def _expected(work: Work, trusted: TrustedIssuer, profile: AssertionProfile) -> Expected:
    trust = trusted.trust
    algorithms = frozenset(trust.algorithms)
    audience: Audience = AmongAudiences(_audience_of(work, trusted, profile))
    return Expected(
        algorithms=algorithms | EDDSA if "EdDSA" in algorithms else algorithms,
        typ=_TYP[profile],
        issuer=trusted.issuer,
        audience=audience,
        required=("sub", "exp", "iat", "jti"),
        leeway=LEEWAY,
        longest=trust.max_age,
    )


def _check_kind(profile: AssertionProfile, trusted: TrustedIssuer) -> None:
    if profile not in trusted.trust.profiles:
        raise JwtRefused("typ")


def _check_age(claims: Claims, trusted: TrustedIssuer, *, now: dt.datetime) -> None:
    issued_at = from_timestamp(claims["iat"])
    if issued_at < now - trusted.trust.max_age:
        raise JwtRefused("old iat")
    if issued_at > now + LEEWAY:
        raise JwtRefused("iat")


def _check_identity_assertion(claims: Claims, *, issuer: str, client_id: str) -> None:
    """Check what makes an assertion an ID-JAG: for us alone, and for this very client."""
    if claims["aud"] not in (issuer, [issuer]):
        raise JwtRefused("aud")
    if claims.get("client_id") != client_id:
        raise JwtRefused("client_id")


async def _user_of(work: Work, trusted: TrustedIssuer, subject: str) -> str | None:
    match trusted.trust.subjects:
        case "linked":
            return await store.find_subject(work, issuer_id=trusted.id, subject=subject)
        case "identity":
            return await whose_identity(work, issuer=trusted.issuer, subject=subject)
        case "user_id":
            return subject


def key_named(claims: Mapping[str, Any]) -> str | None:
    """Return the key that an assertion is bound to, ``jkt:…``, if it is to one.

    Raises:
        AssertionRefused: It is bound in a way that we do not know, which no bearer may lift.
    """
    if "cnf" not in claims:
        return None
    match claims["cnf"]:
        case {"jkt": str(jkt), **rest} if jkt and not rest:
            return f"jkt:{jkt}"
    raise AssertionRefused("cnf", "cnf must hold a jkt alone.")
