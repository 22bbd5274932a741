"""Discovery, and what of a provider's words is believed."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from typing_extensions import override

from limen.federation.openid import OpenIdProvider, read_discovery
from limen.federation.provider import (
    ERROR_CLASSES,
    Ask,
    ExternalIdentity,
    Provider,
    ProviderAnswer,
    TokenAnswer,
    Told,
)
from limen.federation.registry import Catalogue, Providers, Registry
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.net import Answer, Net

ISSUER = "https://op.example"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
}
ANSWER = TokenAnswer(
    raw_access=Secret("x"),
    raw_refresh=None,
    expires_in=1,
    scope=None,
    raw_id_token=None,
    members={},
)


def google(simulators: str = "") -> Provider:
    found = Providers(simulators=simulators).find("google", {})
    assert found is not None
    return found


def identified(provider: Provider, claims: dict[str, Any]) -> ExternalIdentity:
    return provider.identify(Told(answer=ANSWER, claims=claims))


def discovered(**changes: Any) -> Any:
    told = {name: value for name, value in (DOCUMENT | changes).items() if value is not None}
    return read_discovery("op", ISSUER, told=told)


def test_a_document_is_read() -> None:
    found = discovered(userinfo_endpoint=f"{ISSUER}/me", revocation_endpoint=f"{ISSUER}/revoke")
    assert found.exchange.url == f"{ISSUER}/token"
    assert found.exchange.client_auth == "basic"
    assert found.documents["userinfo"].method == "GET"
    assert found.revoke is not None


def test_only_asymmetric_algorithms_are_taken_from_it() -> None:
    assert discovered().id_token_algorithms == {"RS256"}
    only_bad = discovered(id_token_signing_alg_values_supported=["none", "HS256"])
    assert only_bad.id_token_algorithms == {"RS256"}


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"issuer": f"{ISSUER}/"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": "http://op.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": 7},
    ],
    ids=str,
)
def test_a_document_that_is_not_the_issuers_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable):
        discovered(**changes)


@pytest.mark.parametrize(
    ("methods", "chosen"),
    [
        (None, "basic"),
        (["client_secret_post"], "post"),
        (["client_secret_post", "client_secret_basic"], "basic"),
        (["private_key_jwt"], "basic"),
    ],
)
def test_the_client_authenticates_as_the_provider_takes_it(methods: Any, chosen: str) -> None:
    found = discovered(token_endpoint_auth_methods_supported=methods)
    assert found.exchange.client_auth == chosen


@pytest.mark.parametrize(
    ("claims", "verified"),
    [
        ({"email": "a@gmail.com", "email_verified": True}, True),
        ({"email": "a@corp.example", "email_verified": True, "hd": "corp.example"}, True),
        ({"email": "a@corp.example", "email_verified": True}, False),
        ({"email": "a@corp.example", "email_verified": True, "hd": "other.example"}, False),
        ({"email": "a@gmail.com", "email_verified": "true"}, False),
        ({"email": "a@gmail.com", "email_verified": 1}, False),
        ({"email": "a@gmail.com"}, False),
        ({"email": "a@notgmail.com", "email_verified": True}, False),
        ({"email": ["a@gmail.com"], "email_verified": True, "hd": ""}, False),
    ],
    ids=str,
)
def test_google_proves_only_mailboxes_of_its_own(claims: dict[str, Any], verified: bool) -> None:
    told = {"iss": "https://accounts.google.com", "sub": "1", **claims}
    identity = identified(google(), told)
    assert identity.email_verified is verified


def test_an_arbitrary_provider_proves_no_mailbox() -> None:
    told = {"iss": ISSUER, "sub": "1", "email": "a@gmail.com", "email_verified": True}
    provider = OpenIdProvider("op", title="OP", issuer=ISSUER)
    assert not identified(provider, told).email_verified


def test_no_id_token_is_no_identity() -> None:
    with pytest.raises(ProviderUnavailable, match="provider_identity"):
        google().identify(Told(answer=ANSWER, documents={"userinfo": {"sub": ""}}))


def test_google_has_two_names_and_the_simulator_one() -> None:
    real, simulated = google(), google(simulators=ISSUER)
    for provider, names in (
        (real, {"accounts.google.com", "https://accounts.google.com"}),
        (simulated, {f"{ISSUER}/google"}),
    ):
        endpoints = provider._endpoints  # type: ignore[attr-defined]  # the class is not the point
        accepted = {
            issuer
            for issuer in ("accounts.google.com", "https://accounts.google.com", f"{ISSUER}/google")
            if provider.accepts_issuer(issuer, endpoints)
        }
        assert accepted == names
        assert not provider.accepts_issuer("https://evil.example", endpoints)


@pytest.mark.parametrize("iss", ["accounts.google.com", "https://accounts.google.com"])
def test_both_names_are_one_issuer_of_identities(iss: str) -> None:
    identity = identified(google(), {"iss": iss, "sub": "1"})
    assert identity.issuer == "https://accounts.google.com"


def test_signing_in_asks_for_no_consent_screen() -> None:
    params = google().authorize_params(Ask(purpose="sign_in", scopes=("openid", "email")))
    assert params == {"scope": "openid email"}


def test_offline_access_is_asked_with_a_consent_screen() -> None:
    provider = OpenIdProvider("op", title="Op", issuer=ISSUER)
    for purpose in ("connect", "sign_in"):
        ask = Ask(purpose=purpose, scopes=("openid", "offline_access"), needs_refresh_token=True)
        params = provider.authorize_params(ask)
        assert params == {"scope": "openid offline_access", "prompt": "consent"}
    plain = provider.authorize_params(Ask(purpose="sign_in", scopes=("openid", "offline_access")))
    assert "prompt" not in plain


@pytest.mark.anyio
async def test_a_trailing_slash_of_the_issuer_is_no_second_one() -> None:
    asked: list[str] = []

    class Answering(Net):
        def __init__(self) -> None:
            """It calls nobody."""

        @override
        async def fetch(self, method: str, url: str, **_: Any) -> Answer:
            asked.append(url)
            told = {**DOCUMENT, "issuer": f"{ISSUER}/"}
            return Answer(status=200, headers={}, body=json.dumps(told).encode())

    provider = OpenIdProvider("op", title="Op", issuer=f"{ISSUER}/")
    found = await provider.endpoints(
        Answering(), now=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    )
    assert asked == [f"{ISSUER}/.well-known/openid-configuration"]
    assert found.issuer == f"{ISSUER}/"


def test_a_configured_issuer_never_borrows_a_built_in_provider() -> None:
    providers = Providers()
    registry, catalogue = Registry(providers), Catalogue(providers)
    config = {"issuer": "https://evil.example", "connect_scopes": ["openid"]}
    assert isinstance(registry.find("google", config), OpenIdProvider)
    assert catalogue.get("google", config).issuer_of_identities == "https://evil.example"
    assert registry.find("notion", {}) is None


@pytest.mark.parametrize(
    ("status", "members", "meaning"),
    [
        (200, {"access_token": "x"}, "ok"),
        (200, {"error": "invalid_grant"}, "grant_dead"),
        (200, {"access_token": ""}, "malformed"),
        (200, {"access_token": 7}, "malformed"),
        (200, {}, "malformed"),
        (400, {"error": "invalid_grant"}, "grant_dead"),
        (403, {"error": "invalid_grant"}, "grant_dead"),
        (400, {"error": "never_heard_of"}, "transient"),
        (400, {}, "transient"),
        (401, {}, "transient"),
        (401, {"error": "invalid_client"}, "client_broken"),
        (429, {"error": "invalid_grant"}, "throttled"),
        (500, {"access_token": "x"}, "transient"),
    ],
)
def test_an_answer_means_what_its_code_says(
    status: int, members: dict[str, Any], meaning: str
) -> None:
    answer = ProviderAnswer(status=status, members=members, is_object=True)
    assert google().classify(answer) == meaning


def test_few_errors_end_a_grant() -> None:
    ending = {code for code, meaning in ERROR_CLASSES.items() if meaning == "grant_dead"}
    assert ending == {"invalid_grant"}
