"""Every entry and a plug-in pass the suite that ships; providers that break a rule don't."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from limen.app import plugins
from limen.embed import Limen
from limen.federation.catalogue.load import load_entries
from limen.federation.facts import Facts, Feature, Lifetime
from limen.federation.provider import (
    AnswerClass,
    Ask,
    Endpoints,
    ExternalIdentity,
    Operation,
    Provider,
    ProviderAnswer,
    TokenAnswer,
    Told,
    unidentified,
)
from limen.federation.registry import Catalogue, Providers, Registry
from limen.kernel.errors import ConfigurationError
from limen.kernel.secret import Secret
from limen.net import Net
from limen.testing.provider import check_provider
from tests.standings import Plan, settings_of

pytestmark = pytest.mark.anyio
BASE = "https://forge.example"


class Forge(Provider):
    """A provider written in Python, as a host application would."""

    id = "forge"
    title = "Forge"
    sign_in_scopes = ("profile",)

    @override
    async def endpoints(self, net: Net, *, now: dt.datetime) -> Endpoints:
        token = Operation(url=f"{BASE}/token", client_auth="basic")
        me = Operation(url=f"{BASE}/me", method="GET", client_auth="bearer")
        return Endpoints(
            authorize=Operation(url=f"{BASE}/authorize", method="GET"),
            exchange=token,
            refresh=token,
            documents={"me": me},
        )

    @property
    @override
    def issuer_of_identities(self) -> str:
        return BASE

    @property
    @override
    def facts(self) -> Facts:
        feature = Feature(title="See your projects", scopes=("projects",))
        return Facts(lifetime=Lifetime(rotation="static"), features={"projects": feature})

    @override
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        return {"scope": " ".join(ask.scopes)}

    @override
    def identify(self, told: Told) -> ExternalIdentity:
        me = told.documents.get("me")
        if not isinstance(me, Mapping) or not isinstance(me.get("id"), str):
            raise unidentified(self.id, "no id")
        return ExternalIdentity(issuer=BASE, subject=me["id"])


@pytest.mark.parametrize("name", sorted(load_entries()))
@pytest.mark.parametrize("simulators", ["", "http://127.0.0.1:1"], ids=["vendor", "simulated"])
async def test_every_entry_conforms(name: str, simulators: str) -> None:
    provider = Providers(simulators=simulators).find(name, {})
    assert provider is not None
    await check_provider(provider)


async def test_a_plug_in_conforms_and_serves_both_purposes() -> None:
    plugin = Forge()
    await check_provider(plugin)
    providers = Providers(plugins=[plugin])
    assert Registry(providers).find("forge", {}) is plugin
    assert Catalogue(providers).get("forge", {}) is plugin
    # A client's configuration of a plug-in changes nothing of where it goes.
    assert providers.find("forge", {"refreshes_per_second": 1}) is plugin


class _TakesAnyIssuer(Forge):
    @override
    def accepts_issuer(self, issuer: str, endpoints: Endpoints) -> bool:
        return True


class _BelievesEverything(Forge):
    @override
    def classify(self, answer: ProviderAnswer) -> AnswerClass:
        return "ok"


class _EndsGrantsLightly(Forge):
    @override
    def classify(self, answer: ProviderAnswer) -> AnswerClass:
        return "grant_dead" if answer.status >= 400 else super().classify(answer)


class _MakesUpPeople(Forge):
    @override
    def identify(self, told: Told) -> ExternalIdentity:
        return ExternalIdentity(issuer=BASE, subject="somebody")


class _ErasesRefreshTokens(Forge):
    @override
    def read_tokens(self, answer: ProviderAnswer) -> TokenAnswer:
        return TokenAnswer(
            raw_access=Secret("a"),
            raw_refresh=Secret(str(answer.members.get("refresh_token"))),
            expires_in=None,
            scope=None,
            raw_id_token=None,
            members={},
        )


class _SetsOurState(Forge):
    @override
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        return {"state": "fixed"}


class _SpeaksInClear(Forge):
    @override
    async def endpoints(self, net: Net, *, now: dt.datetime) -> Endpoints:
        plain = Operation(url="http://forge.example/token")
        return Endpoints(authorize=plain, exchange=plain, refresh=plain)


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (_TakesAnyIssuer, "its own issuer"),
        (_BelievesEverything, "taken for a success"),
        (_EndsGrantsLightly, "end or believe a grant"),
        (_MakesUpPeople, "names nobody"),
        (_ErasesRefreshTokens, "erase the one we hold"),
        (_SetsOurState, "not the provider's to set"),
        (_SpeaksInClear, "no https URL"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
async def test_a_provider_that_breaks_a_rule_does_not_conform(
    kind: type[Provider], complaint: str
) -> None:
    with pytest.raises(AssertionError, match=complaint):
        await check_provider(kind())


@pytest.mark.parametrize("taken", ["google", "forge"])
def test_no_plug_in_takes_a_name_that_is_taken(taken: str) -> None:
    class Twin(Forge):
        id = taken

    with pytest.raises(ConfigurationError, match="another of this name"):
        Providers(plugins=[Forge(), Twin()])


def test_what_a_package_offers_must_be_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    def offer(value: str) -> Any:
        points = (EntryPoint(name="forge", value=value, group=plugins.GROUP),)
        monkeypatch.setattr(plugins, "entry_points", lambda group: points)
        return plugins.provider_plugins()

    assert [each.id for each in offer(f"{__name__}:Forge")] == ["forge"]
    for bad in ("builtins:dict", "nowhere.at.all:Forge"):
        with pytest.raises(ConfigurationError, match="forge"):
            offer(bad)


async def test_a_host_application_brings_its_own(tmp_path: Path) -> None:
    settings = settings_of(
        Plan(folder=tmp_path, database_url=f"sqlite:///{tmp_path}/limen.db"),
        base_url="http://localhost:8000",
    )
    plugin = Forge()
    application = Limen(settings, providers=[plugin])._application
    vault = application.runtime.vault
    try:
        assert vault.catalogue.get("forge", {}) is plugin
        assert vault.federation.registry.find("forge", {}) is plugin
    finally:
        application.runtime.hasher.close()
        await application.runtime.net.close()
