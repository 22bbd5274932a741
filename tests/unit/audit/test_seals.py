from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from limen.accounts.ending.close_account import close_account
from limen.audit.seals import keys
from limen.audit.seals.against_log import compare_with_log, read_seals
from limen.audit.seals.drop import Retention
from limen.audit.seals.export import export_lines
from limen.audit.seals.seal import MOST, SEAL_TYP, verify_seal, verify_signed
from limen.audit.seals.sealer import Sealer
from limen.audit.seals.verify import verify_chain
from limen.audit.seals.verify_export import verify_export
from limen.db.work import Work
from limen.kernel import failpoints
from limen.kernel.errors import Unavailable
from limen.kernel.site import Site
from limen.observe.metrics import render
from limen.protocol.jwk import InvalidKey, KeySet, generate_key
from limen.protocol.jwt import JwtRefused
from tests.house import House, house
from tests.unit.audit.chains import ON_SQLITE, Chain, Painted, chain, logged
from tests.unit.crypto.kit import OTHER_SITE

__all__ = ["chain", "house", "logged"]
pytestmark = pytest.mark.anyio

EVENTS, SEALS, CHAINS = "limen_audit_events", "limen_audit_seals", "limen_audit_chains"
HERE = "tenant_id = 'testtenant'"
KEY = generate_key("EdDSA")


def codes(report: Any) -> list[tuple[str, int, int]]:
    return [(each.code, each.segment, each.number) for each in report.findings]


# -- sealing ----------------------------------------------------------------------------------


async def test_what_was_sealed_is_whole_and_numbered_without_a_gap(chain: Chain) -> None:
    await chain.tell(7)
    assert await chain.seal() == 7
    report = await chain.verify()
    assert (report.is_whole, report.events, report.unsealed) == (True, 7, 0)
    assert (report.first_segment, report.last_segment) == (1, 3)
    rows = await chain.sql(f"SELECT number FROM {EVENTS} WHERE {HERE} ORDER BY id")
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert await chain.seal() == 0


async def test_what_commits_late_is_sealed_behind_what_came_before_it(chain: Chain) -> None:
    await chain.tell(4)
    # An event of a transaction that began first and commits last has the smallest id.
    await chain.sql(
        f"CREATE TABLE late AS SELECT * FROM {EVENTS} WHERE {HERE} ORDER BY id LIMIT 1",
        f"DELETE FROM {EVENTS} WHERE id IN (SELECT id FROM late)",
    )
    assert await chain.seal() == 3
    await chain.sql(f"INSERT INTO {EVENTS} SELECT * FROM late", "DROP TABLE late")
    assert await chain.seal() == 1
    rows = await chain.sql(f"SELECT number FROM {EVENTS} WHERE {HERE} ORDER BY id")
    assert [row[0] for row in rows] == [4, 1, 2, 3]
    assert (await chain.verify()).is_whole


async def test_many_sealers_at_once_make_one_chain(chain: Chain) -> None:
    await chain.tell(30)
    # Without a lease that keeps them apart: the chain's head alone does.
    sealers = [chain.new_sealer(lease_seconds=-1.0) for _ in range(4)]
    done = await asyncio.gather(*(chain.seal(each) for each in sealers))
    assert sum(done) == 30
    report = await chain.verify()
    assert (report.is_whole, report.events, report.segments) == (True, 30, 10)


async def test_a_sealer_that_lives_is_left_alone_and_one_that_died_is_followed(
    chain: Chain,
) -> None:
    await chain.tell(2)
    assert await chain.seal() == 2
    await chain.tell(2)
    other = chain.new_sealer()
    assert await chain.seal(other) == 0
    await chain.sql(f"UPDATE {CHAINS} SET lease_until = NULL")
    assert await chain.seal(other) == 2
    assert (await chain.verify()).is_whole


async def test_who_dies_between_numbering_and_sealing_leaves_nothing_half_done(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chain.tell(4)
    died = []

    def die() -> None:
        died.append(True)
        raise SystemExit

    failpoints.arm(["audit.seal.numbered"], die)
    try:
        with pytest.raises(SystemExit):
            await chain.sealer.run_once()
    finally:
        failpoints.disarm()
    assert died
    rows = await chain.sql(f"SELECT count(number) FROM {EVENTS}")
    assert rows[0][0] == 0
    assert await chain.seal() == 4
    assert (await chain.verify()).is_whole


async def test_a_seal_is_a_line_of_the_log(chain: Chain, logged: list[Any]) -> None:
    await chain.tell(2)
    await chain.seal()
    (line,) = [each for each in logged if each["event"] == "audit sealed"]
    assert [line[name] for name in ("tenant_id", "segment", "first", "last")] == [
        *("testtenant", 1, 1, 2)
    ]
    head = (await chain.sql(f"SELECT hash FROM {CHAINS} WHERE {HERE}"))[0]
    assert line["seal"] == head[0]
    assert "[hidden]" not in json.dumps(line)


async def test_no_tenant_is_in_anothers_chain(chain: Chain) -> None:
    await chain.tell(4)
    await chain.tell(2, site=OTHER_SITE)
    await chain.seal()
    assert (await chain.verify()).events == 4
    assert (await chain.verify(OTHER_SITE)).events == 2
    assert OTHER_SITE.tenant_id not in "".join(await chain.export())
    kids = [set((await chain.verify(each)).kids) for each in (chain.site, OTHER_SITE)]
    assert kids[0]
    assert not kids[0] & kids[1]
    await chain.sql(f"DELETE FROM {EVENTS} WHERE tenant_id = 'othertenan' AND number = 1")
    assert (await chain.verify()).is_whole
    assert not (await chain.verify(OTHER_SITE)).is_whole


@ON_SQLITE
async def test_a_tenant_whose_rows_are_busy_keeps_no_other_waiting(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chain.tell(2)
    await chain.tell(2, site=OTHER_SITE)
    busy, _ = sorted((chain.site.tenant_id, OTHER_SITE.tenant_id))
    run, told = chain.works.run, {busy}

    async def unless_busy(site: Site, body: Any, **more: Any) -> Any:
        if site.tenant_id in told:
            raise Unavailable("database_busy")
        return await run(site, body, **more)

    monkeypatch.setattr(chain.works, "run", unless_busy)
    assert await chain.sealer.run_once() == 2
    told |= {chain.site.tenant_id, OTHER_SITE.tenant_id}
    await run(chain.site, _tell_once)
    await run(OTHER_SITE, _tell_once)
    with pytest.raises(Unavailable):  # of two in a row it is the database
        await chain.sealer.run_once()


async def _tell_once(work: Work) -> None:
    await work.record(Painted(colour="once more"))


@ON_SQLITE
async def test_a_tenant_that_can_not_be_sealed_keeps_no_other_waiting(chain: Chain) -> None:
    await chain.tell(2)
    await chain.tell(2, site=OTHER_SITE)
    await chain.sql("DELETE FROM limen_sealing_keys WHERE tenant_id = 'othertenan'")
    chain.envelope = type(chain.envelope)(chain.envelope._keys)
    assert await chain.new_sealer().run_once() == 2
    assert (await chain.verify()).unsealed == 0


# -- N252: what nobody can do unseen ----------------------------------------------------------

EDITS = {
    "edited": (
        f"UPDATE {EVENTS} SET actor_id = 'eve' WHERE {HERE} AND number = 5",
        ("event_altered", 2, 5),
    ),
    "its detail edited": (
        f"UPDATE {EVENTS} SET detail = '{{}}' WHERE {HERE} AND number = 5",
        ("event_altered", 2, 5),
    ),
    "its detail made unreadable": (
        f"UPDATE {EVENTS} SET detail = '{{' WHERE {HERE} AND number = 5",
        ("event_altered", 2, 5),
    ),
    "its time edited": (
        f"UPDATE {EVENTS} SET at = (SELECT max(at) FROM {EVENTS}) WHERE {HERE} AND number = 1",
        ("event_altered", 1, 1),
    ),
    "deleted": (f"DELETE FROM {EVENTS} WHERE {HERE} AND number = 5", ("event_missing", 2, 5)),
    "unsealed again": (
        f"UPDATE {EVENTS} SET number = NULL WHERE {HERE} AND number = 5",
        ("event_missing", 2, 5),
    ),
    "its seal deleted": (
        f"DELETE FROM {SEALS} WHERE {HERE} AND segment = 2",
        ("segment_missing", 2, 0),
    ),
    "its seal moved": (
        f"UPDATE {SEALS} SET segment = 9 WHERE {HERE} AND segment = 1",
        ("segment_missing", 1, 0),
    ),
    "its hashes edited": (
        (
            f"UPDATE {SEALS} SET hashes = (SELECT hashes FROM {SEALS} WHERE {HERE} AND segment = 1)"
            f" WHERE {HERE} AND segment = 2"
        ),
        ("seal_altered", 2, 0),
    ),
    "sealed as another segment": (
        (
            f"UPDATE {SEALS} SET jws = (SELECT jws FROM {SEALS} WHERE {HERE} AND segment = 1)"
            f" WHERE {HERE} AND segment = 2"
        ),
        ("seal_altered", 2, 0),
    ),
    "numbered behind the end": (
        (
            f"INSERT INTO {EVENTS} SELECT tenant_id, 'forged', at, name, outcome, actor_kind, actor_id,"
            f" client_id, session_id, user_id, detail, 9 FROM {EVENTS} WHERE {HERE} AND number = 1"
        ),
        ("not_sealed", 0, 9),
    ),
    "the head cut back": (
        (
            f"UPDATE {CHAINS} SET segment = 2, number = 6,"
            f" hash = (SELECT hash FROM {CHAINS} WHERE {HERE}) WHERE {HERE}"
        ),
        ("head_altered", 0, 0),
    ),
    "the head deleted": (f"DELETE FROM {CHAINS} WHERE {HERE}", ("head_missing", 0, 0)),
    "said to be dropped": (
        f"UPDATE {CHAINS} SET dropped_segment = 1, dropped_number = 3 WHERE {HERE}",
        ("head_altered", 0, 0),
    ),
}


@ON_SQLITE
@pytest.mark.parametrize("edit", sorted(EDITS))
async def test_n252_what_is_altered_is_named(chain: Chain, edit: str) -> None:
    statement, first = EDITS[edit]
    await chain.tell(8)
    await chain.seal()
    assert (await chain.verify()).is_whole
    await chain.sql(statement)
    report = await chain.verify()
    assert codes(report)[0] == first
    assert report.findings[0].words


async def test_n252_deleted_inserted_reordered_and_cut_off(chain: Chain) -> None:
    await chain.tell(9)
    await chain.seal()
    await chain.sql(
        f"UPDATE {EVENTS} SET number = 100 WHERE {HERE} AND number = 1",
        f"UPDATE {EVENTS} SET number = 1 WHERE {HERE} AND number = 2",
        f"UPDATE {EVENTS} SET number = 2 WHERE {HERE} AND number = 100",
        f"DELETE FROM {EVENTS} WHERE {HERE} AND number = 4",
        f"UPDATE {EVENTS} SET actor_id = 'eve' WHERE {HERE} AND number = 5",
        f"DELETE FROM {EVENTS} WHERE {HERE} AND number >= 7",
        f"DELETE FROM {SEALS} WHERE {HERE} AND segment >= 3",
    )
    assert codes(await chain.verify()) == [
        *(("event_altered", 1, 1), ("event_altered", 1, 2)),
        *(("event_missing", 2, 4), ("event_altered", 2, 5)),
        ("segment_missing", 3, 0),
    ]


@ON_SQLITE
async def test_n252_a_chain_signed_anew_with_anothers_key_is_not_ours(chain: Chain) -> None:
    await chain.tell(3)
    await chain.seal()
    jwk = json.dumps(KEY.public.jwk())
    await chain.sql(
        f"UPDATE limen_audit_keys SET id = '{KEY.kid}', public_jwk = '{jwk}' WHERE {HERE}"
    )
    report = await chain.verify()
    assert [code for code, *_ in codes(report)] == ["key_not_ours", "seal_altered"]
    assert report.kids == ()


@ON_SQLITE
@pytest.mark.parametrize(("later", "found"), [(3, "cut_off"), (6, "chain_torn")])
async def test_n252_a_segment_of_ours_does_not_fit_into_another_past(
    chain: Chain, later: int, found: str
) -> None:
    await chain.tell(3)
    await chain.seal()
    await chain.tell(3)
    await chain.sql(f"CREATE TABLE was AS SELECT * FROM {CHAINS}")
    await chain.seal()
    await chain.sql(
        f"CREATE TABLE seal_kept AS SELECT * FROM {SEALS} WHERE segment = 2",
        f"CREATE TABLE events_kept AS SELECT * FROM {EVENTS} WHERE number > 3",
        # Back to where it was, as from a backup; it goes on otherwise.
        *(f"DELETE FROM {SEALS} WHERE segment = 2", f"DELETE FROM {EVENTS} WHERE number > 3"),
        *(f"DELETE FROM {CHAINS}", f"INSERT INTO {CHAINS} SELECT * FROM was"),
        f"UPDATE {CHAINS} SET lease_until = NULL",
    )
    await chain.tell(later)
    assert await chain.seal(chain.new_sealer()) == later
    assert (await chain.verify()).is_whole
    await chain.sql(
        f"DELETE FROM {EVENTS} WHERE number IN (4, 5, 6)",
        f"INSERT INTO {EVENTS} SELECT * FROM events_kept",
        f"DELETE FROM {SEALS} WHERE segment = 2",
        f"INSERT INTO {SEALS} SELECT * FROM seal_kept",
    )
    report = await chain.verify()
    assert codes(report) == [(found, 1 + later // 3, 0)]
    assert report.events == 3 + later


ENDS = {
    "cut_off": (
        f"DELETE FROM {EVENTS} WHERE {HERE} AND number > 3",
        f"DELETE FROM {SEALS} WHERE {HERE} AND segment > 1",
    ),
    "goes_on_behind_the_end": (
        f"UPDATE {EVENTS} SET number = number + 1000 WHERE {HERE} AND number = 6",
    ),
    "seal_altered": (
        (
            f"UPDATE {SEALS} SET jws = (SELECT jws FROM {SEALS} WHERE {HERE} AND segment = 1)"
            f" WHERE {HERE} AND segment = 2"
        ),
    ),
    "head_altered": (f"UPDATE {CHAINS} SET hash = '' WHERE {HERE}",),
    "key_altered": (f"UPDATE limen_audit_keys SET mac = created_at WHERE {HERE}",),
}


@ON_SQLITE
@pytest.mark.parametrize("reason", sorted(ENDS))
async def test_n252_a_sealer_that_finds_the_end_altered_says_so_and_goes_on(
    chain: Chain, reason: str, logged: list[Any]
) -> None:
    await chain.tell(6)
    await chain.seal()
    await chain.sql(*ENDS[reason])
    await chain.tell(2)
    before = _alarms(reason)
    other = chain.new_sealer()
    await chain.sql(f"UPDATE {CHAINS} SET lease_until = NULL")
    # The event that tells of it is sealed as well.
    assert await chain.seal(other) == 3
    assert _alarms(reason) == before + 1
    (line,) = [each for each in logged if each["event"] == "audit chain broken"]
    assert (line["level"], line["reason"]) == ("error", reason)
    told = await chain.sql(f"SELECT detail FROM {EVENTS} WHERE name = 'tenant:audit:broken'")
    assert json.loads(told[0][0])["reason"] == reason
    report = await chain.verify()
    broken = [each for each in report.findings if each.code == "chain_broken"]
    assert [each.detail for each in broken] == [reason]
    # What came after it is proven.
    await chain.tell(2)
    assert await chain.seal(other) == 2
    assert (await chain.verify()).events == report.events + 2


@ON_SQLITE
async def test_n252_an_end_put_back_whole_is_seen_by_who_sealed_and_in_the_log(
    chain: Chain, logged: list[Any]
) -> None:
    await chain.tell(3)
    await chain.seal()
    columns = "segment, number, hash, mac"
    (earlier,) = await chain.sql(f"SELECT {columns}, hex(mac) FROM {CHAINS} WHERE {HERE}")
    await chain.tell(3)
    await chain.seal()
    await chain.sql(
        *ENDS["cut_off"],
        f"UPDATE {CHAINS} SET segment = {earlier[0]}, number = {earlier[1]},"
        f" hash = '{earlier[2]}', mac = x'{earlier[4]}' WHERE {HERE}",
    )
    report = await chain.verify()
    assert report.is_whole, "nothing in the database can tell"
    lines = [json.dumps(each) for each in logged]
    assert await compare_with_log(chain.works, chain.site, lines, report=report) == 2
    assert codes(report) == [("log_differs", 2, 0)]
    await chain.tell(1)
    await chain.seal()
    assert [each.detail for each in (await chain.verify()).findings] == ["turned_back"]


def _alarms(reason: str) -> float:
    name = f'limen_audit_alarms_total{{reason="{reason}"}}'
    lines = render().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


# -- keys -------------------------------------------------------------------------------------


async def test_seals_outlive_the_key_that_signed_them(chain: Chain) -> None:
    await chain.tell(1)
    await chain.seal()
    first = (await chain.verify()).kids
    await chain.works.run(chain.site, lambda work: keys.rotate_present_key(work, chain.envelope))
    await chain.tell(1)
    await chain.seal()
    chain.clock.advance(keys.PERIOD)
    await chain.tell(1)
    await chain.seal()
    report = await chain.verify()
    assert report.is_whole
    assert len(report.kids) == 3
    assert first[0] in report.kids
    rows = await chain.sql(f"SELECT state, sealed_private FROM limen_audit_keys WHERE {HERE}")
    assert sorted((state, private is None) for state, private in rows) == [
        ("active", False),
        ("retired", True),
        ("retired", True),
    ]


# -- what is kept -----------------------------------------------------------------------------

DAY = dt.timedelta(days=1)


async def test_what_is_left_is_proven_after_old_segments_are_dropped(chain: Chain) -> None:
    retention = Retention(chain.works, chain.envelope, keep=10 * DAY)
    await chain.tell(6)
    await chain.seal()
    chain.clock.advance(9 * DAY)
    await chain.tell(4)
    await chain.seal()
    assert await retention.drop(chain.site) == 0
    chain.clock.advance(1.5 * DAY)
    assert await retention.drop(chain.site) == 0, "overdue, and not by a day"
    chain.clock.advance(DAY / 2 + dt.timedelta(seconds=1))
    assert await retention.drop(chain.site) == 2
    await chain.seal()
    report = await chain.verify()
    assert (report.is_whole, report.first_segment, report.dropped_number) == (True, 3, 6)
    rows = await chain.sql(f"SELECT min(number), count(*) FROM {EVENTS} WHERE {HERE}")
    assert tuple(rows[0]) == (7, 5), "what is left, and the event that tells of the rest"
    assert verify_export(await chain.export()).is_whole
    # However old: the last segment stays, or nothing would say where the chain is.
    chain.clock.advance(365 * DAY)
    await retention.drop(chain.site)
    assert (await chain.verify()).is_whole
    await chain.tell(1)
    await chain.seal()
    assert (await chain.verify()).is_whole


@ON_SQLITE
async def test_n252_what_was_altered_is_not_dropped(chain: Chain, logged: list[Any]) -> None:
    retention = Retention(chain.works, chain.envelope, keep=DAY)
    await chain.tell(9)
    await chain.seal()
    await chain.sql(f"UPDATE {EVENTS} SET actor_id = 'eve' WHERE {HERE} AND number = 5")
    chain.clock.advance(3 * DAY)
    assert await retention.drop(chain.site) == 1
    assert codes(await chain.verify()) == [("event_altered", 2, 5)]
    assert "kept_as_evidence" in [each.get("reason") for each in logged]


@ON_SQLITE
async def test_n252_who_drops_segments_themselves_is_seen(chain: Chain) -> None:
    await chain.tell(9)
    await chain.seal()
    await chain.sql(
        f"DELETE FROM {EVENTS} WHERE {HERE} AND number <= 3",
        f"DELETE FROM {SEALS} WHERE {HERE} AND segment <= 1",
    )
    assert codes(await chain.verify()) == [("segment_missing", 1, 0)]


@ON_SQLITE
async def test_verifying_begins_where_it_is_told_to(chain: Chain) -> None:
    await chain.tell(3)
    await chain.seal()
    later = chain.clock.advance(DAY)
    await chain.tell(3)
    await chain.seal()
    await chain.sql(f"UPDATE {EVENTS} SET actor_id = 'eve' WHERE {HERE} AND number = 1")
    report = await chain.verify(since=later)
    assert (report.is_whole, report.first_segment, report.events) == (True, 2, 3)
    assert (await chain.verify(since=later + DAY)).segments == 0
    assert not (await chain.verify()).is_whole


@ON_SQLITE
async def test_a_person_who_leaves_takes_nothing_out_of_the_chain(house: House) -> None:
    async def site_of(_: str) -> Site:
        return house.site

    sealer = Sealer(house.works, house.envelope, site_of=site_of)
    ada = await house.user("ada.left@example.com")
    assert await sealer.run_once()
    await house.run(lambda work: close_account(work, user_id=ada.id))
    assert await sealer.run_once()
    report = await verify_chain(house.works, house.envelope, house.site)
    assert (report.is_whole, report.unsealed) == (True, 0)
    lines = [line async for line in export_lines(house.works, house.envelope, house.site)]
    assert ada.id in "".join(lines)
    assert "ada.left" not in "".join(lines)


# -- export -----------------------------------------------------------------------------------


async def test_an_export_is_proven_without_the_installation(chain: Chain) -> None:
    await chain.tell(5)
    await chain.seal()
    await chain.tell(1)
    lines = await chain.export()
    report = verify_export(lines)
    assert (report.is_whole, report.events, report.segments) == (True, 5, 2)
    (kid,) = report.kids
    assert verify_export(lines, kids=frozenset({kid})).is_whole
    stranger = verify_export(lines, kids=frozenset({KEY.kid}))
    assert {each.code for each in stranger.findings} == {"key_not_expected"}
    members = json.loads(lines[2])
    assert (members["kind"], members["number"], members["name"]) == ("event", 1, Painted.name)


@ON_SQLITE
async def test_n252_no_line_of_an_export_can_be_changed_added_or_left_out(chain: Chain) -> None:
    await chain.tell(5)
    await chain.seal()
    lines = await chain.export()
    assert verify_export(lines).is_whole
    for number, line in enumerate(lines):
        without = [*lines[:number], *lines[number + 1 :]]
        assert not verify_export(without).is_whole, number
        twice = [*lines[: number + 1], *lines[number:]]
        assert not verify_export(twice).is_whole, number
        assert not verify_export(lines[:number]).is_whole, number
        assert not verify_export([*lines, line]).is_whole, number
        members = json.loads(line)
        for name, value in members.items():
            changed = [*value, "x"] if isinstance(value, list) else f"{value}x"
            altered = json.dumps({**members, name: changed})
            assert not verify_export([*lines[:number], altered, *lines[number + 1 :]]).is_whole
    swapped = [*lines[:2], lines[3], lines[2], *lines[4:]]
    assert verify_export(swapped).findings[0].code in {"event_added", "event_missing"}
    altered = lines[3].replace("no. 1", "no. 7")
    (found,) = verify_export([*lines[:3], altered, *lines[4:]]).findings
    assert (found.code, found.segment, found.number) == ("event_altered", 1, 2)


@settings(max_examples=30)
@given(st.lists(st.text() | st.from_regex(r'\{"kind":"(export|seal|event|end)".{0,20}\}')))
def test_n252_whatever_lines_there_are_none_is_an_export_by_accident(lines: list[str]) -> None:
    assert not verify_export(lines).is_whole


JSON = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())


@settings(max_examples=30)
@given(st.text(), st.dictionaries(st.sampled_from(["segment", "first", "last", "x"]), JSON))
def test_only_seals_are_seals(raw: str, claims: dict[str, Any]) -> None:
    from limen.protocol.jwt import sign  # noqa: PLC0415 -- for this alone

    known = KeySet([KEY.public])
    for each in (raw, sign(claims, KEY, typ=SEAL_TYP)):
        with pytest.raises(JwtRefused):
            verify_seal(each, known)
    with pytest.raises(JwtRefused):
        verify_signed(sign(claims, KEY, typ="JWT"), known, typ=SEAL_TYP)


@settings(max_examples=30)
@given(st.lists(st.text()), JSON)
def test_a_log_may_hold_anything(lines: list[str], segment: Any) -> None:
    told = {"event": "audit sealed", "tenant_id": "t", "segment": segment, "seal": "0" * 64}
    found = list(read_seals([*lines, json.dumps(told)], tenant_id="t"))
    is_number = type(segment) is int and 0 < segment <= MOST
    assert found == ([(segment, "0" * 64)] if is_number else [])


@settings(max_examples=30)
@given(st.text(), JSON)
def test_a_key_goes_by_its_thumbprint_alone(kid: str, other: Any) -> None:
    jwk = KEY.public.jwk()
    assume(other not in (jwk["x"], jwk["kty"]))
    assert keys.import_by_thumbprint(jwk).kid == KEY.kid
    for altered in ({"kid": kid}, {"kid": other}, {"x": other}, {"kty": other}):
        with pytest.raises(InvalidKey):
            keys.import_by_thumbprint({**jwk, **altered})
