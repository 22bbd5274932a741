from __future__ import annotations

import asyncio
import dataclasses
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from limen.audit.record import record
from limen.db.work import Work, Works
from limen.kernel.actor import OPERATOR
from limen.kernel.errors import ConfigurationError, Conflict, InvalidInput, NotFound, NotPermitted
from limen.kernel.events import Event
from limen.tenants import api_audience, display_name, policy_of, store
from limen.tenants.create_tenant import NewTenant, create_tenant
from limen.tenants.directory import Directory
from limen.tenants.events import TenantResumed, TenantSuspended
from limen.tenants.policy import DEFAULT_POLICY, TenantPolicy
from limen.tenants.switch_tenant import resume_tenant, suspend_tenant
from limen.tenants.tables import tenants
from limen.tenants.tenant import Tenant, check_host, check_slug, site_urls
from limen.tenants.update_policy import update_policy

BASE = "https://id.example.com"


async def create(works: Works, new: NewTenant) -> Tenant:
    return await create_tenant(works, new=new, base_url=BASE, keys=(), actor=OPERATOR)


@pytest.mark.parametrize(
    ("base", "slug", "host", "issuer", "path"),
    [
        ("https://id.example.com", "default", None, "https://id.example.com", ""),
        ("https://id.example.com/", "default", None, "https://id.example.com", ""),
        ("https://example.com/auth", "default", None, "https://example.com/auth", "/auth"),
        ("https://id.example.com", "acme", None, "https://id.example.com/t/acme", "/t/acme"),
        (
            "https://example.com/auth",
            "acme",
            None,
            "https://example.com/auth/t/acme",
            "/auth/t/acme",
        ),
        ("https://example.com/auth", "acme", "id.acme.example", "https://id.acme.example", ""),
    ],
)
def test_issuers_are_built_from_the_base_url(
    base: str, slug: str, host: str | None, issuer: str, path: str
) -> None:
    assert site_urls(base, slug=slug, host=host) == (issuer, path)


@pytest.mark.parametrize("slug", ["", "A", "a b", "a/b", "..", "-a", "a-", "ä", "a" * 64, "a\n"])
def test_a_slug_that_would_not_stand_in_a_path_is_refused(slug: str) -> None:
    with pytest.raises(InvalidInput, match="slug_invalid"):
        check_slug(slug)


@pytest.mark.parametrize(
    "host",
    ["", "localhost", "127.0.0.1", "ID.example", "a.example:8", "a..b", "x.example.", "[::1]"],
)
def test_a_host_that_is_no_plain_dns_name_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput, match="host_invalid"):
        check_host(host)


def test_a_policy_survives_json_and_names_what_is_wrong() -> None:
    policy = TenantPolicy(sign_up="closed", allowed_origins=("https://app.example.com",))
    assert TenantPolicy.read(policy.as_json()) == policy
    cases: list[tuple[dict[str, Any], str]] = [
        ({"sign_ups": "open"}, "sign_ups"),
        ({"sign_up": "yes"}, "sign_up"),
        ({"allowed_origins": ["null"]}, "allowed_origins.0"),
        ({"allowed_origins": ["https://app.example.com/"]}, "allowed_origins.0"),
        ({"allowed_origins": ["https://*.example.com"]}, "allowed_origins.0"),
        ({"default_scopes": ["a b"]}, "default_scopes.0"),
        ({"password_min_length": 7}, "password_min_length"),
        ({"assertion_audience": "anything"}, "assertion_audience"),
        ({"session_idle_seconds": 86_400 * 91}, "policy"),
    ]
    for members, field in cases:
        with pytest.raises(InvalidInput) as refused:
            TenantPolicy.read(members)
        assert (refused.value.code, refused.value.field) == ("policy_invalid", field)


@pytest.mark.anyio
async def test_a_tenant_is_created_with_its_keys_and_found_every_way(works: Works) -> None:
    works.recorders = [record]
    seen: list[str] = []

    async def create_keys(work: Work) -> None:
        seen.append(work.tenant_id)

    directory = Directory(works, base_url=BASE)
    assert await directory.by_slug("acme") is None
    new = NewTenant(slug="acme", name="Acme", host="id.acme.example", policy={"pages": False})
    made = await create_tenant(works, new=new, base_url=BASE, keys=(create_keys,), actor=OPERATOR)
    assert seen == [made.tenant_id]
    assert await directory.by_slug("acme") == made
    assert await directory.by_host("id.acme.example") == made
    assert await directory.by_id(made.tenant_id) == made
    assert await directory.all() == [made]
    assert made.issuer == "https://id.acme.example"
    assert api_audience(made) == "https://id.acme.example/api/v1"
    assert made.policy == TenantPolicy(pages=False)

    async def body(work: Work) -> tuple[TenantPolicy, str]:
        return policy_of(work), display_name(work)

    assert await works.run(made, body) == (made.policy, "Acme")


@pytest.mark.anyio
async def test_a_taken_slug_or_host_is_refused_and_leaves_nothing(works: Works) -> None:
    made: list[str] = []

    async def create_keys(work: Work) -> None:
        made.append(work.tenant_id)

    await create(works, NewTenant(slug="acme", host="id.acme.example"))
    for new in (
        NewTenant(slug="acme"),
        NewTenant(slug="other", host="id.acme.example"),
        NewTenant(slug="other", host="id.example.com"),  # the default tenant's issuer
    ):
        with pytest.raises(Conflict, match="tenant_exists"):
            await create_tenant(works, new=new, base_url=BASE, keys=(create_keys,))
    assert made == []
    assert len(await Directory(works, base_url=BASE).all()) == 1


@pytest.mark.anyio
async def test_keys_that_fail_leave_no_tenant(works: Works) -> None:
    async def create_keys(_work: Work) -> None:
        raise Conflict("no_key")

    with pytest.raises(Conflict, match="no_key"):
        await create_tenant(works, new=NewTenant(slug="acme"), base_url=BASE, keys=(create_keys,))
    assert await Directory(works, base_url=BASE).all() == []


@pytest.mark.anyio
async def test_of_twenty_who_create_one_tenant_one_does(works: Works) -> None:
    async def attempt() -> bool:
        try:
            await create(works, NewTenant(slug="acme"))
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(20)))) == 1


@pytest.mark.anyio
async def test_the_directory_serves_from_memory_until_the_stamp_changes(works: Works) -> None:
    made = await create(works, NewTenant(slug="default"))
    directory = Directory(works, base_url=BASE)
    assert await directory.refresh()
    assert await directory.default() == made
    assert not await directory.refresh()

    # What another process writes is not known here until the stamp is looked at.
    elsewhere = sa.update(tenants).values(policy={"sign_up": "closed"}, version=2)
    await works.run(made, lambda work: work.execute(elsewhere))
    stale = await directory.by_slug("default")
    assert stale is not None
    assert stale.policy.sign_up == "open"
    assert await directory.refresh()
    now = await directory.default()
    assert now.policy.sign_up == "closed"
    assert now.version == 2


@pytest.mark.anyio
async def test_what_a_process_changes_it_knows_at_once(works: Works) -> None:
    made = await create(works, NewTenant(slug="acme", host="acme.example"))
    other = await create(works, NewTenant(slug="other"))
    directory = Directory(works, base_url=BASE)

    async def found() -> list[Tenant | None]:
        return [
            await directory.by_slug("acme"),
            await directory.by_host("acme.example"),
            await directory.by_id(made.tenant_id),
        ]

    kept = await directory.by_slug("other")
    assert await found() == [made] * 3
    await works.run(made, lambda work: update_policy(work, changes={"sign_up": "closed"}))
    assert [tenant and tenant.policy.sign_up for tenant in await found()] == ["closed"] * 3
    assert await directory.by_slug("other") is kept
    assert kept == other


@pytest.mark.anyio
async def test_a_full_directory_forgets_the_least_used(works: Works) -> None:
    directory = Directory(works, base_url=BASE, max_entries=2)
    for slug in ("one", "two", "three"):
        await create(works, NewTenant(slug=slug))
    for slug in ("one", "two", "one", "three"):
        assert await directory.by_slug(slug) is not None
    assert [slug for _, slug in directory._cache] == ["one", "three"]


@pytest.mark.anyio
async def test_no_default_tenant_is_a_configuration_error(works: Works) -> None:
    with pytest.raises(ConfigurationError):
        await Directory(works, base_url=BASE).default()


@pytest.mark.anyio
async def test_a_policy_member_goes_back_to_the_servers_setting(works: Works) -> None:
    defaults = TenantPolicy(sign_up="closed")
    made = await create(works, NewTenant(slug="acme"))
    directory = Directory(works, base_url=BASE, defaults=defaults)

    async def change(value: str | None) -> TenantPolicy:
        return await works.run(
            made,
            lambda work: update_policy(work, changes={"sign_up": value}, defaults=defaults),
        )

    assert (await change("open")).sign_up == "open"
    assert (await change(None)).sign_up == "closed"
    found = await directory.by_slug("acme")
    assert found is not None
    assert found.policy == defaults


@pytest.mark.anyio
async def test_a_policy_change_over_anothers_change_is_refused(works: Works) -> None:
    made = await create(works, NewTenant(slug="acme"))

    async def change(work: Work) -> TenantPolicy:
        return await update_policy(work, changes={"pages": False}, expected_version=1)

    assert not (await works.run(made, change)).pages
    with pytest.raises(Conflict, match="version_changed"):
        await works.run(made, change)
    with pytest.raises(InvalidInput, match="policy_invalid"):
        await works.run(made, lambda work: update_policy(work, changes={"no_such_member": 1}))


@pytest.mark.anyio
async def test_a_policy_change_is_checked_against_what_others_changed(works: Works) -> None:
    made = await create(works, NewTenant(slug="acme"))
    seen = []

    async def check(before: TenantPolicy, changed: TenantPolicy) -> None:
        seen.append((before.pages, changed.pages))
        raise NotPermitted

    async def change(work: Work) -> None:
        await update_policy(work, changes={"pages": True}, check=check)

    await works.run(made, lambda work: update_policy(work, changes={"pages": False}))
    with pytest.raises(NotPermitted):
        await works.run(made, change)
    assert seen == [(False, True)]
    assert (await works.run(made, lambda work: update_policy(work, changes={}))).pages is False


@pytest.mark.anyio
async def test_concurrent_policy_changes_lose_none(works: Works) -> None:
    made = await create(works, NewTenant(slug="acme"))
    members = {"sign_up": "closed", "pages": False, "require_pkce": False}

    async def turn_off(member: str) -> TenantPolicy:
        changes = {member: members[member]}
        return await works.run(made, lambda work: update_policy(work, changes=changes))

    await asyncio.gather(*(turn_off(member) for member in members))
    found = await Directory(works, base_url=BASE).by_slug("acme")
    assert found is not None
    assert found.version == 4
    assert found.policy == DEFAULT_POLICY.with_members(members)


@pytest.mark.anyio
async def test_a_suspended_tenant_is_known_as_such_at_once_and_kept(works: Works) -> None:
    told: list[Event] = []

    async def listen(_: Work, event: Event) -> None:
        told.append(event)

    made = await create(works, NewTenant(slug="acme", policy={"pages": False}))
    directory = Directory(works, base_url=BASE)
    assert await directory.refresh()
    works.recorders = [listen]
    for switch, state in (
        (suspend_tenant, "suspended"),
        (suspend_tenant, "suspended"),
        (resume_tenant, "active"),
        (resume_tenant, "active"),
    ):
        await works.run(made, switch)
        found = await directory.by_slug("acme")
        assert found is not None
        assert (found.state, found.is_active) == (state, state == "active")
        assert found.policy == made.policy
    assert told == [TenantSuspended(slug="acme"), TenantResumed(slug="acme")]
    assert await directory.refresh(), "another process sees it by the stamp"


@pytest.mark.anyio
async def test_the_default_tenant_and_one_that_is_not_there_are_not_suspended(
    works: Works,
) -> None:
    default = await create(works, NewTenant(slug="default"))
    with pytest.raises(Conflict, match="tenant_is_default"):
        await works.run(default, suspend_tenant)
    assert (await Directory(works, base_url=BASE).default()).is_active
    nobody = dataclasses.replace(default, tenant_id="zzzzzzzzzz", slug="nobody")
    for switch in (suspend_tenant, resume_tenant):
        with pytest.raises(NotFound, match="tenant_not_found"):
            await works.run(nobody, switch)


@pytest.mark.anyio
async def test_a_policy_that_goes_with_no_setting_of_the_server_hinders_its_tenant_alone(
    works: Works,
) -> None:
    short = TenantPolicy(session_idle_seconds=3600, session_absolute_seconds=86400)
    long = NewTenant(slug="long", policy={"session_idle_seconds": 172_800})
    with pytest.raises(InvalidInput, match="policy_invalid"):
        await create_tenant(works, new=long, base_url=BASE, keys=(), defaults=short)
    await create(works, NewTenant(slug="other"))
    await create(works, long)  # before the operator lowered the setting
    directory = Directory(works, base_url=BASE, defaults=short)
    assert {each.slug: each.is_active for each in await directory.all()} == {
        "other": True,
        "long": False,
    }
    found = await directory.by_slug("long")
    assert found is not None
    assert (found.is_active, found.policy) == (False, short)
    chosen = await directory.chosen("long")
    assert chosen is not None
    assert dict(chosen.members) == {"session_idle_seconds": 172_800}
    assert "session_idle_seconds exceeds" in chosen.refusal
    asked: list[tuple[dict[str, Any], bool]] = [
        ({"session_absolute_seconds": 864_000}, False),
        ({"pages": False}, True),
    ]
    for changes, replace in asked:
        mend = partial(update_policy, changes=changes, defaults=short, replace=replace)
        await works.run(chosen.tenant, mend, actor=OPERATOR)
        chosen = await directory.chosen("long")
        assert chosen is not None
        assert (chosen.refusal, chosen.tenant.is_active) == ("", True)
    assert dict(chosen.members) == {"pages": False}
    assert await directory.chosen("nobody") is None


@pytest.mark.anyio
async def test_a_default_tenants_policy_that_does_not_hold_is_told_with_the_command_that_mends_it(
    works: Works,
) -> None:
    await create(works, NewTenant(slug="default", policy={"session_idle_seconds": 172_800}))
    short = TenantPolicy(session_idle_seconds=3600, session_absolute_seconds=86400)
    directory = Directory(works, base_url=BASE, defaults=short)
    with pytest.raises(InvalidInput) as refused:
        await directory.default()
    assert "limen tenant policy default --file" in refused.value.public
    assert "session_idle_seconds exceeds" in refused.value.public
    found = await directory.chosen("default")
    assert found is not None
    assert found.refusal


@pytest.mark.anyio
async def test_what_was_read_before_a_change_is_not_kept_after_it(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await create(works, NewTenant(slug="acme"))
    directory, find = Directory(works, base_url=BASE), store.find_by_slug

    async def late(work: Work, slug: str) -> store.TenantRecord | None:
        record = await find(work, slug)
        await works.run(acme, suspend_tenant, actor=OPERATOR)
        return record

    with monkeypatch.context() as patch:
        patch.setattr(store, "find_by_slug", late)
        await directory.by_slug("acme")
    found = await directory.by_slug("acme")
    assert found is not None
    assert not found.is_active
