from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.audit.cursor import open_cursor, seal_cursor
from limen.audit.record import record
from limen.audit.search import AuditFilters, AuditPage, search
from limen.db.work import Work, Works
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.events import Event, Outcome
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.testing.clock import FrozenClock

KEY = Secret(bytes(32))
OTHER_SITE = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")
ADA = Actor("user", id="ada", session_id="s1", client_id="c1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Painted(Event):
    name: ClassVar[str] = "test:wall:painted"
    user_id: str = ""
    colour: str = "red"


@dataclass(frozen=True, kw_only=True, slots=True)
class Denied(Event):
    name: ClassVar[str] = "test:wall:denied"
    outcome: ClassVar[Outcome] = "denied"


async def tell(works: Works, site: Site, *events: Event, actor: Actor = ADA) -> None:
    async def body(work: Work) -> None:
        for event in events:
            await work.record(event)

    works.recorders = [record]
    await works.run(site, body, actor=actor)


async def read(
    works: Works,
    site: Site,
    filters: AuditFilters | None = None,
    *,
    cursor: str = "",
    limit: int = 50,
    key: Secret[bytes] = KEY,
) -> AuditPage:
    async def body(work: Work) -> AuditPage:
        return await search(
            work, filters=filters or AuditFilters(), key=key, cursor=cursor, limit=limit
        )

    return await works.run(site, body)


@pytest.mark.anyio
async def test_an_event_is_kept_with_who_asked(
    works: Works, site: Site, clock: FrozenClock
) -> None:
    await tell(works, site, Painted(user_id="bob", colour="blue"))
    (event,) = (await read(works, site)).events
    assert (event.name, event.outcome, event.at) == ("test:wall:painted", "done", clock.now())
    assert (event.actor_kind, event.actor_id) == ("user", "ada")
    assert (event.client_id, event.session_id, event.user_id) == ("c1", "s1", "bob")
    assert event.detail == {"user_id": "bob", "colour": "blue"}


@pytest.mark.anyio
async def test_a_refusal_keeps_only_what_was_asked_to_be_kept(works: Works, site: Site) -> None:
    works.recorders = [record]

    async def body(work: Work) -> None:
        await work.record(Painted())

        async def keep(inner: Work) -> None:
            await inner.record(Denied())

        work.even_if_refused(keep)
        raise Conflict

    with pytest.raises(Conflict):
        await works.run(site, body, actor=ADA)
    (event,) = (await read(works, site)).events
    assert (event.name, event.outcome, event.actor_id) == ("test:wall:denied", "denied", "ada")


@pytest.mark.anyio
async def test_one_tenant_never_reads_anothers_log(works: Works, site: Site) -> None:
    await tell(works, site, Painted())
    assert (await read(works, OTHER_SITE)).events == ()


@pytest.mark.anyio
async def test_filters_meet(works: Works, site: Site, clock: FrozenClock) -> None:
    await tell(works, site, Painted(user_id="bob"), Denied())
    later = clock.advance(dt.timedelta(hours=1))
    await tell(works, site, Painted(user_id="eve"), actor=Actor("operator"))
    for filters, count in [
        (AuditFilters(), 3),
        (AuditFilters(name="test:wall:painted"), 2),
        (AuditFilters(outcome="denied"), 1),
        (AuditFilters(user_id="bob"), 1),
        (AuditFilters(actor_id="ada"), 2),
        (AuditFilters(actor_id="ada", outcome="done"), 1),
        (AuditFilters(since=later), 1),
        (AuditFilters(until=later), 2),
        (AuditFilters(since=later, user_id="bob"), 0),
    ]:
        assert len((await read(works, site, filters)).events) == count, filters


@pytest.mark.anyio
async def test_pages_go_on_where_the_last_ended(
    works: Works, site: Site, clock: FrozenClock
) -> None:
    for number in range(5):
        await tell(works, site, Painted(colour=str(number)), Painted(colour=f"{number}b"))
        clock.advance(dt.timedelta(seconds=1))
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = await read(works, site, cursor=cursor, limit=3)
        seen += [event.id for event in page.events]
        cursor = page.next_cursor
    assert cursor == ""
    assert len(set(seen)) == 10
    whole = await read(works, site)
    assert seen == [event.id for event in whole.events]
    assert [event.at for event in whole.events] == sorted(
        (event.at for event in whole.events), reverse=True
    )


@pytest.mark.anyio
async def test_a_cursor_of_another_list_is_refused(works: Works, site: Site) -> None:
    await tell(works, site, Painted(), Painted())
    await tell(works, OTHER_SITE, Painted(), Painted())
    cursor = (await read(works, site, limit=1)).next_cursor
    assert (await read(works, site, cursor=cursor)).events
    attempts: list[dict[str, Any]] = [
        {"site": OTHER_SITE},
        {"filters": AuditFilters(outcome="done")},
        {"key": Secret(bytes([1] * 32))},
        {"cursor": cursor[:-2]},
        {"cursor": cursor[:-1] + ("A" if cursor[-1] != "A" else "B")},
        {"cursor": "x" * 2000},
        {"cursor": "ä"},
    ]
    for attempt in attempts:
        given_: dict[str, Any] = {"site": site, "cursor": cursor, **attempt}
        with pytest.raises(InvalidInput, match="cursor_invalid"):
            await read(works, **given_)


@pytest.mark.anyio
@pytest.mark.parametrize("limit", [0, -1, 201])
async def test_a_limit_out_of_bounds_is_refused(works: Works, site: Site, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit_invalid"):
        await read(works, site, limit=limit)


@given(st.lists(st.text()), st.lists(st.text()))
def test_a_cursor_opens_only_where_it_was_sealed(place: list[str], other: list[str]) -> None:
    try:
        raw = seal_cursor(KEY, place=place, position=["a", "b"])
    except UnicodeEncodeError:
        return
    assert open_cursor(KEY, raw, place=place) == ("a", "b")
    if place != other:
        with pytest.raises(InvalidInput):
            open_cursor(KEY, raw, place=other)


@given(st.text())
def test_no_text_makes_a_cursor_fail_otherwise(raw: str) -> None:
    with pytest.raises(InvalidInput):
        open_cursor(KEY, raw, place=("audit",))
