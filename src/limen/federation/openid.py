"""Any OpenID provider, by discovery: what all of them have in common."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from typing_extensions import override

from limen.federation.call import read_answer
from limen.federation.facts import Facts, Feature, Lifetime
from limen.federation.provider import (
    OK,
    Ask,
    ClientAuth,
    Endpoints,
    ExternalIdentity,
    Operation,
    Provider,
    Told,
    unidentified,
)
from limen.kernel.errors import ProviderUnavailable
from limen.net import Net

_KEPT_FOR: Final = dt.timedelta(hours=1)
_OF_THE_TOKEN: Final = frozenset(
    {"iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "jti", "sid", "acr"}
)
"""What an ID token says of itself, and not of the person."""
_ASYMMETRIC: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA", "Ed25519"})


class OpenIdProvider(Provider):
    """A provider known by its issuer.

    Args:
        id: Its name in our URLs.
        title: As people call it.
        issuer: Its discovery document is asked for below it, and must repeat it.
        scopes: Asked at sign-in.
        connect_scopes: Asked when connecting; without any nothing is connected. Nothing is
            known of its habits, so the strictest are assumed: a refresh token counts as
            consumed by its use, without grace, and a lost answer makes the connection
            uncertain instead of trying again.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 -- the word of the interface
        *,
        title: str,
        issuer: str,
        scopes: tuple[str, ...] = ("openid", "email", "profile"),
        connect_scopes: tuple[str, ...] = (),
    ) -> None:
        self.id = id
        self.title = title
        self.sign_in_scopes = scopes
        self._issuer = issuer
        feature = Feature(title=f"Use your {title} account", scopes=connect_scopes)
        self._facts = Facts(
            lifetime=Lifetime(rotation="single_use"),
            features={"account": feature} if connect_scopes else {},
            identity_scopes=("openid",),
        )
        self._found: tuple[dt.datetime, Endpoints] | None = None

    @override
    async def endpoints(self, net: Net, *, now: dt.datetime) -> Endpoints:
        if self._found is None or not (dt.timedelta() <= now - self._found[0] < _KEPT_FOR):
            self._found = (now, await self._discover(net))
        return self._found[1]

    @override
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        scopes = list(ask.scopes)
        if ask.purpose == "sign_in" and ask.needs_refresh_token:
            scopes += [] if "offline_access" in scopes else ["offline_access"]
        params = {"scope": " ".join(scopes)}
        if ask.account_hint:
            params["login_hint"] = ask.account_hint
        if (ask.purpose == "connect" or ask.needs_refresh_token) and "offline_access" in scopes:
            params["prompt"] = "consent"  # OIDC Core section 11: or offline_access is ignored
        return params

    @property
    @override
    def issuer_of_identities(self) -> str:
        return self._issuer

    @property
    @override
    def facts(self) -> Facts:
        return self._facts

    @override
    def identify(self, told: Told) -> ExternalIdentity:
        if not told.claims:
            raise unidentified(self.id, "no ID token")
        userinfo = told.documents.get("userinfo") or {}
        said = {**userinfo, **told.claims}
        return ExternalIdentity(
            issuer=str(told.claims["iss"]),
            subject=str(told.claims["sub"]),
            label=_text(said.get("email")) or _text(said.get("name")) or str(said["sub"]),
            email=_text(said.get("email")),
            # Of an arbitrary provider it proves nothing: whoever runs one may claim any
            # address (N129).
            email_verified=False,
            name=_text(said.get("name")),
            picture=_text(said.get("picture")),
            locale=_text(said.get("locale")),
            profile={name: value for name, value in said.items() if name not in _OF_THE_TOKEN},
        )

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
    asked = (
        Operation(url=where("userinfo_endpoint"), method="GET", client_auth="bearer")
        if "userinfo_endpoint" in told
        else None
    )
    offered = told.get("id_token_signing_alg_values_supported")
    named = offered if isinstance(offered, list) else ()
    algorithms = frozenset(each for each in named if isinstance(each, str)) & _ASYMMETRIC
    return Endpoints(
        issuer=issuer,
        sends_iss=told.get("authorization_response_iss_parameter_supported") is True,
        authorize=Operation(url=where("authorization_endpoint"), method="GET"),
        exchange=token,
        refresh=token,
        revoke=(
            Operation(url=where("revocation_endpoint"), client_auth=auth, token_param="token")  # noqa: S106 -- RFC 7009's name
            if revoke
            else None
        ),
        documents={"userinfo": asked} if asked else {},
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
