"""Any OpenID provider, by discovery: what all of them have in common."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from typing_extensions import override

from limen.federation.call import read_answer
from limen.federation.provider import (
    OK,
    Ask,
    ClientAuth,
    Endpoints,
    ExternalIdentity,
    Operation,
    Provider,
    TokenAnswer,
    unidentified,
)
from limen.kernel.errors import ProviderUnavailable
from limen.net import Net

_KEPT_FOR: Final = dt.timedelta(hours=1)
_ASYMMETRIC: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA", "Ed25519"})


class OpenIdProvider(Provider):
    """A provider known by its issuer.

    Args:
        id: Its name in our URLs.
        title: As people call it.
        issuer: Its discovery document is asked for below it, and must repeat it.
        scopes: Asked at sign-in.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 -- the word of the interface
        *,
        title: str,
        issuer: str,
        scopes: tuple[str, ...] = ("openid", "email", "profile"),
    ) -> None:
        self.id = id
        self.title = title
        self.sign_in_scopes = scopes
        self._issuer = issuer
        self._found: tuple[dt.datetime, Endpoints] | None = None

    @override
    async def endpoints(self, net: Net, *, now: dt.datetime) -> Endpoints:
        if self._found is None or not (dt.timedelta() <= now - self._found[0] < _KEPT_FOR):
            self._found = (now, await self._discover(net))
        return self._found[1]

    @override
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        params = {"scope": " ".join(ask.scopes)}
        if ask.account_hint:
            params["login_hint"] = ask.account_hint
        if ask.purpose == "connect" and "offline_access" in ask.scopes:
            params["prompt"] = "consent"  # OIDC Core section 11: or offline_access is ignored
        return params

    @override
    def accepts_issuer(self, issuer: str, endpoints: Endpoints) -> bool:
        return issuer == endpoints.issuer

    @override
    def identify(
        self, *, claims: Mapping[str, Any], userinfo: Mapping[str, Any], answer: TokenAnswer
    ) -> ExternalIdentity:
        if not claims:
            raise unidentified(self.id, "no ID token")
        told = {**userinfo, **claims}
        email = told.get("email")
        return ExternalIdentity(
            issuer=str(claims["iss"]),
            subject=str(claims["sub"]),
            label=_text(told.get("email")) or _text(told.get("name")) or str(claims["sub"]),
            email=_text(email),
            # The boolean alone: "true" as text is what a hand-made claim says (N129).
            email_verified=self.believes_email(told) and told.get("email_verified") is True,
            name=_text(told.get("name")),
        )

    def believes_email(self, told: Mapping[str, Any]) -> bool:
        """Say whether this provider's ``email_verified`` proves the mailbox.

        Of an arbitrary provider it proves nothing: whoever runs one may claim any address.
        """
        _ = told
        return False

    async def _discover(self, net: Net) -> Endpoints:
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = read_answer(await net.fetch("GET", url, headers={"Accept": "application/json"}))
        if answer.status != OK or not answer.is_object:
            raise ProviderUnavailable(detail=f"{self.id}: discovery answered {answer.status}")
        return read_discovery(self.id, self._issuer, told=answer.members)


def read_discovery(provider: str, issuer: str, *, told: Mapping[str, Any]) -> Endpoints:
    """Read a discovery document.

    The issuer must be the one that was asked, and its endpoints as safe as it is: a document
    that names another issuer is how one provider passes for another (OIDC Discovery 4.3).
    """
    if told.get("issuer") != issuer:
        raise ProviderUnavailable(detail=f"{provider}: discovery names another issuer")
    scheme = urlsplit(issuer).scheme

    def where(name: str) -> str:
        url = told.get(name)
        if not isinstance(url, str) or _scheme(url) not in {scheme, "https"}:
            raise ProviderUnavailable(detail=f"{provider}: discovery lacks {name}")
        return url

    auth = _client_auth(told.get("token_endpoint_auth_methods_supported"))
    token = Operation(url=where("token_endpoint"), client_auth=auth)
    revoke = "revocation_endpoint" in told
    userinfo = "userinfo_endpoint" in told
    offered = told.get("id_token_signing_alg_values_supported")
    named = offered if isinstance(offered, list) else ()
    algorithms = frozenset(each for each in named if isinstance(each, str)) & _ASYMMETRIC
    return Endpoints(
        issuer=issuer,
        sends_iss=told.get("authorization_response_iss_parameter_supported") is True,
        authorize=Operation(url=where("authorization_endpoint"), method="GET"),
        exchange=token,
        refresh=token,
        revoke=Operation(url=where("revocation_endpoint"), client_auth=auth) if revoke else None,
        userinfo=Operation(url=where("userinfo_endpoint"), method="GET") if userinfo else None,
        jwks_uri=where("jwks_uri"),
        id_token_algorithms=algorithms or frozenset({"RS256"}),
    )


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _client_auth(methods: object) -> ClientAuth:
    """Choose Basic unless only the body will do; Basic is what silence means (OIDC Discovery 3)."""
    if isinstance(methods, list) and "client_secret_basic" not in methods:
        return "post" if "client_secret_post" in methods else "basic"
    return "basic"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
