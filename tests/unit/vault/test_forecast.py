"""By when a person must connect again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from limen.db.work import Work
from limen.vault.refresh.forecast import Facts, foresee, next_reminder
from limen.vault.store import reminders
from limen.vault.sweep import sweeper
from tests.simulated import ADA, GRACE
from tests.vaults import Vault

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)


def facts(**known: Any) -> Facts:
    return Facts(**{"told": {}, "requested_at": NOW, "consented_at": NOW - 100 * DAY, **known})


@pytest.mark.parametrize(
    ("known", "days"),
    [
        ({}, None),
        ({"told": {"refresh_token_expires_in": 86400}}, 1),
        ({"told": {"refresh_expires_in": "172800"}}, 2),
        ({"told": {"refresh_expires_in": 0}}, None),
        ({"told": {"refresh_token_expires_in": "1 day"}}, None),
        ({"absolute_seconds": 365 * 86400}, 265),
        ({"idle_seconds": 90 * 86400}, 90),
        ({"idle_seconds": 90 * 86400, "absolute_seconds": 101 * 86400}, 1),
        ({"known_end": NOW + 7 * DAY}, 7),
        ({"known_end": NOW + 7 * DAY, "rotated": True}, None),
        ({"known_end": NOW + 7 * DAY, "told": {"refresh_token_expires_in": 86400}}, 1),
        ({"has_refresh": False, "access_ends_at": NOW + DAY, "idle_seconds": 9}, 1),
    ],
    ids=lambda value: (
        str(value) if value is None or isinstance(value, int) else "-".join(value) or "nothing"
    ),
)
def test_the_response_beats_what_is_known(known: dict[str, Any], days: int | None) -> None:
    expected = None if days is None else NOW + days * DAY
    assert foresee(facts(**known)).reconnect_by == expected


def test_reminders_come_a_fortnight_three_days_and_a_day_before() -> None:
    end = NOW + 20 * DAY
    moments, now = [], NOW
    while (moment := next_reminder(end, now=now)) is not None:
        moments.append((end - moment).days)
        now = moment
    assert moments == [14, 3, 1]
    assert next_reminder(None, now=NOW) is None


@pytest.mark.anyio
async def test_a_person_is_reminded_once_at_each_moment(vault: Vault) -> None:
    ada = await vault.person()
    lie = {"token_response": {"refresh_token_expires_in": 20 * 86400}}
    await vault.simulated.order("google", lies=lie)
    connection_id = await vault.connect(ada, account=ADA)
    by = (await vault.shown(ada, connection_id)).reconnect_by
    assert by is not None
    for days, told in ((1, 0), (6, 1), (1, 1), (10, 2), (2, 3), (2, 3)):
        vault.house.clock.advance(days * DAY)
        await sweeper(vault.parts)(vault.house.site)
        await sweeper(vault.parts)(vault.house.site)
        assert len(vault.named("connection:grant:reconnect_due")) == told
    assert vault.named("connection:grant:reconnect_due")[0].reconnect_by == by.isoformat()


@pytest.mark.anyio
async def test_a_reminder_that_fails_keeps_nobody_else_from_theirs(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await vault.person()
    lie = {"token_response": {"refresh_token_expires_in": 2 * 86400}}
    await vault.simulated.order("google", lies=lie)
    for account in (ADA, GRACE):
        await vault.connect(ada, account=account)
    take, spoiled = reminders.take_reminder, list[str]()

    async def spoil_the_first(work: Work, *, grant_id: str, **more: Any) -> bool:
        if not spoiled:
            spoiled.append(grant_id)
        if grant_id in spoiled:
            raise ValueError
        return await take(work, grant_id=grant_id, **more)

    monkeypatch.setattr(reminders, "take_reminder", spoil_the_first)
    vault.house.clock.advance(DAY)
    for _ in range(2):
        assert await sweeper(vault.parts)(vault.house.site) <= 1
    [told] = vault.named("connection:grant:reconnect_due")
    assert told.grant_id not in spoiled


@pytest.mark.anyio
async def test_connecting_again_begins_the_forecast_anew(vault: Vault) -> None:
    ada = await vault.person()
    lie = {"token_response": {"refresh_token_expires_in": 86400}}
    await vault.simulated.order("google", lies=lie)
    connection_id = await vault.connect(ada, account=ADA)
    before = (await vault.shown(ada, connection_id)).reconnect_by
    vault.house.clock.advance(DAY / 2)
    await vault.connect(ada, account=ADA, connection_id=connection_id)
    after = (await vault.shown(ada, connection_id)).reconnect_by
    assert before is not None
    assert after is not None
    assert after > before
