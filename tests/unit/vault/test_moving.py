"""Connections that come from another application, proven at the provider; and that leave."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limen.accounts.ending.disable_user import disable_user
from limen.db.work import Work
from limen.federation.upstream_clients import (
    NewUpstreamClient,
    get_upstream_client,
    set_upstream_client,
)
from limen.kernel import failpoints
from limen.kernel.actor import OPERATOR, Actor
from limen.kernel.errors import NotPermitted, Refusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.simulators.control import fingerprint
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.tenants.store import ensure_tenant_row
from limen.vault.listing import list_connections
from limen.vault.moving.line import read_connection_line
from limen.vault.moving.outcome import How, TakenIn
from limen.vault.moving.take_in import take_in
from limen.vault.moving.unclaimed import KEPT_FOR, give_up
from limen.vault.moving.write_out import Extent, write_out
from limen.vault.refresh.recover import recover
from limen.vault.tables import connections, upstream_grants
from tests.elsewhere import obtain, written
from tests.simulated import ADA, GRACE, NOTION_ADA
from tests.unit.vault.test_crash import Died, die_at, end_leases
from tests.unit.vault.test_every_vendor import register
from tests.vaults import Vault

pytestmark = pytest.mark.anyio

BY_ACCESS = ("google", "linear")
"""One whose UserInfo tells the account and whose refresh tokens stay; one that rotates."""
BY_REFRESH = ("microsoft", "notion", "salesforce")
"""Accounts that an ID token, the answer itself, and a document it names tell."""


@pytest.fixture(autouse=True)
def harmless_afterwards() -> Iterator[None]:
    yield
    failpoints.disarm()


async def bring(
    vault: Vault,
    line: dict[str, Any],
    *,
    site: Site | None = None,
    actor: Actor = OPERATOR,
    **how: bool,
) -> TakenIn:
    """Import a line."""
    read = read_connection_line(written(line))
    place = site or vault.house.site
    return await take_in(vault.parts, place, line=read, how=How(**how), actor=actor)


async def refused(vault: Vault, line: dict[str, Any], **more: Any) -> str:
    """Import a line in vain; return why."""
    with pytest.raises(Refusal) as caught:
        await bring(vault, line, **more)
    told = f"{caught.value.public} {caught.value.detail} {caught.value!r}"
    tokens = [line[name] for name in ("access_token", "refresh_token") if line.get(name)]
    assert not any(token in told for token in tokens)
    return caught.value.code


async def theirs(vault: Vault, provider: str, **more: Any) -> tuple[Actor, dict[str, Any]]:
    """A person, and a line for them."""
    await register(vault, provider)
    ada = await vault.person()
    return ada, {**await obtain(vault, provider, **more), "user": ada.id}


async def alive(vault: Vault, line: dict[str, Any]) -> bool:
    """Whether the older application can still use its refresh token."""
    seen = await vault.simulated.seen(line["provider"])
    return fingerprint(line["refresh_token"]) in seen["live_refresh_tokens"]


async def shown(vault: Vault, line: dict[str, Any]) -> int:
    """How often the provider saw the line's refresh token."""
    seen = await vault.simulated.seen(line["provider"])
    count = seen["redemptions"].get(fingerprint(line["refresh_token"]))
    return 0 if count is None else int(count["presented"])


async def rows(vault: Vault) -> list[Any]:
    """Everything the vault has."""

    async def body(work: Work) -> list[Any]:
        found: list[Any] = []
        for table in (upstream_grants, connections):
            statement = sa.select(table).where(table.c.tenant_id == sa.bindparam("tenant_id"))
            found += [
                tuple(row._asdict().values()) for row in (await work.execute(statement)).all()
            ]
        return found

    return await vault.run(body)


@pytest.mark.parametrize("provider", [*BY_ACCESS, *BY_REFRESH])
async def test_a_line_becomes_a_connection_that_works_and_the_same_again_is_present(
    vault: Vault, provider: str
) -> None:
    ada, line = await theirs(vault, provider)
    done = await bring(vault, {**line, "label": "Work", "tags": ["old"]})
    assert (done.verdict, done.kept, done.features_missing) == ("imported", False, ())
    assert done.proof == "refresh"
    assert await shown(vault, line) == 1
    assert await alive(vault, line) == (provider not in {"notion", "salesforce"})
    listed = await vault.shown(ada, done.connection_id)
    assert listed.generation == 2
    assert (listed.nickname, listed.tags, listed.state) == ("Work", ("old",), "active")
    assert set(listed.features.values()) == {"active"}
    vault.house.clock.advance(dt.timedelta(hours=26))
    seen = None if listed.expires_at else listed.generation
    released = await vault.token(ada, done.connection_id, seen_generation=seen)
    assert released.generation == listed.generation + 1
    again = await bring(vault, line)
    assert (again.verdict, again.connection_id) == ("present", done.connection_id)
    assert (await vault.shown(ada, done.connection_id)).generation == released.generation
    (event,) = vault.named("connection:account:imported")
    assert (event.user_id, event.proof, event.again) == (ada.id, done.proof, False)


@pytest.mark.parametrize("provider", [*BY_ACCESS, "microsoft", "notion"])
async def test_a_dry_run_changes_nothing_here_and_spends_nothing_there(
    vault: Vault, provider: str
) -> None:
    _, line = await theirs(vault, provider)
    before, events = await rows(vault), len(vault.events)
    done = await bring(vault, line, dry_run=True)
    assert done.verdict == ("unproven" if provider == "notion" else "would_import")
    vault.house.clock.advance(dt.timedelta(hours=26))  # the access token tells nothing now
    calls = (await vault.simulated.seen(provider))["calls"]
    late = await bring(vault, line, dry_run=True)
    if provider == "linear":  # nothing it could be asked would tell
        assert (await vault.simulated.seen(provider))["calls"] == calls
    stays = provider in {"google", "microsoft"}
    if "expires_at" in line:
        assert late.verdict == ("would_import" if stays else "unproven")
    assert await alive(vault, line)
    assert await shown(vault, line) == (0 if not stays else 2 if provider == "microsoft" else 1)
    assert (await rows(vault), len(vault.events)) == (before, events)


@pytest.mark.parametrize("provider", ["linear", "notion"])
async def test_what_a_dry_run_redeems_is_kept_for_the_import(vault: Vault, provider: str) -> None:
    ada, line = await theirs(vault, provider)
    dry = await bring(vault, line, dry_run=True, by_refresh=True)
    assert (dry.verdict, dry.proof, dry.kept) == ("would_import", "refresh", True)
    assert await vault.run(lambda work: list_connections(work, vault.parts, user_id=ada.id)) == []
    done = await bring(vault, line)
    assert (done.verdict, done.proof, done.kept) == ("imported", "refresh", False)
    assert await shown(vault, line) == 1
    assert (await vault.token(ada, done.connection_id)).raw_access.reveal() != line["access_token"]


async def test_a_provider_that_rotates_although_its_entry_denies_it_loses_nobody(
    vault: Vault,
) -> None:
    ada, line = await theirs(vault, "google", account=ADA)
    other = await obtain(
        vault, "google", account=ADA
    )  # what it gives in exchange, against its word
    lies = {"token_response": {"refresh_token": other["refresh_token"]}}
    await vault.simulated.order("google", lies=lies)
    dry = await bring(vault, line, dry_run=True, by_refresh=True)
    assert (dry.verdict, dry.kept) == ("would_import", True)
    await vault.simulated.order("google", lies={})
    done = await bring(vault, line)
    vault.house.clock.advance(dt.timedelta(hours=2))
    assert (await vault.token(ada, done.connection_id)).generation == 3
    assert await shown(vault, other) == 1


async def test_the_provider_says_whose_account_it_is_and_the_line_may_not_differ(
    vault: Vault,
) -> None:
    _, line = await theirs(vault, "google", account=GRACE)
    assert await refused(vault, {**line, "subject": ADA}) == "account_mismatch"
    assert (
        await refused(vault, {**line, "issuer": "https://elsewhere.example"}) == "account_mismatch"
    )
    assert await rows(vault) == []
    done = await bring(vault, {**line, "subject": GRACE})
    assert (done.verdict, done.subject) == ("imported", GRACE)


async def test_two_tokens_of_two_accounts_are_no_line(vault: Vault) -> None:
    _, line = await theirs(vault, "linear")
    accounts = [each["sub"] for each in (await vault.simulated.seen("linear"))["accounts"]]
    mine, another = [await obtain(vault, "linear", account=sub) for sub in accounts[:2]]
    mixed = {**line, **mine, "refresh_token": another["refresh_token"]}
    assert await refused(vault, mixed) == "account_mismatch"
    assert (await bring(vault, {**line, **mine})).subject == accounts[0]


async def test_an_access_token_alone_is_proof_of_itself(vault: Vault) -> None:
    ada, line = await theirs(vault, "google")
    alone = {name: value for name, value in line.items() if name != "refresh_token"}
    done = await bring(vault, alone)
    assert (done.verdict, done.proof) == ("imported", "access_token")
    released = await vault.token(ada, done.connection_id)
    assert released.raw_access.reveal() == line["access_token"]
    assert released.expires_at == dt.datetime.fromisoformat(line["expires_at"])
    assert await refused(vault, {**alone, "access_token": "long-gone"}) == "import_unproven"


async def test_a_line_that_was_wrong_of_a_token_that_rotates_may_be_corrected(vault: Vault) -> None:
    _, line = await theirs(vault, "notion", account=NOTION_ADA)
    assert await refused(vault, {**line, "subject": "another"}) == "account_mismatch"
    assert not await alive(vault, line)
    assert (await bring(vault, line)).verdict == "imported"
    assert await shown(vault, line) == 1


@pytest.mark.parametrize(
    ("point", "survives"),
    [("in_claim", True), ("after_answer", False), ("after_journal", True), ("after_commit", True)],
)
async def test_a_crash_between_redeeming_and_connecting_loses_nothing_the_journal_has(
    vault: Vault, point: str, survives: bool
) -> None:
    ada, line = await theirs(vault, "notion")
    die_at(f"vault.refresh.{point}")
    with pytest.raises(Died):
        await bring(vault, line)
    if point in {"after_answer", "after_journal"}:
        assert await refused(vault, line) == "refresh_in_progress"
    await end_leases(vault)
    if point == "after_journal":
        await recover(vault.parts, site_of=vault.house.site_of)
    if survives:
        done = await bring(vault, line)
        assert done.verdict == "imported"
        assert (await vault.token(ada, done.connection_id)).generation > 1
    else:
        assert await refused(vault, line) == "import_uncertain"
        assert await refused(vault, line) == "import_uncertain"
    assert await shown(vault, line) == 1


async def test_a_refusal_that_a_crash_left_in_the_journal_is_believed(vault: Vault) -> None:
    _, line = await theirs(vault, "notion")
    dead = {**line, "refresh_token": "long-gone"}
    die_at("vault.refresh.after_journal")
    with pytest.raises(Died):
        await bring(vault, dead)
    await end_leases(vault)
    await recover(vault.parts, site_of=vault.house.site_of)
    assert await refused(vault, dead) == "import_token_dead"
    assert await shown(vault, dead) == 1


async def test_of_many_who_bring_a_line_at_once_one_redeems_it(vault: Vault) -> None:
    for provider in ("google", "notion"):
        _, line = await theirs(vault, provider)

        async def one(line: dict[str, Any] = line) -> str:
            try:
                return (await bring(vault, line)).verdict
            except Refusal as refusal:
                return refusal.code

        told = await asyncio.gather(*(one() for _ in range(8)))
        assert told.count("imported") == 1
        assert set(told) <= {"imported", "present", "refresh_in_progress"}
        assert await shown(vault, line) <= 1
        assert (await bring(vault, line)).verdict == "present"


async def test_an_account_that_works_here_is_left_as_it_is_unless_it_is_to_be_replaced(
    vault: Vault,
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "google", account=ADA)
    line = {**await obtain(vault, "google", account=ADA), "user": ada.id}
    done = await bring(vault, line)
    assert (done.verdict, done.connection_id) == ("present", connection_id)
    assert await shown(vault, line) == 0
    assert (await vault.token(ada, connection_id)).generation == 1
    assert (await bring(vault, line, replace=True, dry_run=True)).verdict == "would_renew"
    done = await bring(vault, line, replace=True)
    assert (done.verdict, done.connection_id) == ("renewed", connection_id)
    released = await vault.token(ada, connection_id)
    assert released.generation == 2
    kept = await exported(vault, with_secrets=True)
    assert [each["refresh_token"] for each in kept] == [line["refresh_token"]]


async def test_an_account_that_works_no_more_is_given_the_proven_tokens(vault: Vault) -> None:
    await register(vault, "linear")
    ada = await vault.person()
    connection_id = await vault.connect(ada, "linear")
    account = (await vault.simulated.seen("linear"))["accounts"][0]["sub"]
    await vault.simulated.order("linear", revoke_grants=[account])
    vault.house.clock.advance(dt.timedelta(hours=26))
    with pytest.raises(Refusal, match="connection_reauth_required"):
        await vault.token(ada, connection_id)
    line = {**await obtain(vault, "linear"), "user": ada.id}
    done = await bring(vault, line, by_refresh=True)  # from an unclaimed grant into the old one
    assert (done.verdict, done.connection_id) == ("renewed", connection_id)
    assert (await vault.shown(ada, connection_id)).state == "active"
    assert (await vault.token(ada, connection_id)).raw_access.reveal() != line["access_token"]


async def test_somebody_elses_account_is_shared_by_the_same_tokens_alone(vault: Vault) -> None:
    ada, line = await theirs(vault, "google", account=ADA)
    grace = await vault.person()
    first = await bring(vault, line)
    other = {**await obtain(vault, "google", account=ADA), "user": grace.id}
    assert await refused(vault, other) == "account_in_use"
    second = await bring(vault, {**line, "user": grace.id})
    assert second.verdict == "imported"
    assert second.connection_id != first.connection_id
    before = (await vault.token(ada, first.connection_id)).generation
    assert (await bring(vault, other, replace=True)).verdict == "renewed"
    assert (await vault.token(ada, first.connection_id)).generation == before + 1


async def test_spent_tokens_open_nobody_elses_account(vault: Vault) -> None:
    ada, line = await theirs(vault, "notion")
    grace = await vault.person()
    first = await bring(vault, line)
    assert not await alive(vault, line)
    for how in ({}, {"replace": True}, {"dry_run": True}):
        assert await refused(vault, {**line, "user": grace.id}, **how) == "account_in_use"
    assert (await bring(vault, line)).connection_id == first.connection_id
    assert (await vault.token(ada, first.connection_id)).generation == 2


async def test_n205_only_who_is_known_here_and_may_be_acted_for_is_given_a_connection(
    vault: Vault,
) -> None:
    ada, line = await theirs(vault, "google")
    assert await refused(vault, {**line, "user": "nobody"}) == "user_not_found"
    assert await refused(vault, {**line, "user": "nobody@example.com"}) == "user_not_found"
    claimed = await vault.house.user("claimed@example.com", verified=False)
    assert await refused(vault, {**line, "user": "claimed@example.com"}) == "email_not_verified"
    assert await refused(vault, {**line, "provider": "figma"}) == "provider_unknown"
    assert await refused(vault, {**line, "features": ["mind_reading"]}) == "feature_unknown"
    above = await vault.administrator()
    assert await refused(vault, {**line, "user": above.id}, actor=ada) == "not_permitted"
    tenants = {**line, "belongs_to": "tenant"}
    assert await refused(vault, tenants, actor=ada) == "not_permitted"
    await vault.run(lambda work: disable_user(work, user_id=claimed.id), actor=OPERATOR)
    assert await refused(vault, {**line, "user": claimed.id}) == "account_disabled"
    assert await shown(vault, line) == 0
    assert (await bring(vault, tenants)).verdict == "imported"


async def another_tenant(vault: Vault) -> Site:
    """A second tenant with the same provider, and nobody in it."""
    site = dataclasses.replace(vault.house.site, tenant_id="othertenant", slug="other")

    async def furnish(work: Work) -> None:
        await ensure_tenant_row(work)
        await vault.house.envelope.create_keys(work)
        new = NewUpstreamClient(
            provider="google", client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
        )
        await set_upstream_client(work, vault.house.envelope, new=new)

    await vault.house.works.run(site, furnish)
    return site


async def test_n243_another_tenants_person_is_nobody_here(vault: Vault) -> None:
    _, line = await theirs(vault, "google")
    site = await another_tenant(vault)
    assert await refused(vault, line, site=site) == "user_not_found"


async def test_f19_many_dead_tokens_in_a_file_are_no_incident_of_the_provider(
    vault: Vault,
) -> None:
    _, line = await theirs(vault, "notion")
    for number in range(12):
        dead = {**line, "refresh_token": f"dead-{number}", "access_token": f"dead-{number}"}
        assert await refused(vault, dead) == "import_token_dead"

    client = await vault.run(
        lambda work: get_upstream_client(work, vault.house.envelope, provider="notion")
    )
    assert (client.incident, client.is_blocked) == ("", False)
    assert (await bring(vault, line)).verdict == "imported"


async def test_a_provider_that_does_not_answer_costs_nothing(vault: Vault) -> None:
    _, line = await theirs(vault, "linear")
    fault = {"kind": "status", "status": 500, "times": 1}
    await vault.simulated.order("linear", faults={"viewer": [fault]})
    assert await refused(vault, line) == "provider_unavailable"
    assert await shown(vault, line) == 0
    assert (await bring(vault, line)).verdict == "imported"


async def test_tokens_that_nobody_comes_for_are_wiped_after_a_month(vault: Vault) -> None:
    _, line = await theirs(vault, "notion")
    await bring(vault, line, dry_run=True, by_refresh=True)
    (grant,) = await rows(vault)
    grant_id = grant[1]
    vault.house.clock.advance(KEPT_FOR)
    await vault.run(lambda work: give_up(work, vault.parts, grant_id))
    (wiped,) = await rows(vault)
    assert "erased" in wiped
    assert not any(isinstance(value, bytes) for value in wiped)
    _, other = await theirs(vault, "google")
    done = await bring(vault, other, by_refresh=True)
    (kept,) = [row for row in await rows(vault) if row[1] == done.connection_id]
    await vault.run(lambda work: give_up(work, vault.parts, kept[3]))
    assert (await bring(vault, other)).verdict == "present"


async def exported(vault: Vault, **extent: Any) -> list[dict[str, Any]]:
    lines = write_out(vault.parts, vault.house.site, extent=Extent(**extent), actor=OPERATOR)
    return [json.loads(line) async for line in lines]


async def test_an_export_is_taken_in_by_another_server(vault: Vault) -> None:
    ada, line = await theirs(vault, "google", account=ADA)
    done = await bring(vault, {**line, "label": "Work", "metadata": {"team": 7}})
    (bare,) = await exported(vault)
    assert not {"access_token", "refresh_token"} & set(bare)
    (whole,) = await exported(vault, with_secrets=True, provider="google", user_id=ada.id)
    assert (whole["refresh_token"], whole["id"]) == (line["refresh_token"], done.connection_id)
    assert [event.with_secrets for event in vault.named("connection:account:exported")] == [
        False,
        True,
    ]
    site = await another_tenant(vault)
    vault.house.site, here = site, vault.house.site
    person = await vault.house.user(whole["user"])
    moved = await bring(vault, whole, site=site)
    assert (moved.verdict, moved.user_id) == ("imported", person.id)
    (back,) = await exported(vault, with_secrets=True)
    changed = {"id", "user", "access_token", "issued_at", "expires_at"}
    assert {k: v for k, v in back.items() if k not in changed} == {
        k: v for k, v in whole.items() if k not in changed
    }
    vault.house.site = here
    assert await refused(vault, bare | {"access_token": None}) == "invalid_input"


async def test_tokens_leave_by_the_command_line_alone(vault: Vault) -> None:
    admin = await vault.administrator()
    lines = write_out(vault.parts, vault.house.site, extent=Extent(with_secrets=True), actor=admin)
    with pytest.raises(NotPermitted):
        await anext(lines)
