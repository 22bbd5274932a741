"""A key for a provider that is written in Python: kept, used and replaced as any other."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from typing_extensions import override

from limen.db.work import Work
from limen.federation.catalogue.credential_rule import Credentials, KeyRule, Proof
from limen.federation.catalogue.takes_credentials import TakesCredentials
from limen.federation.describe_provider import check_new_client
from limen.federation.facts import Api, Facts, Feature, Lifetime
from limen.federation.registry import Catalogue, Providers, Registry
from limen.federation.upstream_clients import NewUpstreamClient
from limen.kernel.errors import InvalidInput, NotPermitted
from limen.vault.giving.asked_for import asked_for
from limen.vault.listing import list_providers
from limen.vault.proxy.prepare import Prepared, ProxiedCall, prepare
from limen.vault.token_for import Wanted
from tests.giving import ADAS_KEY, Giving
from tests.unit.federation.test_conformance import Forge
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
FEATURES = {"projects": Feature(title="See your projects", scopes=("projects",))}


class Keyed(TakesCredentials, Forge):
    """The forge, with keys that the simulated keyring knows."""

    def __init__(self, base_url: str, host: str) -> None:
        proof = Proof(url=f"{base_url}/keyring/me", subject="/account", label=("/account",))
        rule = KeyRule(title="API key", verify=proof, header="X-Keyring-Key", prefix="")
        self.credentials = Credentials(api_key=rule, manage_url="https://forge.example/keys")
        self._known = Facts(
            lifetime=Lifetime(rotation="static"), features=FEATURES, api=Api(hosts=(host,))
        )

    @property
    @override
    def facts(self) -> Facts:
        return self._known


def plugged(vault: Vault, host: str = "api.forge.example") -> Vault:
    """The same vault in an application that brings the forge along."""
    plugin = Keyed(vault.simulated.base_url, host)
    providers = Providers(simulators=vault.simulated.base_url, plugins=[plugin])
    federation = dataclasses.replace(vault.parts.federation, registry=Registry(providers))
    parts = dataclasses.replace(vault.parts, federation=federation, catalogue=Catalogue(providers))
    return dataclasses.replace(vault, parts=parts)


async def called(vault: Vault, actor: Any, id_: str, host: str) -> Prepared:
    wanted = Wanted(connection_id=id_, user_id=actor.id, reader="", use="proxy")
    call = ProxiedCall(reader="", method="GET", host=host, path="/notes", query="")

    async def body(work: Work) -> Prepared:
        return await prepare(work, vault.parts, wanted=wanted, call=call)

    return await vault.run(body, actor=actor)


async def test_a_plug_ins_key_is_given_used_replaced_and_bound(vault: Vault) -> None:
    plain, vault = vault, plugged(vault)
    giving, ada = Giving(vault), await vault.person()
    await giving.set_provider("forge")
    shown = await vault.run(lambda work: list_providers(work, vault.parts), actor=ada)
    assert {each.id: each.credentials for each in shown}["forge"] == {"api_key": "API key"}
    asked = await vault.run(lambda work: asked_for(work, vault.parts, provider="forge"), actor=ada)
    assert (asked.kind, asked.features, asked.manage_url) == (
        "api_key",
        {},
        "https://forge.example/keys",
    )
    with pytest.raises(InvalidInput, match="credential_refused"):
        await giving.give(ada, "forge", kind="api_key", key="of-nobody")
    id_ = await giving.give(ada, "forge", kind="api_key", key=ADAS_KEY)
    assert (await vault.shown(ada, id_)).label == "key-ada"
    prepared = await called(vault, ada, id_, "api.forge.example")
    assert prepared.released.raw_access.reveal() == ADAS_KEY
    assert (prepared.api.header, prepared.api.prefix) == ("X-Keyring-Key", "")
    with pytest.raises(NotPermitted, match="proxy_host_refused"):
        await called(vault, ada, id_, "evil.example")
    with pytest.raises(NotPermitted, match="credential_by_proxy_only"):
        await vault.token(ada, id_)
    await giving.rotate(ada, id_, kind="api_key", key=ADAS_KEY)
    assert (await vault.shown(ada, id_)).generation == 2
    # The next version of the package names another host: nobody gave a key for that.
    moved = plugged(plain, "api.elsewhere.example")
    with pytest.raises(NotPermitted, match="proxy_host_refused"):
        await called(moved, ada, id_, "api.elsewhere.example")
    with pytest.raises(NotPermitted, match="credential_unbound"):
        await Giving(moved).verify(ada, id_)
    await Giving(moved).rotate(ada, id_, kind="api_key", key=ADAS_KEY)
    assert (await called(moved, ada, id_, "api.elsewhere.example")).released.raw_access


async def test_a_plug_in_that_declares_nothing_takes_nothing(vault: Vault) -> None:
    new = NewUpstreamClient(provider="forge", client_id="", credentials_only=True)

    async def check(work: Work, plugin: Forge) -> None:
        providers = Providers(plugins=[plugin])
        await check_new_client(work, net=vault.parts.net, providers=providers, new=new)

    keyed = Keyed(vault.simulated.base_url, "api.forge.example")
    await vault.run(lambda work: check(work, keyed))
    with pytest.raises(InvalidInput, match="credential_kind_unknown"):
        await vault.run(lambda work: check(work, Forge()))
