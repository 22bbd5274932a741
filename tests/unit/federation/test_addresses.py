"""No value of a tenant's leads a client's secret elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from limen.federation.catalogue.addresses import fill, host_of, is_allowed, is_below
from limen.federation.catalogue.entry import Entry, Value
from limen.federation.catalogue.load import load_entries
from limen.federation.registry import Providers
from limen.kernel.errors import InvalidInput

SALESFORCE = ("*.salesforce.com",)
ATTACKS = [
    "evil.com/.salesforce.com",
    "evil.com#.salesforce.com",
    "evil.com?.salesforce.com",
    "evil.com\\.salesforce.com",
    "a.salesforce.com@evil.com",
    "evil.com@a.salesforce.com",
    "a.salesforce.com:8443",
    "a.salesforce.com.",
    "a.salesforce.com.evil.com",
    "evilsalesforce.com",
    "salesforce.com",
    ".salesforce.com",
    "-a.salesforce.com",
    "a..salesforce.com",
    "a.salesforce.com\n",
    "a.salesforce.com ",
    "A.salesforce.com",
    "\u0430.salesforce.com",  # Cyrillic
    "a.salesforce\u3002com",  # an ideographic full stop
    "a.\u017falesforce.com",  # a long s, which case-folding makes an s
    "%61.salesforce.com",
    "{client_id}.salesforce.com",
    "[::1].salesforce.com",
    "127.0.0.1",
    "",
]


@pytest.mark.parametrize("raw", ATTACKS, ids=range(len(ATTACKS)))
def test_a_host_that_is_not_the_providers_is_no_value(raw: str) -> None:
    with pytest.raises(InvalidInput, match="provider_address"):
        Providers().find("salesforce", {"values": {"domain": raw}})


@pytest.mark.parametrize("raw", ATTACKS, ids=range(len(ATTACKS)))
def test_nor_does_it_pass_when_the_pattern_forgot_something(raw: str) -> None:
    """The finished URL is looked at again, whatever the pattern let through."""
    with pytest.raises(InvalidInput, match="provider_address"):
        fill("https://{domain}/token", {"domain": raw}, hosts=SALESFORCE)


@pytest.mark.parametrize("host", ["login.salesforce.com", "acme--uat.sandbox.my.salesforce.com"])
def test_a_customers_own_domain_is_one(host: str) -> None:
    found = Providers().find("salesforce", {"values": {"domain": host}})
    assert found is not None
    assert host in found.credential_hosts  # type: ignore[attr-defined]  # an entry's


@pytest.mark.parametrize(
    "raw",
    ["..", "../evil", "common/../../x", "common?x=", "common#", "contoso.com", "COMMON", "", "a b"],
    ids=range(9),
)
def test_a_segment_stays_one(raw: str) -> None:
    with pytest.raises(InvalidInput, match="provider_address"):
        Providers().find("microsoft", {"values": {"tenant": raw}})
    assert not Value(title="x", kind="segment", pattern=".*").accepts(raw) or raw in {
        "contoso.com",
        "COMMON",
    }


def test_unknown_and_missing_values_are_refused() -> None:
    with pytest.raises(InvalidInput, match="provider_address"):
        Providers().find("google", {"values": {"host": "evil.example"}})
    with pytest.raises(InvalidInput, match="provider_address"):
        fill("https://{domain}/token", {}, hosts=SALESFORCE)


def test_a_value_in_a_path_never_moves_the_host() -> None:
    with pytest.raises(InvalidInput, match="provider_address"):
        fill("https://a.example{tail}", {"tail": ".evil.example/x"})


@pytest.mark.parametrize(
    ("host", "pattern", "is_one"),
    [
        ("api.x.com", "api.x.com", True),
        ("b.api.x.com", "api.x.com", False),
        ("b.api.x.com", "*.x.com", True),
        ("x.com", "*.x.com", False),
        ("evilx.com", "*.x.com", False),
        ("b.x.com.", "*.x.com", False),
    ],
)
def test_a_pattern_allows_what_is_below_it(host: str, pattern: str, is_one: bool) -> None:
    assert is_below(host, pattern) is is_one


@pytest.mark.parametrize(
    "url",
    [
        "http://a.salesforce.com/x",
        "https://a.salesforce.com:443/x",
        "https://u@a.salesforce.com/x",
        "https://A.salesforce.com/x",
        "//a.salesforce.com/x",
        "https://a.salesforce.com\\@evil.com/x",
        "https://[::1",
        "javascript:alert(1)",
        "",
    ],
    ids=range(9),
)
def test_an_address_that_a_response_names_is_plain_or_nothing(url: str) -> None:
    assert host_of(url) == ""
    assert not is_allowed(url, SALESFORCE)


@pytest.mark.parametrize("entry", sorted(load_entries()))
def test_what_ships_is_https_and_no_free_host_but_a_tenants_own_server(entry: str) -> None:
    found = load_entries()[entry]
    assert [url for url in found.urls() if not url.startswith("https://")] == []
    free = [
        name for name, value in found.values.items() if value.kind == "host" and not value.hosts
    ]
    assert free == (["host"] if entry == "gitlab" else [])


@pytest.mark.parametrize(
    "changes",
    [
        {"operations": {"exchange": {"url": "https://{nobody}/token"}}},
        {"operations": {"exchange": {"url": "ftp://a.example/token"}}},
        {"operations": {"exchange": {"url": "https://u:p@a.example/token"}}},
        {"operations": {"exchange": {"url": "https://a.example/#x"}}},
        {"api": {"hosts": ["{nobody}"]}},
        {"api": {"hosts": ["*"]}},
        {"api": {"hosts": ["https://a.example"]}},
        {"identity": {"source": "nowhere"}},
    ],
    ids=range(8),
)
def test_an_entry_with_loose_ends_is_refused(changes: dict[str, Any]) -> None:
    told = load_entries()["x"].model_dump(by_alias=True, mode="json")
    Entry.model_validate(told)
    for part, members in changes.items():
        for name, value in members.items():
            if isinstance(value, dict):
                told[part][name] |= value
            else:
                told[part][name] = value
    with pytest.raises(ValidationError):
        Entry.model_validate(told)
