"""What providers, hooks and other servers answer: read, refused, and never a crash."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.federation.call import read_answer
from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.catalogue.identity_rule import read_identity
from limen.federation.catalogue.load import load_entries
from limen.federation.catalogue.values import read_values
from limen.federation.openid import OpenIdProvider, read_discovery
from limen.federation.provider import TokenAnswer, Told
from limen.federation.registry import hosts_of, read_entry, read_override, read_own_entry
from limen.hooks.over_http import read_answer as read_hook_answer
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.net.answer import Answer
from limen.net.freshness import LEAST_SECONDS, MOST_SECONDS, fresh_seconds
from limen.protocol.jwk import generate_key
from limen.protocol.jwt import sign
from limen.simulators.vendor.keyring import entry_at
from limen.vault.refresh.expiry import Known, lifetime_of, read_seconds
from tests.unit.hostile import FEW, JSON, ODD, TEXTS, near, objects, read_or_refused

ISSUER = "https://op.example"
DISCOVERY: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "userinfo_endpoint": f"{ISSUER}/me",
    "revocation_endpoint": f"{ISSUER}/revoke",
    "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
    "id_token_signing_alg_values_supported": ["RS256", "ES256", "none"],
    "authorization_response_iss_parameter_supported": True,
}
TOKENS: dict[str, Any] = {
    "access_token": "ya29.x",
    "refresh_token": "1//x",
    "id_token": "a.b.c",
    "expires_in": 3600,
    "scope": "openid email",
    "token_type": "Bearer",
    "error": "invalid_grant",
}
HOOK: dict[str, Any] = {"allow": True, "reason": "because", "claims": {"tier": "gold"}}
PERSON: dict[str, Any] = {
    "sub": "1",
    "id": 7,
    "oid": "o",
    "tid": "t",
    "email": "ada@app.example",
    "email_verified": True,
    "name": "Ada",
    "picture": "https://op.example/ada",
    "login": "ada",
    "user": {"id": "u", "name": "Ada"},
    "owner": {"user": {"id": "u", "person": {"email": "ada@app.example"}}},
    "data": [{"id": "1", "attributes": {"email": "ada@app.example"}}],
}
ENTRIES = load_entries()
KEY = generate_key("ES256")
NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.timezone.utc)


def answer(body: bytes, status: int = 200, **headers: str) -> Answer:
    return Answer(status, {"content-type": "application/json", **headers}, body)


@FEW
@given(st.binary(max_size=60) | objects(TOKENS).map(lambda told: json.dumps(told).encode()))
def test_any_answer_is_read_or_none(body: bytes) -> None:
    read_or_refused(answer(body).json_object)
    read_or_refused(read_hook_answer, answer(body))
    told = read_answer(answer(body, 200, **{"retry-after": "1e9"}))
    provider = OpenIdProvider("op", title="OP", issuer=ISSUER)
    if provider.classify(told) == "ok":
        tokens = provider.read_tokens(told)
        for raw in (tokens.raw_access, tokens.raw_refresh):
            assert raw is None or (raw.reveal().isascii() and raw.reveal().isprintable())


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\0", "é", "\n", "a\tb", "\u2028"])
def test_a_token_that_would_break_a_header_is_malformed(name: str, value: str) -> None:
    told = read_answer(answer(json.dumps({"access_token": "x", name: value}).encode()))
    provider = OpenIdProvider("op", title="OP", issuer=ISSUER)
    assert provider.classify(told) == "malformed"


@FEW
@given(objects(HOOK).map(lambda told: json.dumps(told).encode()))
def test_any_hook_says_yes_no_or_nothing(body: bytes) -> None:
    said = read_or_refused(read_hook_answer, answer(body))
    assert isinstance(said, Refusal) or json.loads(body)["allow"] in {True, False}


@FEW
@given(objects(DISCOVERY))
def test_any_discovery_document_is_read_or_refused(told: dict[str, Any]) -> None:
    found: Any = read_or_refused(read_discovery, "op", ISSUER, told=told)
    if not isinstance(found, Refusal):
        assert "none" not in found.id_token_algorithms
        assert found.exchange.url.startswith("https://")


@pytest.mark.parametrize(
    "changes",
    [
        {"id_token_signing_alg_values_supported": [["RS256"], {}]},
        {"token_endpoint": "https://[::1"},
        {"jwks_uri": "https://[x]/jwks"},
        {"token_endpoint_auth_methods_supported": [[]]},
    ],
    ids=json.dumps,
)
def test_a_document_of_odd_members_is_no_crash(changes: dict[str, Any]) -> None:
    read_or_refused(read_discovery, "op", ISSUER, told={**DISCOVERY, **changes})


@settings(max_examples=200)
@given(st.sampled_from(sorted(ENTRIES)), objects(PERSON), objects(PERSON), st.booleans())
def test_any_profile_names_somebody_or_nobody(
    name: str, claims: dict[str, Any], document: dict[str, Any], listed: bool
) -> None:
    rule = ENTRIES[name].identity
    tokens = TokenAnswer(
        raw_access=Secret("x"),
        raw_refresh=None,
        expires_in=None,
        scope=None,
        raw_id_token=None,
        members=document,
    )
    documents = {each: [document, claims] if listed else document for each in _documents(name)}
    told = Told(answer=tokens, claims=claims, documents=documents)
    found: Any = read_or_refused(read_identity, rule, told, issuer=ISSUER)
    if found is not None and not isinstance(found, Refusal):
        assert isinstance(found.subject, str)
        assert found.subject


def _documents(name: str) -> list[str]:
    return [*ENTRIES[name].documents, "userinfo"]


GOOGLE = ENTRIES["google"].model_dump(by_alias=True, mode="json")


@FEW
@given(objects(GOOGLE))
def test_any_entry_of_a_tenant_is_read_or_refused(document: dict[str, Any]) -> None:
    read_or_refused(read_entry, document)
    part = {each: document[each] for each in ("title", "scopes", "features") if each in document}
    read_or_refused(read_override, part, ENTRIES["google"])
    read_or_refused(read_override, document, ENTRIES["google"])


KEYRING = entry_at("https://api.keyring.example")


@FEW
@given(objects(KEYRING))
def test_any_entry_of_keys_is_read_or_refused(document: dict[str, Any]) -> None:
    found: Any = read_or_refused(read_own_entry, document)
    if not isinstance(found, Refusal) and not found.values:
        read_or_refused(hosts_of, document, {})


def test_a_good_entry_is_read() -> None:
    assert read_own_entry(KEYRING).id == "keyring"
    assert read_entry(GOOGLE).id == "google"
    assert CatalogueProvider(read_entry(GOOGLE)).id == "google"


WITH_VALUES = sorted(name for name, entry in ENTRIES.items() if entry.values)


@FEW
@given(
    st.sampled_from(WITH_VALUES or ["google"]),
    st.dictionaries(TEXTS, TEXTS | near("acme", "acme.example.com"), max_size=2),
)
def test_any_values_complete_an_address_or_are_refused(name: str, given_: dict[str, str]) -> None:
    entry = ENTRIES[name]
    named = {next(iter(entry.values), "x"): value for value in given_.values()}
    for values in (given_, named):
        found: Any = read_or_refused(read_values, entry.values, values)
        if not isinstance(found, Refusal):
            for value in found.values():
                assert not set(value) & set("/?#@:\\ \r\n\0")


@FEW
@given(ODD | JSON, ODD | JSON)
def test_any_lifetime_is_seconds_or_unknown(expires_in: Any, exp: Any) -> None:
    assert read_seconds(expires_in) is None or isinstance(read_seconds(expires_in), int)
    text = json.dumps({"exp": exp})
    if "Infinity" in text:
        return
    raw = sign({"exp": exp}, KEY, typ="at+jwt")
    for known in (Known(), Known(last_seconds=5)):
        found = lifetime_of(expires_in, raw_access=raw, requested_at=NOW, known=known)
        assert found is None or 0 <= found < 2**40


@pytest.mark.parametrize("exp", [10**400, 2**63, -(10**400), 1e308])
def test_a_token_that_ends_beyond_all_dates_says_nothing(exp: Any) -> None:
    raw = sign({"exp": exp}, KEY, typ="at+jwt")
    assert lifetime_of(None, raw_access=raw, requested_at=NOW, known=Known()) is None


@FEW
@given(TEXTS | near("max-age=3600, public", "no-store"))
def test_any_cache_header_keeps_within_bounds(line: str) -> None:
    kept = fresh_seconds(Answer(200, {"cache-control": line}, b""))
    assert LEAST_SECONDS <= kept <= MOST_SECONDS


def test_rfc_7009_a_token_to_be_revoked_is_named() -> None:
    found = read_discovery("op", ISSUER, told=DISCOVERY).revoke
    assert found is not None
    assert found.token_param == "token"
