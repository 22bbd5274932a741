from __future__ import annotations

import asyncio
import dataclasses

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.crypto import store
from limen.crypto.check_seal import check_seal
from limen.crypto.envelope import Envelope, Place, SealBroken
from limen.crypto.kms import WrappingKeys
from limen.crypto.rewrap import rewrap
from limen.crypto.tables import sealing_keys
from limen.db.work import Work, Works
from limen.kernel.errors import ConfigurationError, Conflict
from limen.kernel.site import ALL_TENANTS, Site
from tests.unit.crypto.kit import OTHER_SITE, fresh, with_keys, wrapping_key

pytestmark = pytest.mark.anyio

PLACE = Place("connection", "c1", "access_token", 3)
_RAW_KEYS = sa.select(sealing_keys.c.wrapped, sealing_keys.c.id)


async def seal(works: Works, site: Site, envelope: Envelope, plain: bytes = b"plain") -> bytes:
    async def body(work: Work) -> bytes:
        return await envelope.seal(work, PLACE, plain)

    return await works.run(site, body)


async def open_(
    works: Works, site: Site, envelope: Envelope, sealed: bytes, place: Place = PLACE
) -> bytes:
    async def body(work: Work) -> bytes:
        return (await envelope.open(work, place, sealed)).reveal()

    return await works.run(site, body)


async def test_what_is_sealed_opens_here_and_in_another_process(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    sealed = await seal(works, site, crypto.envelope)
    assert b"plain" not in sealed
    assert await open_(works, site, crypto.envelope, sealed) == b"plain"
    assert await open_(works, site, fresh().envelope, sealed) == b"plain"
    assert await seal(works, site, crypto.envelope) != sealed


@pytest.mark.parametrize(
    "change",
    [{"record": "grant"}, {"id": "c2"}, {"field": "refresh_token"}, {"generation": 2}],
    ids=str,
)
async def test_n243_a_value_moved_to_another_place_does_not_open(
    works: Works, site: Site, change: dict[str, object]
) -> None:
    crypto = await with_keys(works, site)
    sealed = await seal(works, site, crypto.envelope)
    moved = dataclasses.replace(PLACE, **change)  # type: ignore[arg-type]  # by parametrisation
    with pytest.raises(SealBroken):
        await open_(works, site, crypto.envelope, sealed, moved)


async def test_n243_a_value_of_another_tenant_does_not_open(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    other = await with_keys(works, OTHER_SITE)
    sealed = await seal(works, site, crypto.envelope)
    with pytest.raises(SealBroken):
        await open_(works, OTHER_SITE, other.envelope, sealed)


async def test_n243_a_data_key_moved_to_another_tenant_does_not_unwrap(
    works: Works, site: Site
) -> None:
    crypto = await with_keys(works, site)
    sealed = await seal(works, site, crypto.envelope)

    async def steal(work: Work) -> store.WrappedKey:
        found = await store.find_active(work, "")
        assert found
        return found

    async def plant(work: Work) -> None:
        await store.add_key(work, dataclasses.replace(stolen, tenant_id=work.tenant_id))

    stolen = await works.run(site, steal)
    await works.run(OTHER_SITE, plant)
    with pytest.raises(SealBroken, match="wrapped by a key that is not at hand"):
        await open_(works, OTHER_SITE, fresh().envelope, sealed)


async def test_every_changed_byte_is_noticed(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    sealed = await seal(works, site, crypto.envelope, b"x")
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(SealBroken):
            await open_(works, site, crypto.envelope, bytes(changed))
    for cut in (b"", sealed[:9], sealed[:-1], sealed + b"\0"):
        with pytest.raises(SealBroken):
            await open_(works, site, crypto.envelope, cut)


def test_no_two_places_are_bound_alike() -> None:
    pairs = [
        (Place("ab", "c", "f"), Place("a", "bc", "f")),
        (Place("a", "b", "f", 1), Place("a", "b", "f1")),
    ]
    for one, two in pairs:
        assert one.bound_to("t") != two.bound_to("t")
    assert Place("a", "b", "f").bound_to("t") != Place("ta", "b", "f").bound_to("")


PARTS = st.tuples(*[st.text("ab\0", max_size=3)] * 4)


@settings(deadline=None)  # a busy machine is no failure
@given(PARTS, PARTS)
def test_binding_is_injective(one: tuple[str, ...], two: tuple[str, ...]) -> None:
    first, second = (Place(parts[0], parts[1], parts[2]) for parts in (one, two))
    assert (first.bound_to(one[3]) == second.bound_to(two[3])) == (one == two)


async def test_a_derived_key_is_stable_and_of_one_tenant_and_purpose(
    works: Works, site: Site
) -> None:
    crypto = await with_keys(works, site)
    other = await with_keys(works, OTHER_SITE)

    async def derive(envelope: Envelope, at: Site, purpose: str) -> bytes:
        async def body(work: Work) -> bytes:
            return (await envelope.derive(work, purpose)).reveal()

        return await works.run(at, body)

    one = await derive(crypto.envelope, site, "a")
    assert len(one) == 32
    assert one == await derive(fresh().envelope, site, "a")
    assert one != await derive(crypto.envelope, site, "b")
    assert one != await derive(other.envelope, OTHER_SITE, "a")


async def test_creating_keys_again_changes_nothing(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    sealed = await seal(works, site, crypto.envelope)
    await with_keys(works, site)
    assert await open_(works, site, fresh().envelope, sealed) == b"plain"


async def test_of_twenty_creators_one_makes_the_data_key(works: Works, site: Site) -> None:
    nodes = [fresh().envelope for _ in range(20)]

    async def start(envelope: Envelope) -> bytes:
        await works.run(site, envelope.create_keys)
        return await seal(works, site, envelope)

    everyones = await asyncio.gather(*[start(envelope) for envelope in nodes])
    assert len({sealed[1:9] for sealed in everyones}) == 1
    for sealed in everyones:
        assert await open_(works, site, nodes[0], sealed) == b"plain"


async def test_a_shredded_key_opens_nothing_and_the_tenants_stays(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    own = dataclasses.replace(PLACE, key="grant g1")

    async def connect(work: Work) -> bytes:
        await crypto.envelope.create_key(work, name="grant g1")
        return await crypto.envelope.seal(work, own, b"theirs")

    async def erase(work: Work) -> None:
        await crypto.envelope.shred(work, name="grant g1")

    theirs = await works.run(site, connect)
    ours = await seal(works, site, crypto.envelope)
    assert await open_(works, site, fresh().envelope, theirs, own) == b"theirs"
    await works.run(site, erase)
    with pytest.raises(SealBroken):
        await open_(works, site, fresh().envelope, theirs, own)
    assert await open_(works, site, fresh().envelope, ours) == b"plain"

    async def erase_all(work: Work) -> None:
        await crypto.envelope.shred(work, name="")

    with pytest.raises(ValueError, match="not shredded"):
        await works.run(site, erase_all)


async def test_a_key_of_a_rolled_back_work_is_not_remembered(works: Works, site: Site) -> None:
    crypto = fresh()

    async def refused(work: Work) -> None:
        await crypto.envelope.create_keys(work)
        await crypto.envelope.seal(work, PLACE, b"x")
        await crypto.envelope.derive(work, "a")
        raise Conflict

    with pytest.raises(Conflict):
        await works.run(site, refused)
    with pytest.raises(SealBroken):
        await seal(works, site, crypto.envelope)
    await with_keys(works, site)
    sealed = await seal(works, site, crypto.envelope)
    assert await open_(works, site, fresh().envelope, sealed) == b"plain"


async def test_n277_the_database_holds_no_data_key_in_clear(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)

    async def body(work: Work) -> list[bytes]:
        derived = await crypto.envelope.derive(work, "a")
        rows = (await work.execute(_RAW_KEYS)).all()
        return [row.wrapped for row in rows] + [derived.reveal()]

    *wrapped, derived = await works.run(site, body)
    assert len(wrapped) == 2
    assert all(len(each) == 12 + 32 + 16 for each in wrapped)
    assert all(derived not in each for each in wrapped)


async def test_n278_the_right_key_starts_again_and_again(works: Works, site: Site) -> None:
    keys = WrappingKeys(wrapping_key(1))
    await check_seal(works, keys)
    await with_keys(works, site)
    await check_seal(works, keys)
    await check_seal(works, WrappingKeys(wrapping_key(1)))


async def test_n278_a_wrong_key_does_not_start(works: Works, site: Site) -> None:
    await check_seal(works, WrappingKeys(wrapping_key(1)))
    await with_keys(works, site)
    with pytest.raises(ConfigurationError, match="not the one this database was sealed with"):
        await check_seal(works, WrappingKeys(wrapping_key(2)))
    with pytest.raises(SealBroken):
        await seal(works, site, fresh(WrappingKeys(wrapping_key(2))).envelope)


async def test_n278_a_damaged_canary_does_not_start(works: Works, site: Site) -> None:
    async def damage(work: Work) -> None:
        await store.add_canary(work, wrapping_key(1).id, b"damaged")

    await works.run(ALL_TENANTS, damage)
    with pytest.raises(ConfigurationError, match="canary"):
        await check_seal(works, WrappingKeys(wrapping_key(1)))


async def test_n278_rewrap_is_resumable_and_needs_the_old_key_until_done(
    works: Works, site: Site
) -> None:
    crypto = await with_keys(works, site)
    await with_keys(works, OTHER_SITE)
    sealed = await seal(works, site, crypto.envelope)
    both = WrappingKeys(wrapping_key(2), [wrapping_key(1)])

    async def half(work: Work) -> None:
        (old, *_) = await store.wrapped_by_others(work, current=both.current.id, batch=1)
        raw = await both.get(old.wrapped_by).unwrap(old.wrapped, context=old.context)
        anew = await both.current.wrap(raw, context=old.context)
        await store.rewrap_key(work, old, wrapped=anew, by=both.current.id)

    await works.run(ALL_TENANTS, half)  # broken off here
    await check_seal(works, both)
    for alone in (wrapping_key(1), wrapping_key(2)):
        with pytest.raises(ConfigurationError):
            await check_seal(works, WrappingKeys(alone))
    assert await open_(works, site, fresh(both).envelope, sealed) == b"plain"

    told: list[int] = []
    assert await rewrap(works, both, progress=told.append) == 3
    assert told == [3]
    assert await rewrap(works, both) == 0
    only = WrappingKeys(wrapping_key(2))
    await check_seal(works, only)
    assert await open_(works, site, fresh(only).envelope, sealed) == b"plain"
    with pytest.raises(ConfigurationError):
        await check_seal(works, WrappingKeys(wrapping_key(1)))


async def test_the_cache_is_bounded(works: Works, site: Site) -> None:
    await with_keys(works, site)
    envelope = Envelope(WrappingKeys(wrapping_key()), most_cached=2)

    async def body(work: Work) -> None:
        for number in range(5):
            await envelope.derive(work, f"purpose {number}")

    await works.run(site, body)
    assert len(envelope._derived) == 2
