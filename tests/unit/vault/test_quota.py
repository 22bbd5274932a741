"""Units of a provider's quota: whose day it is, what is counted, and what is refused."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from limen.db.work import Work
from limen.federation.clients.store import put_entry
from limen.federation.facts import Quota
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.actor import Actor
from limen.kernel.errors import InvalidInput, NotFound, NotPermitted, Throttled
from limen.kernel.secret import Secret
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.vault.erasing.erase import erase_person
from limen.vault.proxy.prepare import Prepared, ProxiedCall, prepare
from limen.vault.quota.count import report_units
from limen.vault.quota.day import day_of
from limen.vault.quota.show import KEPT_DAYS, ShownUsage, Used, show_usage, show_usage_by_client
from limen.vault.sharing.consents import Wish, share
from limen.vault.sharing.policy import set_release_policy
from limen.vault.sweep import sweeper
from limen.vault.token_for import Wanted
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
UTC = dt.timezone.utc
SEARCH = "/youtube/v3/search"
LIST = "/youtube/v3/channels"


@pytest.mark.parametrize(
    ("zone", "now", "day", "resets_at"),
    [
        ("UTC", "2026-11-21T23:59:59", "2026-11-21", "2026-11-22T00:00:00"),
        ("America/Los_Angeles", "2026-11-21T07:59:59", "2026-11-20", "2026-11-21T08:00:00"),
        ("America/Los_Angeles", "2026-11-21T08:00:00", "2026-11-21", "2026-11-22T08:00:00"),
        # The day the clocks go forward has 23 hours.
        ("America/Los_Angeles", "2026-03-08T08:00:00", "2026-03-08", "2026-03-09T07:00:00"),
    ],
)
def test_a_day_is_the_providers_own(zone: str, now: str, day: str, resets_at: str) -> None:
    quota = Quota(daily_units=1, resets_in=zone)
    moment = dt.datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = day_of(quota, moment)
    assert found.day == day
    assert found.resets_at == dt.datetime.fromisoformat(resets_at).replace(tzinfo=UTC)
    assert found.seconds_left(moment) > (found.resets_at - moment).total_seconds()


def test_a_quota_that_can_not_be_kept_is_none() -> None:
    for wrong in (
        {"resets_in": "America/Nowhere"},
        {"resets_in": "../../etc/passwd"},
        {"rules": [{"method": "GET", "path": "/", "units": 1, "bucket": "none"}]},
        {"buckets": {"search": 0}},
    ):
        with pytest.raises(ValueError, match="1 validation error"):
            Quota.model_validate({"daily_units": 1, **wrong})


async def furnish(vault: Vault, **quota: Any) -> None:
    """A client at YouTube; its quota as an operator says it."""

    async def body(work: Work) -> None:
        new = NewUpstreamClient(
            provider="youtube", client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
        )
        await set_upstream_client(work, vault.house.envelope, new=new)
        if quota:
            await put_entry(work, entry_id="youtube", kind="override", document={"quota": quota})

    await vault.house.run(body)


async def called(vault: Vault, actor: Actor, id_: str, path: str = LIST, **by: Any) -> Prepared:
    wanted = Wanted(connection_id=id_, user_id=actor.id, reader="", **by)
    call = ProxiedCall(
        reader="any", method="GET", host="youtube.googleapis.com", path=path, query=""
    )
    return await vault.run(
        lambda work: prepare(work, vault.parts, wanted=wanted, call=call), actor=actor
    )


async def shown(vault: Vault, actor: Actor, id_: str, days: int = 7) -> ShownUsage:
    return await vault.run(
        lambda work: show_usage(work, vault.parts, connection_id=id_, owner_id=actor.id, days=days)
    )


async def test_calls_are_counted_by_connection_client_bucket_and_day(vault: Vault) -> None:
    await furnish(vault)
    ada, bob = await vault.person(), await vault.person()
    hers = await vault.connect(ada, "youtube", features=("youtube_read",))
    vault.house.clock.advance(dt.timedelta(seconds=1))
    for path in (LIST, LIST, SEARCH, "/youtube/v3/%73earch", "/youtube/v3/captions/abc"):
        await called(vault, ada, hers, path)
    told = await shown(vault, ada, hers)
    assert [(use.bucket, use.calls, use.units) for use in told.uses] == [
        ("", 3, 202),
        ("search", 2, 2),
    ]
    assert {name: each.left for name, each in told.buckets.items()} == {
        "": 10_000 - 202,
        "search": 98,
        "uploads": 100,
    }
    assert [event.units for event in vault.named("connection:api:called")] == [1, 1, 1, 1, 200]
    assert not told.enforced
    vault.house.clock.advance(dt.timedelta(days=1))
    await called(vault, ada, hers)
    again = await shown(vault, ada, hers)
    assert (again.buckets[""].used, len(again.uses)) == (1, 3)
    assert len((await shown(vault, ada, hers, days=1)).uses) == 1
    with pytest.raises(NotFound, match="connection_not_found"):
        await shown(vault, bob, hers)


async def test_beyond_what_an_operator_allows_nothing_is_sent(vault: Vault) -> None:
    await furnish(vault, buckets={"search": 2}, enforced=True)
    ada = await vault.person()
    hers = await vault.connect(ada, "youtube", features=("youtube_read",))
    for _ in range(2):
        await called(vault, ada, hers, SEARCH)
    with pytest.raises(Throttled, match="quota_exhausted") as refused:
        await called(vault, ada, hers, SEARCH)
    told = await shown(vault, ada, hers)
    assert told.enforced
    assert told.buckets["search"].left == 0
    now = vault.house.clock.now()
    assert told.resets_at is not None
    wait = refused.value.retry_after_seconds
    assert wait is not None
    assert (
        told.resets_at
        <= now + dt.timedelta(seconds=wait)
        <= told.resets_at + dt.timedelta(seconds=2)
    )
    assert len(vault.named("connection:api:called")) == 2
    await called(vault, ada, hers)  # the other bucket has enough
    vault.house.clock.advance(dt.timedelta(seconds=wait))
    await called(vault, ada, hers, SEARCH)


async def test_of_many_calls_at_once_only_those_that_fit_are_counted(vault: Vault) -> None:
    await furnish(vault, daily_units=3, enforced=True)
    ada = await vault.person()
    hers = await vault.connect(ada, "youtube", features=("youtube_read",))
    outcomes = await asyncio.gather(
        *(called(vault, ada, hers) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(each, Prepared) for each in outcomes) == 3
    assert sum(isinstance(each, Throttled) for each in outcomes) == 5
    told = await shown(vault, ada, hers)
    assert (told.buckets[""].used, told.uses[0].units) == (3, 3)


async def test_what_an_app_reports_counts_and_only_who_has_the_token_reports(vault: Vault) -> None:
    await furnish(vault, daily_units=300, enforced=True)
    ada, app = await vault.person(), await vault.client()
    hers = await vault.connect(ada, "youtube", features=("youtube_read",))

    async def tell(units: int, bucket: str = "", client_id: str = app) -> None:
        wanted = Wanted(connection_id=hers, user_id=ada.id, reader="", client_id=client_id)
        await vault.run(
            lambda work: report_units(work, vault.parts, wanted=wanted, bucket=bucket, units=units)
        )

    async def allow(mode: Any) -> None:
        await vault.run(
            lambda work: set_release_policy(work, vault.parts, client_id=app, mode=mode)
        )

    wish = Wish(connection_id=hers, client_id=app, features=("youtube_read",))

    async def agree(wish: Wish) -> None:
        body = partial(share, parts=vault.parts, owner_id=ada.id, wish=wish)
        await vault.run(body, actor=ada)

    await agree(wish)
    for mode, code in (("proxy", "release_by_proxy_only"), ("raw", "raw_consent_required")):
        await allow(mode)
        with pytest.raises(NotPermitted, match=code):
            await tell(5)
    await agree(replace(wish, mode="raw"))
    await tell(299)
    await tell(1, "search", client_id="")
    told = await shown(vault, ada, hers)
    assert list(told.uses) == [
        Used(day=told.day, client_id="", bucket="search", calls=0, units=0, reported_units=1),
        Used(day=told.day, client_id=app, bucket="", calls=0, units=0, reported_units=299),
    ]
    await called(vault, ada, hers, client_id=app)
    with pytest.raises(Throttled, match="quota_exhausted"):
        await called(vault, ada, hers)
    for units, bucket in ((301, ""), (1, "nothing"), (101, "search")):
        with pytest.raises(InvalidInput, match="units_invalid"):
            await tell(units, bucket)
    by_client = await vault.run(
        lambda work: show_usage_by_client(work, vault.parts, provider="youtube", days=1)
    )
    assert [(use.client_id, use.units, use.reported_units) for use in by_client.uses] == [
        ("", 0, 1),
        (app, 1, 299),
    ]


async def test_where_nothing_is_counted_nothing_is_shown_or_reported(vault: Vault) -> None:
    ada = await vault.person()
    hers = await vault.connect(ada, "google", features=("calendar_read",))
    assert await shown(vault, ada, hers) == ShownUsage(buckets={}, uses=())
    wanted = Wanted(connection_id=hers, user_id=ada.id, reader="")
    with pytest.raises(NotFound, match="quota_unknown"):
        await vault.run(
            lambda work: report_units(work, vault.parts, wanted=wanted, bucket="", units=1)
        )
    with pytest.raises(NotFound, match="provider_unknown"):
        await vault.run(
            lambda work: show_usage_by_client(work, vault.parts, provider="nobody", days=1)
        )


async def test_old_days_are_swept_and_a_person_erased_leaves_none(vault: Vault) -> None:
    await furnish(vault)
    ada = await vault.person()
    hers = await vault.connect(ada, "youtube", features=("youtube_read",))
    await called(vault, ada, hers)
    vault.house.clock.advance(dt.timedelta(days=KEPT_DAYS - 1))
    await called(vault, ada, hers)
    await sweeper(vault.parts)(vault.house.site)
    assert len((await shown(vault, ada, hers, days=KEPT_DAYS)).uses) == 2
    vault.house.clock.advance(dt.timedelta(days=3))
    await sweeper(vault.parts)(vault.house.site)
    assert len((await shown(vault, ada, hers, days=KEPT_DAYS + 5)).uses) == 1
    await vault.run(lambda work: erase_person(work, vault.parts, user_id=ada.id), actor=ada)
    by_client = await vault.run(
        lambda work: show_usage_by_client(work, vault.parts, provider="youtube", days=9)
    )
    assert list(by_client.uses) == []
