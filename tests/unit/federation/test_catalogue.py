"""The catalogue: every entry is valid, and what it says is what is done."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.catalogue.entry import Entry
from limen.federation.catalogue.identity_rule import at
from limen.federation.catalogue.load import load_entries
from limen.federation.provider import Provider, ProviderAnswer
from limen.federation.registry import Providers

ENTRIES = load_entries()


def provider(name: str) -> Provider:
    found = Providers().find(name, {})
    assert found is not None
    return found


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_entry_has_evidence_and_a_way_to_remove_the_consent(name: str) -> None:
    entry = ENTRIES[name]
    assert entry.evidence
    assert entry.manage_url
    assert entry.features or entry.sign_in_scopes


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_the_simulator_serves_an_entry_at_the_same_paths(name: str) -> None:
    vendor = CatalogueProvider(ENTRIES[name])._endpoints
    moved = CatalogueProvider(ENTRIES[name], base_url="http://127.0.0.1:1/x")._endpoints
    assert vendor.exchange.url.startswith("https://")
    assert moved.exchange.url.startswith("http://127.0.0.1:1/x/")
    assert vendor.exchange.url.endswith(moved.exchange.url.removeprefix("http://127.0.0.1:1/x"))
    assert moved.issuer == "http://127.0.0.1:1/x"


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"evidence": ()},
        {"features": {"x": {"title": "X", "scopes": ["nobody-knows"]}}},
        {"manage_url": "http://plain.example"},
        {"id": "Google!"},
    ],
    ids=str,
)
def test_a_bad_entry_is_refused(changes: dict[str, Any]) -> None:
    good = ENTRIES["google"].model_dump(by_alias=True)
    Entry.model_validate(good)
    with pytest.raises(ValidationError):
        Entry.model_validate(good | changes)


def test_scopes_compare_under_one_name() -> None:
    assert provider("google").normalise(["email", "openid", "email"]) == (
        "https://www.googleapis.com/auth/userinfo.email",
        "openid",
    )


@pytest.mark.parametrize(
    ("members", "meaning"),
    [
        ({"error": "invalid_grant"}, "grant_dead"),
        ({"error": "invalid_grant", "error_subtype": "invalid_rapt"}, "interaction_required"),
        ({"error": "admin_policy_enforced"}, "interaction_required"),
    ],
)
def test_google_tells_session_control_from_death(members: dict[str, Any], meaning: str) -> None:
    answer = ProviderAnswer(status=400, members=members, is_object=True)
    assert provider("google").classify(answer) == meaning


def test_notion_authenticates_by_basic_and_speaks_json_everywhere() -> None:
    operations = ENTRIES["notion"].operations
    assert operations.revoke is not None
    for each in (operations.exchange, operations.refresh, operations.revoke):
        assert (each.client_auth, each.body) == ("basic", "json")
    assert "Notion-Version" in operations.revoke.headers


def test_a_pointer_finds_or_finds_nothing() -> None:
    document = {"a": {"b": "c"}}
    assert at(document, "/a/b") == "c"
    assert at(document, "/a/b/c") is None
    assert at([], "/a") is None
