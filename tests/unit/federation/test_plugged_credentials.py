"""What providers in Python declare of credentials: it conforms, and what breaks a rule does not."""

from __future__ import annotations

from typing import Any

import pytest
from typing_extensions import override

from limen.federation.catalogue.credential_rule import (
    ClientCredentialsRule,
    Credentials,
    KeyRule,
    Proof,
)
from limen.federation.catalogue.credential_ways import Ways
from limen.federation.catalogue.key_entry import KeyEntry
from limen.federation.catalogue.key_provider import KeyProvider, ways_at
from limen.federation.catalogue.operation_entry import OperationEntry
from limen.federation.catalogue.takes_credentials import TakesCredentials
from limen.federation.facts import Api, Facts, Feature, Lifetime
from limen.federation.provider import Provider
from limen.simulators.vendor.keyring import entry_at
from limen.testing.provider import check_provider
from tests.unit.federation.test_conformance import BASE, Forge

pytestmark = pytest.mark.anyio
API = Api(hosts=("api.forge.example",))


def keys(url: str = f"{BASE}/me", **more: Any) -> Credentials:
    return Credentials(api_key=KeyRule(title="API key", verify=Proof(url=url), **more))


def clients(url: str = f"{BASE}/token") -> Credentials:
    token = OperationEntry(url=url, client_auth="basic")
    return Credentials(client_credentials=ClientCredentialsRule(title="Client", token=token))


def forge(credentials: Credentials, *, api: Api = API, **features: Feature) -> Provider:
    said = features or {"projects": Feature(title="See your projects", scopes=("projects",))}
    known = Facts(lifetime=Lifetime(rotation="static"), features=said, api=api)

    class Made(TakesCredentials, Forge):
        @property
        @override
        def facts(self) -> Facts:
            return known

    made = Made()
    made.credentials = credentials
    return made


@pytest.mark.parametrize("credentials", [keys(), clients()], ids=["keys", "clients"])
async def test_a_plug_in_that_takes_credentials_conforms(credentials: Credentials) -> None:
    plugin = forge(credentials)
    await check_provider(plugin)
    ways = ways_at(plugin)
    assert len(ways.by_kind) == 1
    assert ways.hosts == {"forge.example", "api.forge.example"}
    # Where else they would go is another name, under which no kept one is used.
    elsewhere = forge(credentials, api=Api(hosts=("api.elsewhere.example",)))
    assert ways_at(elsewhere).kept_under != ways.kept_under
    assert ways_at(forge(keys("https://other.example/me"))).kept_under != ways.kept_under


async def test_one_that_asks_nobodys_consent_is_an_entry_in_python() -> None:
    entry = KeyEntry.model_validate(
        {
            **entry_at("https://keyring.example"),
            "evidence": [
                {
                    "url": "https://keyring.example",
                    "verified_at": "2026-11-21",
                    "about": "all of it",
                }
            ],
        }
    )
    await check_provider(KeyProvider(entry))
    with pytest.raises(AssertionError, match="for no API"):
        await check_provider(KeyProvider(entry.model_copy(update={"api": Api()})))


class _ForgetsTheBase(Forge):
    credentials = keys()


class _TakesAllForItsOwn(TakesCredentials, Forge):
    credentials = keys()

    @property
    @override
    def facts(self) -> Facts:
        return forge(keys()).facts

    @override
    def keeps_accounts_of(self, issuer: str) -> bool:
        return True


class _KeepsThemAnyhow(TakesCredentials, Forge):
    credentials = keys()
    ways = Ways(kept_under=BASE, by_kind=ways_at(forge(keys())).by_kind)


BROKEN: dict[str, tuple[Provider, str]] = {
    "no base": (_ForgetsTheBase(), "no TakesCredentials"),
    "all for its own": (_TakesAllForItsOwn(), "kept apart"),
    "any name": (_KeepsThemAnyhow(), "kept apart"),
    "in clear": (forge(keys("http://forge.example/me")), "api_key: http://forge.example/me"),
    "token in clear": (forge(clients("http://forge.example/token")), "client_credentials: http:"),
    "open address": (forge(keys("https://{host}/me")), "is no https URL"),
    "no hosts": (forge(keys(), api=Api()), "for no API"),
    "open host": (forge(keys(), api=Api(hosts=("{host}",))), "for no API"),
    "token in a URL": (forge(clients(), api=Api(hosts=API.hosts, query="t")), "in a URL"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_breaks_a_rule_does_not_conform(name: str) -> None:
    provider, complaint = BROKEN[name]
    with pytest.raises(AssertionError, match=complaint):
        await check_provider(provider)


async def test_nothing_can_be_connected_without_a_feature() -> None:
    class Bare(TakesCredentials, Forge):
        credentials = keys()

        @property
        @override
        def facts(self) -> Facts:
            return Facts(lifetime=Lifetime(rotation="static"), api=API)

    with pytest.raises(AssertionError, match="no feature"):
        await check_provider(Bare())
