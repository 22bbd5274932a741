"""What every provider must hold to, catalogue entry or plug-in: ``check_provider``.

Pure but for the provider's own discovery: nothing is sent anywhere by the checks themselves.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from limen.federation.catalogue.credential_ways import Ways
from limen.federation.catalogue.key_provider import KeyProvider, ways_at
from limen.federation.provider import (
    Ask,
    Endpoints,
    Exchange,
    Operation,
    Provider,
    ProviderAnswer,
    Purpose,
    TokenAnswer,
    Told,
)
from limen.kernel.clock import UTC
from limen.kernel.errors import ProviderUnavailable, Refusal
from limen.kernel.secret import Secret
from limen.net import Net
from limen.settings.sections import NetSettings

_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_OURS: Final = frozenset(
    {"state", "client_id", "redirect_uri", "response_type", "nonce", "code_challenge"}
)
_SYMMETRIC: Final = frozenset({"none", "HS256", "HS384", "HS512"})
_NOW: Final = dt.datetime(2026, 1, 1, tzinfo=UTC)
_SAMPLE: Final[Mapping[str, Any]] = {
    "access_token": "access",
    "refresh_token": "refresh",
    "token_type": "Bearer",
    "expires_in": 3600,
}
_NOWHERE: Final = Endpoints(
    authorize=Operation(url=""), exchange=Operation(url=""), refresh=Operation(url="")
)
_STRANGER: Final = "https://stranger.example"

# Of an answer: what it is, and whether it may be taken for a success or for a grant's end.
_NEVER_OK: Final[tuple[tuple[int, dict[str, Any]], ...]] = (
    (429, {"error": "invalid_grant"}),
    (500, {}),
    (503, {"error": "temporarily_unavailable"}),
    (400, {"error": "an_error_nobody_knows"}),
    (401, {}),
    (403, {}),
    (404, {}),
)


async def check_provider(
    provider: Provider, *, sample: Mapping[str, Any] = _SAMPLE, net: Net | None = None
) -> None:
    """Hold a provider to what federation and the vault rely on.

    Args:
        provider: An instance, as it is plugged in.
        sample: A successful answer of its token endpoint.
        net: For a provider that discovers its endpoints; one that calls nobody by default.

    Raises:
        AssertionError: Everything it does not hold to, a line each.
    """
    if isinstance(provider, KeyProvider):  # it asks nobody's consent: there is nowhere to ask
        endpoints, checks = _NOWHERE, _OF_KEYS
    else:
        endpoints, checks = await provider.endpoints(net or Net(NetSettings()), now=_NOW), _CHECKS
    problems = [problem for check in checks for problem in check(provider, endpoints)]
    problems += _tokens(provider, sample)
    if problems:
        raise AssertionError("\n".join(f"{provider.id}: {problem}" for problem in problems))


def _names(provider: Provider, endpoints: Endpoints) -> Iterator[str]:
    _ = endpoints
    if not _ID.fullmatch(provider.id):
        yield "its id is lower-case letters, digits, hyphens"
    if not provider.title:
        yield "it has no title"
    if not provider.signs_in and not provider.facts.features:
        yield "nobody can sign in with it, and nothing can be connected"


def _addresses(provider: Provider, endpoints: Endpoints) -> Iterator[str]:
    _ = provider
    operations = {
        "authorize": endpoints.authorize,
        "exchange": endpoints.exchange,
        "refresh": endpoints.refresh,
        "revoke": endpoints.revoke,
        "introspect": endpoints.introspect,
        **endpoints.documents,
    }
    for name, operation in operations.items():
        if operation is not None and not _is_safe(operation.url):
            yield f"{name}: {operation.url} is no https URL"
    if endpoints.jwks_uri and not _is_safe(endpoints.jwks_uri):
        yield "its keys are not at an https URL"
    if endpoints.id_token_algorithms & _SYMMETRIC:
        yield "ID tokens under a shared secret or none prove nothing"


def _issuers(provider: Provider, endpoints: Endpoints) -> Iterator[str]:
    known = endpoints.issuer or provider.issuer_of_identities
    for other in ("", _STRANGER, f"{known}.stranger.example", f"{known}/x", known.upper()):
        if other != known and provider.accepts_issuer(other, endpoints):
            yield f"it takes {other!r} for its own issuer"
        if other != known and provider.is_own_issuer(other):
            yield f"it keeps accounts of {other!r} as its own"
    if not provider.issuer_of_identities:
        yield "its accounts are kept under no issuer"
    if not provider.names_other_account({"sub": "1"}, issuer=known, subject="1"):
        yield "an ID token without issuer is taken for the account's"


def _requests(provider: Provider, endpoints: Endpoints) -> Iterator[str]:
    _ = endpoints
    purposes: tuple[Purpose, ...] = ("sign_in", "connect")
    for purpose in purposes:
        ask = Ask(purpose=purpose, scopes=("a", "b"), needs_refresh_token=True, account_hint="x")
        params = provider.authorize_params(ask)
        if _OURS & set(params):
            yield f"{purpose}: {sorted(_OURS & set(params))} are not the provider's to set"
        if not all(isinstance(value, str) for value in params.values()):
            yield f"{purpose}: parameters are text"
    sent = provider.exchange_params(
        Exchange(raw_code=Secret("c"), raw_verifier=Secret("v"), redirect_uri="https://us.example")
    )
    if sent.get("grant_type") != "authorization_code" or sent.get("code") != "c":
        yield "the exchange does not send the code"
    if ("code_verifier" in sent) != provider.uses_pkce:
        yield "the verifier is sent where PKCE is used, and nowhere else"
    sent = provider.refresh_params(Secret("r"), scopes=("a",))
    if sent.get("grant_type") != "refresh_token" or sent.get("refresh_token") != "r":
        yield "the refresh does not send the refresh token"


def _meanings(provider: Provider, endpoints: Endpoints) -> Iterator[str]:
    _ = endpoints
    for status, members in _NEVER_OK:
        meaning = provider.classify(_answer(status, members))
        if meaning in {"ok", "grant_dead", "interaction_required"}:
            yield f"{status} {members} means {meaning}: that would end or believe a grant"
    for members in (
        {},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": None},
        {"access_token": "a\r\nb"},
        {"access_token": "a", "refresh_token": 7},
    ):
        if provider.classify(_answer(200, members)) == "ok":
            yield f"200 with {members} is taken for a success"
    told = {**_SAMPLE, "error": "server_error"}
    if provider.classify(_answer(200, told)) == "ok":
        yield "an error with status 200 is taken for a success"
    if provider.classify(_answer(400, {"error": "invalid_client"})) != "client_broken":
        yield "invalid_client is our trouble and no connection's"
    html = ProviderAnswer(status=200, members={}, is_object=False)
    if provider.classify(html) == "ok":
        yield "an HTML page is taken for a success"


def _identity(provider: Provider, endpoints: Endpoints) -> Iterator[str]:
    _ = endpoints
    nothing = Told(answer=_empty(), callback={"user": '{"email":"victim@gmail.com"}'})
    try:
        found = provider.identify(nothing)
    except (ProviderUnavailable, Refusal):
        return
    yield f"an answer that names nobody is taken for {found.subject!r}"


def _facts(provider: Provider, endpoints: Endpoints) -> Iterator[str]:
    _ = endpoints
    facts = provider.facts
    if facts.lifetime.grace_seconds and not facts.is_single_use:
        yield "a grace is of refresh tokens that their use replaces"
    for name, feature in facts.features.items():
        if len(set(feature.scopes)) != len(feature.scopes):
            yield f"feature {name} names a scope twice"
    if facts.features and not facts.api.hosts and not provider.facts.scopes:
        return
    once = provider.normalise(["b", "a", "b", ""])
    if provider.normalise(once) != once or len(set(once)) != len(once):
        yield "normalising scopes twice is not the same as once"


def _credentials(provider: Provider, endpoints: Endpoints) -> Iterator[str]:
    _ = endpoints
    ways = ways_at(provider)
    if ways.by_kind:
        yield from _how_credentials_are_kept(provider, ways)
        yield from _where_credentials_go(provider, ways)
    elif getattr(provider, "credentials", None) is not None:
        yield "it declares credentials and is no TakesCredentials: nobody can give one"


def _how_credentials_are_kept(provider: Provider, ways: Ways) -> Iterator[str]:
    if not provider.facts.features:
        yield "it has no feature: nothing can be connected with its credentials"
    is_own_name = ways.kept_under.startswith(f"urn:limen:credentials:{provider.id}:")
    mixes = not isinstance(provider, KeyProvider) and provider.keeps_accounts_of(ways.kept_under)
    if not is_own_name or mixes:
        yield "credentials are kept apart from the accounts of people's consent"


def _where_credentials_go(provider: Provider, ways: Ways) -> Iterator[str]:
    hosts = provider.facts.api.hosts
    if not hosts or any("{" in host for host in hosts):
        yield f"its credentials are for no API: {hosts} are no hosts"
    for kind, way in ways.by_kind.items():
        for called in (way.verify, way.token):
            if called is not None and ("{" in called.url or not _is_safe(called.url)):
                yield f"credentials, {kind}: {called.url} is no https URL"
        if way.is_fetching and way.api.query:
            yield f"credentials, {kind}: a token does not travel in a URL"


_Checks = tuple[Callable[[Provider, Endpoints], Iterator[str]], ...]
_OF_KEYS: Final[_Checks] = (_names, _credentials, _facts)
_CHECKS: Final[_Checks] = (
    _names,
    _addresses,
    _issuers,
    _requests,
    _meanings,
    _identity,
    _credentials,
    _facts,
)


def _tokens(provider: Provider, sample: Mapping[str, Any]) -> Iterator[str]:
    answer = _answer(200, sample)
    if provider.classify(answer) != "ok":
        yield "its own sample is no success to it"
        return
    if not provider.read_tokens(answer).raw_access.reveal():
        yield "it reads no access token"
    for absent in ({}, {"refresh_token": None}, {"refresh_token": ""}):
        bare = {name: value for name, value in sample.items() if name != "refresh_token"}
        told = provider.read_tokens(_answer(200, {**bare, **absent}))
        if told.raw_refresh is not None and "refresh_token" in sample:
            yield f"with {absent} it reads a refresh token: that would erase the one we hold"
    if "access" in repr(provider.read_tokens(answer)).replace("raw_access", ""):
        yield "its tokens show in repr"


def _answer(status: int, members: Mapping[str, Any]) -> ProviderAnswer:
    return ProviderAnswer(status=status, members=members, is_object=True)


def _empty() -> TokenAnswer:
    return TokenAnswer(
        raw_access=Secret("access"),
        raw_refresh=None,
        expires_in=None,
        scope=None,
        raw_id_token=None,
        members={},
    )


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    is_loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    plain = not (parts.username or parts.password or parts.fragment)
    return bool(parts.hostname) and plain and (parts.scheme == "https" or is_loopback)
