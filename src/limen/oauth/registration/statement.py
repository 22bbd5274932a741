"""Software statements: what somebody the tenant trusts says of a client (RFC 7591 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal, Unavailable
from limen.net import Net
from limen.protocol.client_metadata import CLIENT_ALGS, DEVICE_CODE, KEY_METHODS
from limen.protocol.jwk import EDDSA, InvalidKey, KeySet, import_key_set
from limen.protocol.jwt import UNTYPED, AudienceIfNamed, Expected, JwtRefused, peek, verify
from limen.tenants.policies.registration import RegistrationPolicy, StatementIssuer
from limen.tokens.resource.remote_keys import RemoteKeys

_MOST_ISSUERS: Final = 200
_ANSWERED_AT_ADDRESSES: Final = frozenset({"authorization_code", "refresh_token"})
_ABOUT_ITSELF: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was verified.

    Args:
        raw: To be returned unmodified.
        members: What it says of the client; it wins over what the client says itself.
    """

    raw: str
    members: Mapping[str, Any]

    def vouches_for(self, members: Mapping[str, object]) -> bool:
        """Say whether it stands for whoever registers with it, and not for anybody who copied it.

        Statements are no secrets: each installation of an app has one. What it names of a client
        wins; what it leaves open a stranger may fill in, and would have its name lent (RFC 7591
        section 5). So it names where answers go; and of a client that asks for more than what
        goes there, with whose keys it authenticates. Devices have neither: it names that grant.

        Args:
            members: Of the registration, as sent.
        """
        said = {**members, **self.members}
        if said.get("redirect_uris") and "redirect_uris" not in self.members:
            return False
        grants = said.get("grant_types")
        named = (
            {each for each in grants if isinstance(each, str)}
            if isinstance(grants, list)
            else set()
        )
        elsewhere = named - _ANSWERED_AT_ADDRESSES
        if elsewhere == {DEVICE_CODE} and "grant_types" in self.members:
            return True
        return self._names_keys(said) if elsewhere else "redirect_uris" in self.members

    def _names_keys(self, said: Mapping[str, object]) -> bool:
        """Say whether nobody but who has the keys that it names can authenticate."""
        method = said.get("token_endpoint_auth_method")
        if method == "tls_client_auth":
            return any(name.startswith("tls_client_auth_") for name in self.members)
        return method in KEY_METHODS and not self.members.keys().isdisjoint({"jwks", "jwks_uri"})


@final
class StatementKeys:
    """The keys of those whose statements tenants believe.

    Args:
        net: The one door out.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self._remote: dict[str, RemoteKeys] = {}

    async def of(self, issuer: StatementIssuer, *, kid: str | None) -> KeySet:
        """Return an issuer's keys; those at an address are kept as its cache headers say.

        Raises:
            Unavailable: If they have to be fetched and can't be.
            InvalidKey: If what the policy holds is no JWK Set.
        """
        if issuer.jwks_uri is None:
            return import_key_set(issuer.jwks or {})
        if issuer.jwks_uri not in self._remote:
            if len(self._remote) >= _MOST_ISSUERS:
                self._remote.clear()
            self._remote[issuer.jwks_uri] = RemoteKeys(self._net, issuer.jwks_uri)
        return await self._remote[issuer.jwks_uri].get(kid)


async def read_statement(
    work: Work, members: Mapping[str, object], *, policy: RegistrationPolicy, keys: StatementKeys
) -> Statement | None:
    """Verify the software statement of a registration, if there is one.

    Args:
        work: Clean: the issuer's keys may have to be fetched.
        members: As sent.
        policy: Whose statements count.
        keys: Theirs.

    Raises:
        OAuthRefusal: ``unapproved_software_statement``: nobody the tenant trusts, or none where
            one is needed. ``invalid_software_statement``: it does not verify.
    """
    raw = members.get("software_statement")
    if raw is None:
        if policy.require_statement:
            raise _unapproved("A software statement is needed.")
        return None
    if not isinstance(raw, str):
        raise _invalid()
    try:
        told = peek(raw)
        issuer = _issuer(policy, told.claims.get("iss"))
        await work.let_go()
        kid = told.header.get("kid")
        trusted = await keys.of(issuer, kid=kid if isinstance(kid, str) else None)
        claims = verify(raw, trusted, expected=_expected(issuer, work.site.issuer), now=work.now)
    except (JwtRefused, InvalidKey, Unavailable) as refusal:
        raise _invalid(detail=refusal.detail) from None
    return Statement(raw, {n: v for n, v in claims.items() if n not in _ABOUT_ITSELF})


def _issuer(policy: RegistrationPolicy, named: object) -> StatementIssuer:
    for issuer in policy.statement_issuers:
        if issuer.issuer == named:
            return issuer
    raise _unapproved("This server does not know the issuer of the software statement.")


def _expected(issuer: StatementIssuer, own: str) -> Expected:
    return Expected(
        algorithms=frozenset(CLIENT_ALGS) | EDDSA,
        typ=("JWT", UNTYPED),
        issuer=issuer.issuer,
        audience=AudienceIfNamed(own),
        required=(),
    )


def _unapproved(public: str) -> OAuthRefusal:
    return OAuthRefusal("unapproved_software_statement", public, field="software_statement")


def _invalid(*, detail: str = "") -> OAuthRefusal:
    return OAuthRefusal(
        "invalid_software_statement",
        "The software statement is not valid.",
        detail=detail,
        field="software_statement",
    )
