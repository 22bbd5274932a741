"""What a change of a policy changes, and what it leaves as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given

from limen.db.work import Works
from limen.kernel.errors import InvalidInput
from limen.kernel.events import Event
from limen.tenants.create_tenant import NewTenant, create_tenant
from limen.tenants.directory import Directory
from limen.tenants.events import TenantPolicyChanged
from limen.tenants.policies.dpop import DpopPolicy
from limen.tenants.policies.groups import overlay, without_nulls
from limen.tenants.policy import DEFAULT_POLICY, TenantPolicy
from limen.tenants.update_policy import update_policy
from tests.unit.hostile import FEW, objects, read_or_refused

BASE = "https://id.example.com"
TERMS = {"version": "v1", "url": "https://example.org/terms"}
DEFAULTS = TenantPolicy(pages=False, dpop=DpopPolicy(nonce="always"))
RULES = {"sign_up": "invited", "keep_access": True}
WHOLE: dict[str, Any] = TenantPolicy().as_json()

Change = Callable[..., Awaitable[TenantPolicy]]


@pytest.fixture
async def change(works: Works) -> Change:
    """Return what changes the policy of a tenant, of a server with settings of its own."""
    made = await create_tenant(works, new=NewTenant(slug="acme"), base_url=BASE, keys=())

    async def changed(**changes: Any) -> TenantPolicy:
        now = await works.run(
            made, lambda work: update_policy(work, changes=changes, defaults=DEFAULTS)
        )
        read = await Directory(works, base_url=BASE, defaults=DEFAULTS).by_slug("acme")
        assert read is not None
        assert read.policy == now
        return now

    return changed


@pytest.mark.anyio
async def test_what_is_not_named_in_a_group_stays(change: Change) -> None:
    await change(assurance={"second_factor": "required"})
    await change(registration={"require_statement": True})
    await change(fresh_minutes=20, assurance={"terms": TERMS})
    now = await change(registration={"mode": "open"})
    assert now == DEFAULTS.with_members(
        {
            "fresh_minutes": 20,
            "assurance": {"second_factor": "required", "terms": TERMS},
            "registration": {"require_statement": True, "mode": "open"},
        }
    )
    assert (now.assurance.second_factor, now.registration.require_statement) == ("required", True)


@pytest.mark.anyio
async def test_a_group_in_a_group_is_changed_by_member_too(change: Change) -> None:
    await change(assurance={"terms": TERMS})
    now = await change(assurance={"terms": {"version": "v2"}})
    assert now.assurance.model_dump()["terms"] == {**TERMS, "version": "v2"}
    for bad in ({"version": None}, {"extra": "x"}):
        with pytest.raises(InvalidInput, match=r"policy_invalid"):
            await change(assurance={"terms": bad})
    assert (await change(assurance={"terms": None})).assurance.terms is None
    for bad in ({}, {"version": "v2"}):  # of none there is nothing to keep
        with pytest.raises(InvalidInput, match=r"policy_invalid"):
            await change(assurance={"terms": bad})


@pytest.mark.anyio
async def test_null_gives_back_a_member_or_a_whole_group(change: Change) -> None:
    await change(registration={"require_statement": True, "mode": "open"}, api_keys={"most": 3})
    now = await change(registration={"mode": None})
    assert now == DEFAULTS.with_members(
        {"registration": {"require_statement": True}, "api_keys": {"most": 3}}
    )
    assert await change(registration=None) == DEFAULTS.with_members({"api_keys": {"most": 3}})
    assert await change(api_keys={"most": None}) == DEFAULTS


@pytest.mark.anyio
async def test_in_a_group_the_default_is_the_server_s_too(change: Change) -> None:
    assert (await change(dpop={"nonce": "accepted"})).dpop.nonce == "accepted"
    assert (await change(dpop={"nonce": None})).dpop.nonce == "always"
    assert (await change(dpop={})).dpop.nonce == "always"


@pytest.mark.anyio
async def test_lists_and_mappings_of_names_are_replaced_whole(change: Change) -> None:
    await change(
        sign_in={"providers": {"google": RULES, "github": RULES}, "only": ["google"]},
        assurance={"acr": {"factors": {"factors": 2}, "other": {"factors": 2}}},
        claims={"access_token": {"mail": "user.email"}},
        registration={"grant_types": ["authorization_code", "refresh_token"]},
    )
    now = await change(
        sign_in={"providers": {"google": {"sign_up": "invited"}}},
        assurance={"acr": {"factors": {}}},
        claims={"access_token": {"tier": {"value": "gold"}}},
        registration={"grant_types": ["refresh_token"]},
    )
    assert now.sign_in.only == ("google",)
    assert set(now.sign_in.providers) == {"google"}
    assert not now.sign_in.rules("google").keep_access
    assert {name: rule.factors for name, rule in now.assurance.acr.items()} == {"factors": 1}
    assert now.claims.access_token == {"tier": {"value": "gold"}}
    assert now.registration.grant_types == ("refresh_token",)
    with pytest.raises(InvalidInput, match=r"policy_invalid"):
        await change(sign_in={"providers": {"google": None}})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"registration": {"no_such": 1}}, "registration.no_such"),
        ({"registration": {"no_such": None}}, "registration.no_such"),
        ({"no_such": None}, "no_such"),
        ({"registration": {"mode": "ajar"}}, "registration.mode"),
        ({"registration": ["open"]}, "registration"),
        ({"api_keys": {"default_days": 400}}, "api_keys"),
    ],
    ids=["unknown", "unknown-null", "unknown-top", "wrong", "no-group", "do-not-fit"],
)
async def test_a_group_is_checked_as_a_whole(
    change: Change, changes: dict[str, Any], field: str
) -> None:
    await change(registration={"require_statement": True})
    with pytest.raises(InvalidInput, match=r"policy_invalid") as refused:
        await change(**changes)
    assert refused.value.field == field
    assert await change() == DEFAULTS.with_members({"registration": {"require_statement": True}})


@pytest.mark.anyio
async def test_what_changes_nothing_is_no_change(works: Works, change: Change) -> None:
    await change(registration={"require_statement": True})
    told: list[Event] = []

    async def listen(_: object, event: Event) -> None:
        told.append(event)

    works.recorders = [listen]
    await change(registration={}, approvals={}, api_keys={"most": None}, pages=None)
    await change(registration={"require_statement": True})
    assert told == []
    await change(registration={"mode": "open"})
    assert [type(event) for event in told] == [TenantPolicyChanged]


@FEW
@given(objects(WHOLE), objects(WHOLE))
def test_any_change_leaves_what_it_does_not_name(
    lower: dict[str, Any], upper: dict[str, Any]
) -> None:
    made = without_nulls(TenantPolicy, overlay(TenantPolicy, lower, upper))
    for name in set(lower) - set(upper):
        if lower[name] is not None and not isinstance(lower[name], dict):
            assert made[name] == lower[name]
    again = without_nulls(TenantPolicy, overlay(TenantPolicy, made, upper))
    assert again == made
    read_or_refused(DEFAULT_POLICY.with_members, made)
