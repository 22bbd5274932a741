"""Resources of an entry: each token for one of them, and sent to its own host alone."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest

from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.catalogue.load import load_entries
from limen.federation.catalogue.resources import defaults_of, others_of
from limen.federation.provider import Exchange
from limen.federation.registry import Providers, read_entry
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.simulators.vendor.audience import consented_at, places_of

MICROSOFT: Final = load_entries()["microsoft"]
MAIL: Final = "https://outlook.office.com/Mail.Read"
SITES: Final = "https://contoso.sharepoint.com/AllSites.Read"
AT_HOME: Final = {"values": {"sharepoint_host": "contoso.sharepoint.com"}}


def microsoft(config: dict[str, Any]) -> CatalogueProvider:
    found = Providers().find("microsoft", config)
    assert isinstance(found, CatalogueProvider)
    return found


def resource(**changes: Any) -> dict[str, Any]:
    return {"title": "More", "identifier": "https://more.example", **changes}


def test_what_nobody_said_is_not_offered() -> None:
    bare, whole = microsoft({}), microsoft(AT_HOME)
    assert list(bare.facts.resources) == ["graph", "outlook"]
    assert "sharepoint_read" not in bare.facts.features
    assert not [scope for scope in bare.facts.scopes if "{" in scope]
    assert whole.facts.resources["sharepoint"].hosts == ("contoso.sharepoint.com",)
    assert whole.facts.features["sharepoint_read"].scopes == (SITES,)
    assert {"contoso.sharepoint.com", "outlook.office.com"} <= whole.credential_hosts


def test_scopes_are_of_one_resource_each() -> None:
    resources = microsoft(AT_HOME).facts.resources
    scopes = ("openid", "Mail.Read", MAIL, SITES, "https://outlook.office.com.evil.example/x")
    assert others_of(scopes, resources) == {"outlook": [MAIL], "sharepoint": [SITES]}
    assert defaults_of(scopes, resources) == (scopes[0], scopes[1], scopes[4])


def test_a_code_is_exchanged_for_the_default_token_and_plain_ones_as_ever() -> None:
    provider = microsoft(AT_HOME)

    def named(*scopes: str) -> str | None:
        exchange = Exchange(
            raw_code=Secret("c"), raw_verifier=Secret("v"), redirect_uri="/", scopes=scopes
        )
        return provider.exchange_params(exchange).get("scope")

    assert named("openid", "User.Read") is None
    assert named("openid", MAIL, "User.Read", SITES) == "openid User.Read offline_access"
    sent = provider.resource_params(Secret("r"), provider.facts.resources["outlook"])
    assert sent["scope"] == "https://outlook.office.com/.default offline_access"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "sharepoint.com", "a.b.sharepoint.com", "x.sharepoint.com.evil.example"],
)
def test_sharepoint_is_below_its_own_domain(host: str) -> None:
    with pytest.raises(InvalidInput, match="provider_address"):
        microsoft({"values": {"sharepoint_host": host}})


def test_an_override_adds_resources_and_replaces_none() -> None:
    more = {"more": resource(), "outlook": resource(title="Mine")}
    found = microsoft({"override": {"resources": more}}).facts.resources
    assert found["more"].hosts == ("more.example",)
    assert found["outlook"].identifier == "https://outlook.office.com"


BAD: Final[dict[str, dict[str, Any]]] = {
    "within another": resource(identifier="https://graph.microsoft.com/beta"),
    "another's scopes": resource(scopes=["https://graph.microsoft.com/.default"]),
    "no scopes": resource(scopes=[]),
    "another's host": resource(hosts=["evil.example"]),
    "a host like its own": resource(hosts=["evilmore.example"]),
    "in the clear": resource(identifier="http://more.example"),
    "with a port": resource(identifier="https://more.example:8443"),
    "with user-info": resource(identifier="https://graph.microsoft.com@more.example"),
    "an unknown value": resource(identifier="https://{nobody}"),
    "a value of a path": resource(identifier="https://{tenant}"),
    "another default": resource(default=True),
}


@pytest.mark.parametrize("told", BAD.values(), ids=list(BAD))
def test_nothing_that_leads_a_token_elsewhere(told: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="provider_entry"):
        microsoft({"override": {"resources": {"more": told}}})


def test_hosts_below_its_own_are() -> None:
    more = resource(hosts=["*.more.example", "api.more.example", "more.example"])
    found = microsoft({"override": {"resources": {"more": more}}}).facts.resources["more"]
    assert found.hosts == ("*.more.example", "api.more.example", "more.example")


def test_an_entry_can_do_what_its_resources_need() -> None:
    whole = MICROSOFT.model_dump(by_alias=True, mode="json")
    told = copy.deepcopy(whole)
    del told["resources"]["graph"]
    with pytest.raises(InvalidInput, match="provider_entry"):
        read_entry(told)
    told = copy.deepcopy(whole)
    told["operations"]["refresh"]["send_scope"] = False
    with pytest.raises(InvalidInput, match="provider_entry"):
        read_entry(told)
    told = copy.deepcopy(whole)
    told["values"]["tenant"]["optional"] = True
    with pytest.raises(InvalidInput, match="provider_entry"):
        read_entry(told)


def test_an_override_makes_no_resources_where_the_entry_has_none() -> None:
    plain = MICROSOFT.model_copy(update={"resources": {}})
    providers = Providers(entries={"microsoft": plain})
    more = {"more": resource(), "all": resource(identifier="https://all.example")}
    for default in (False, True):
        changed = {**more, "all": {**more["all"], "default": default}}
        with pytest.raises(InvalidInput, match="provider_entry"):
            providers.find("microsoft", {"override": {"resources": changed}})


def test_the_simulated_one_takes_one_place_at_a_time() -> None:
    assert places_of(MICROSOFT, ["openid", "offline_access", "User.Read"]) == {""}
    assert places_of(MICROSOFT, [MAIL, SITES, "User.Read"]) == {
        *("", "https://outlook.office.com", "https://contoso.sharepoint.com")
    }
    at, agreed = "https://outlook.office.com", ["openid", MAIL, SITES]
    assert consented_at(at, [f"{at}/.default"], agreed) == [MAIL]
    assert consented_at(at, [MAIL], agreed) == [MAIL]
    assert consented_at(at, [MAIL, f"{at}/Mail.Send"], agreed) == []
    assert consented_at(at, [f"{at}/.default"], ["openid", SITES]) == []
