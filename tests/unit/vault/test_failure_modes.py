"""Failure modes seen in the field, by their number: those without a better home."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from limen.db.work import Work
from limen.federation.call import read_answer
from limen.federation.provider import Provider, ProviderAnswer, TokenAnswer
from limen.kernel.errors import NotFound, ProviderUnavailable
from limen.kernel.secret import Secret
from limen.net import Answer
from limen.vault.model import Terms
from limen.vault.parts import RefreshTimes
from limen.vault.refresh import apply
from limen.vault.refresh.apply import Held, Journalled, apply_answer
from limen.vault.refresh.outcome import Moved
from limen.vault.refresh.terms import Before, merge_tokens, terms_of
from limen.vault.store import journal
from limen.vault.store.connections import list_connections
from limen.vault.tables import upstream_grants
from tests.simulated import ADA, NOTION_ADA
from tests.unit.vault.test_crash import end_leases
from tests.unit.vault.test_every_vendor import register
from tests.vaults import Vault

HOUR = dt.timedelta(hours=1, minutes=5)
NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.timezone.utc)

# -- refresh ------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_f2_a_refresh_that_hung_leaves_nothing_behind(vault: Vault) -> None:
    quick = vault.with_times(deadline_seconds=1.0)
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(HOUR)
    slow = {"kind": "slow", "seconds": 5.0}
    await vault.simulated.order("google", faults={"refresh": [slow]})
    with pytest.raises(ProviderUnavailable):
        await quick.token(ada, connection_id)
    await vault.end_pauses()
    assert (await vault.token(ada, connection_id)).generation == 2


def test_f5_a_lease_outlasts_the_call_it_covers() -> None:
    with pytest.raises(ValueError, match="lease"):
        RefreshTimes(deadline_seconds=5.0, lease_seconds=5.0)


def before(**known: Any) -> Before:
    return Before(
        **{
            "raw_refresh": Secret("old"),
            "scopes": ("a",),
            "lifetime_seconds": None,
            "jitter": 0.5,
            "consented_at": NOW,
            **known,
        }
    )


def answered(refresh: str | None, **known: Any) -> TokenAnswer:
    return TokenAnswer(
        **{
            "raw_access": Secret("new-access"),
            "raw_refresh": None if refresh is None else Secret(refresh),
            "expires_in": 3600,
            "scope": None,
            "raw_id_token": None,
            "members": {},
            **known,
        }
    )


@pytest.mark.parametrize(
    ("given", "held", "kept"),
    [("new", "old", "new"), (None, "old", "old"), ("new", None, "new"), (None, None, None)],
)
def test_f10_f11_a_new_refresh_token_wins_and_silence_keeps_the_old(
    given: str | None, held: str | None, kept: str | None
) -> None:
    old = before(raw_refresh=None if held is None else Secret(held))
    merged = merge_tokens(answered(given), old)
    assert merged.raw_access == Secret("new-access")
    assert merged.raw_refresh == (None if kept is None else Secret(kept))


@pytest.mark.anyio
async def test_f13_a_loser_does_not_end_what_the_winner_renewed(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(dt.timedelta(minutes=1))
    [listed] = await vault.run(lambda work: list_connections(work, owner_id=ada.id, most=1))
    provider = vault.parts.catalogue.get("notion", {})

    async def lose(work: Work) -> object:
        claimed = await journal.seize_grant(
            work, grant_id=listed.grant.id, owner="late", lease_seconds=0.0
        )
        assert claimed is not None
        stale = Held(grant=claimed, provider=provider, intent_fence=claimed.fence)
        dead = ProviderAnswer(status=400, members={"error": "invalid_grant"}, is_object=True)
        moved = sa.update(upstream_grants).values(generation=claimed.generation + 1)
        await work.execute(moved)  # somebody's answer came first
        journalled = Journalled(answer=dead, requested_at=work.now)
        return await apply_answer(work, vault.parts, stale, journalled=journalled)

    assert await vault.run(lose) == Moved()
    assert (await vault.shown(ada, connection_id)).state == "active"
    assert vault.named("connection:grant:reauth_required") == []


@pytest.mark.anyio
async def test_f17_connecting_again_forgets_the_failures_before(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    vault.house.clock.advance(HOUR)
    await vault.simulated.order("google", faults={"refresh": [{"kind": "status"}]})
    with pytest.raises(ProviderUnavailable):
        await vault.token(ada, connection_id)
    with pytest.raises(ProviderUnavailable):
        await vault.token(ada, connection_id)  # it is left alone now
    await vault.connect(ada, account=ADA, connection_id=connection_id)
    vault.house.clock.advance(HOUR)
    assert (await vault.token(ada, connection_id)).generation == 3


# -- what providers answer ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "members"),
    [
        ("github", {"error": "bad_refresh_token"}),
        ("slack", {"ok": False, "error": "invalid_refresh_token"}),
    ],
    ids=["github", "slack"],
)
@pytest.mark.anyio
async def test_f23_f24_an_error_is_one_also_with_status_200(
    vault: Vault, provider: str, members: dict[str, Any]
) -> None:
    found = vault.parts.catalogue.get(provider, {})
    answer = ProviderAnswer(status=200, members=members, is_object=True)
    assert found.classify(answer) == "grant_dead"
    empty = ProviderAnswer(status=200, members={}, is_object=True)
    assert found.classify(empty) != "ok"


def test_f25_an_answer_is_read_as_what_it_is() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    told = read_answer(Answer(200, form, b"access_token=abc&scope=repo%2Cuser"))
    assert told.members == {"access_token": "abc", "scope": "repo,user"}
    html = read_answer(Answer(200, {"content-type": "text/html"}, b"<h1>Sorry</h1>"))
    assert not html.is_object
    assert html.members == {}


# -- expiry ---------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_f32_a_life_counts_from_when_it_was_asked_for(vault: Vault) -> None:
    provider = vault.parts.catalogue.get("google", {})
    terms = terms_of(answered("new"), before(), provider=provider, requested_at=NOW)
    assert terms.expires_at == NOW + dt.timedelta(hours=1)
    assert terms.requested_at == NOW


@pytest.mark.anyio
async def test_what_nobody_foresaw_of_one_provider_keeps_no_other_from_its_refreshes(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, grace = await vault.person(), await vault.person()
    await register(vault, "linear")
    await vault.connect(ada, "linear")
    connection_id = await vault.connect(grace)

    def at_fault(*args: Any, provider: Provider, **more: Any) -> Terms:
        if provider.id == "linear":
            raise OverflowError
        return terms_of(*args, provider=provider, **more)

    monkeypatch.setattr(apply, "terms_of", at_fault)
    for generation in (2, 3, 4):  # the answer in the journal is at fault as well
        vault.house.clock.advance(24 * HOUR)
        await vault.loop()
        assert (await vault.shown(grace, connection_id)).generation == generation
        await end_leases(vault)
        await vault.end_pauses()


# -- reading --------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_f44_whoever_reads_gets_no_expired_token_while_it_can_be_renewed(
    vault: Vault,
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    vault.house.clock.advance(HOUR)
    for use in ("raw", "proxy", "look"):
        released = await vault.token(ada, connection_id, use=use)
        assert released.generation == 2
        assert released.expires_at is not None
        assert released.expires_at > vault.house.clock.now()
    with pytest.raises(NotFound):
        await vault.token(ada, "another")
