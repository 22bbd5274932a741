"""What an entry may say of credentials, and where they go by it."""

from __future__ import annotations

from typing import Any

import pytest

from limen.federation.catalogue.key_entry import KeyEntry
from limen.federation.catalogue.key_provider import KeyProvider, ways_at
from limen.federation.catalogue.load import load_entries
from limen.federation.registry import OwnProvider, Providers, hosts_of, read_own_entry
from limen.kernel.errors import InvalidInput, NotPermitted
from limen.net import Net
from limen.settings import Settings
from limen.simulators.vendor.keyring import entry_at

BASE = "https://api.keyring.example"
PROOF = {"url": f"{BASE}/me"}
KEY = {"title": "Key", "verify": PROOF}


def own(**credentials: Any) -> dict[str, Any]:
    return {**entry_at(BASE), **({"credentials": credentials} if credentials else {})}


def with_consent(**credentials: Any) -> dict[str, Any]:
    """An own entry that sends people to its provider too."""
    shipped = load_entries()["gitlab"].model_dump(mode="json", by_alias=True, exclude_none=True)
    return {**shipped, "id": "own", "credentials": credentials} if credentials else shipped


@pytest.mark.parametrize(
    "credentials",
    [
        {"manage_url": "https://keyring.example/"},
        {"api_key": {"title": "Key"}},
        {"api_key": {**KEY, "header": "Host"}},
        {"api_key": {**KEY, "header": "Transfer-Encoding"}},
        {"api_key": {**KEY, "header": "X-Key\r\nX-Admin"}},
        {"api_key": {**KEY, "prefix": "Bearer\r\n"}},
        {"api_key": {**KEY, "query": "key&admin"}},
        {"api_key": {**KEY, "verify": {"url": "ftp://api.keyring.example/me"}}},
        {"api_key": {**KEY, "verify": {"url": "https://{host}/me"}}},
        {"api_key": {**KEY, "verify": {**PROOF, "method": "DELETE"}}},
        {"api_key": {**KEY, "verify": {**PROOF, "refused_statuses": [200]}}},
        {"api_key": {**KEY, "release": "everybody"}},
        {"api_key": {**KEY, "more": 1}},
        {"basic": {"title": "Pair"}},
        {"client_credentials": {"title": "Client"}},
        {"client_credentials": {"title": "C", "token": {"url": BASE, "client_auth": "none"}}},
        {"service_account": {"title": "Robot"}},
        {"nonsense": KEY},
    ],
    ids=range(18),
)
def test_what_no_rule_is_is_refused(credentials: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="provider_entry"):
        read_own_entry(own(**credentials))


@pytest.mark.parametrize(
    "changes",
    [
        {"api": {"hosts": ["api.keyring.example"], "query": "token"}},
        {"api": {"hosts": ["{host}"]}},
        {"api": {"hosts": ["api.keyring.example"], "headers": {"Host": "evil.example"}}},
        {"api": {"hosts": ["api.keyring.example"], "headers": {"X-Version": "1\r\nHost: evil"}}},
        {"api": {"hosts": ["api.keyring.example"], "header": "host"}},
        {"api": {"hosts": ["api.keyring.example"], "prefix": "Bearer\r\n"}},
        {"credentials": {"api_key": {**KEY, "verify": {**PROOF, "headers": {"hOST": "evil"}}}}},
        {
            "credentials": {
                "client_credentials": {
                    "title": "Client",
                    "token": {"url": BASE, "headers": {"Transfer-Encoding": "chunked"}},
                }
            }
        },
        {"features": {"notes": {"title": "Notes", "scopes": ["unheard"]}}},
        {"evidence": []},
        {"id": "Key Ring"},
    ],
    ids=range(11),
)
def test_nor_is_an_entry_that_does_not_hold_together(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="provider_entry"):
        read_own_entry({**own(), **changes})


def test_an_entry_without_consent_makes_a_provider_that_asks_nobody() -> None:
    entry = read_own_entry(own())
    assert isinstance(entry, KeyEntry)
    found = Providers().find("keyring", {"entry": own()})
    assert isinstance(found, KeyProvider)
    assert not found.signs_in
    assert list(ways_at(found).by_kind) == [
        "api_key",
        "basic",
        "client_credentials",
        "service_account",
    ]
    with pytest.raises(NotPermitted, match="provider_takes_credentials"):
        found.authorize_params(None)  # type: ignore[arg-type]  # nothing is looked at


@pytest.mark.anyio
async def test_and_has_no_endpoints() -> None:
    found = Providers().find("keyring", {"entry": own()})
    assert found is not None
    net = Net(Settings(environment="development").net)
    with pytest.raises(NotPermitted, match="provider_takes_credentials"):
        await found.endpoints(net, now=None)  # type: ignore[arg-type]  # nothing is looked at


def test_a_client_is_bound_to_every_host_a_credential_goes_to() -> None:
    elsewhere = {"url": "https://check.keyring.example/me"}
    document = own(
        api_key={**KEY, "verify": elsewhere},
        client_credentials={"title": "C", "token": {"url": "https://token.keyring.example/t"}},
    )
    assert set(hosts_of(document, {})) == {
        "api.keyring.example",
        "check.keyring.example",
        "token.keyring.example",
    }


def test_another_host_is_another_place_to_keep_one_under() -> None:
    def kept(document: dict[str, Any]) -> str:
        found = Providers().find(document["id"], {"entry": document})
        assert found is not None
        return ways_at(found).kept_under

    first = kept(own(api_key=KEY))
    assert first == kept({**own(api_key={**KEY, "title": "Other"}), "title": "Other"})
    assert first != kept(own(api_key={**KEY, "verify": {"url": "https://evil.example/me"}}))
    assert first != kept({**own(api_key=KEY), "api": {"hosts": ["*.keyring.example"]}})
    theirs = kept(with_consent(api_key=KEY))
    wider = {**with_consent(api_key=KEY), "api": {"hosts": ["evil.example"]}}
    assert theirs != kept(wider)


def test_credentials_beside_consent_change_nothing_of_it() -> None:
    plain = with_consent(api_key=KEY)
    del plain["credentials"]
    before = Providers().find("own", {"entry": plain})
    after = Providers().find("own", {"entry": with_consent(api_key=KEY)})
    assert isinstance(before, OwnProvider)
    assert isinstance(after, OwnProvider)
    assert before.issuer_of_identities == after.issuer_of_identities
    assert before.credential_hosts == after.credential_hosts
    assert (len(ways_at(before).by_kind), len(ways_at(after).by_kind)) == (0, 1)


def test_a_value_completes_where_a_key_is_proved() -> None:
    value = {
        "title": "Your site",
        "kind": "host",
        "pattern": r"[a-z]+\.keyring\.example",
        "hosts": ["*.keyring.example"],
    }
    document = {
        **own(api_key={**KEY, "verify": {"url": "https://{site}/me"}}),
        "values": {"site": value},
        "api": {"hosts": ["{site}"]},
    }
    config = {"entry": document, "values": {"site": "ada.keyring.example"}}
    found = Providers().find("keyring", config)
    assert found is not None
    way = ways_at(found).by_kind["api_key"]
    assert way.verify is not None
    assert (way.verify.url, way.api.hosts) == (
        "https://ada.keyring.example/me",
        ("ada.keyring.example",),
    )
    for site in ("evil.example", "ada.keyring.example.evil", "ADA.keyring.example"):
        with pytest.raises(InvalidInput, match="provider_address"):
            Providers().find("keyring", {"entry": document, "values": {"site": site}})


def test_each_kind_travels_as_its_rule_says() -> None:
    found = Providers().find("keyring", {"entry": own()})
    assert found is not None
    ways = ways_at(found).by_kind
    sent = {kind: (way.api.header, way.api.prefix, way.api.query) for kind, way in ways.items()}
    assert sent == {
        "api_key": ("X-Keyring-Key", "", ""),
        "basic": ("Authorization", "Basic ", ""),
        "client_credentials": ("Authorization", "Bearer ", ""),
        "service_account": ("Authorization", "Bearer ", ""),
    }
    assert [kind for kind, way in ways.items() if way.may_leave] == [
        "client_credentials",
        "service_account",
    ]
