from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from limen.crypto.events import SigningKeyRemoved, SigningKeyRotated
from limen.crypto.keyring import Keyring
from limen.crypto.rotate_keys import RotationPolicy, maintain_keys, rotate_keys
from limen.crypto.tables import signing_keys
from limen.db.work import Work, Works
from limen.kernel.errors import Conflict
from limen.kernel.events import Event
from limen.kernel.site import Site
from limen.protocol.jwk import SigningKey
from limen.protocol.jwt import sign, verify
from limen.testing.clock import FrozenClock
from tests.unit.crypto.kit import OTHER_SITE, fresh, with_keys
from tests.unit.protocol.jose_kit import claims, expected

pytestmark = pytest.mark.anyio

_STATES = sa.select(signing_keys.c.alg, signing_keys.c.state, signing_keys.c.sealed_private).where(
    signing_keys.c.tenant_id == sa.bindparam("tenant_id")
)


async def states(works: Works, site: Site) -> list[tuple[str, str]]:
    async def body(work: Work) -> list[tuple[str, str]]:
        return sorted((row.alg, row.state) for row in (await work.execute(_STATES)).all())

    return await works.run(site, body)


async def active(works: Works, site: Site, keyring: Keyring, alg: str = "ES256") -> SigningKey:
    async def body(work: Work) -> SigningKey:
        return await keyring.active(work, alg)

    return await works.run(site, body)


async def published(works: Works, site: Site, keyring: Keyring) -> list[str]:
    async def body(work: Work) -> list[str]:
        return [key["kid"] for key in (await keyring.jwks(work))["keys"]]

    return await works.run(site, body)


async def rotate(works: Works, site: Site, keyring: Keyring, **options: Any) -> bool:
    async def body(work: Work) -> bool:
        return await rotate_keys(work, keyring=keyring, alg="ES256", **options)

    return await works.run(site, body)


def listen(works: Works) -> list[Event]:
    heard: list[Event] = []

    async def hear(_work: Work, event: Event) -> None:
        heard.append(event)

    works.recorders = [hear]
    return heard


async def test_a_new_tenant_has_active_and_next_keys_of_its_own(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    await with_keys(works, OTHER_SITE)
    assert await states(works, site) == [
        ("ES256", "active"), ("ES256", "next"), ("RS256", "active"), ("RS256", "next"),
    ]  # fmt: skip
    one = await active(works, site, crypto.keyring)
    two = await active(works, OTHER_SITE, crypto.keyring)
    assert one.kid != two.kid
    assert two.kid not in await published(works, site, crypto.keyring)


async def test_every_node_signs_with_the_same_key(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    here = await active(works, site, crypto.keyring)
    there = await active(works, site, fresh().keyring)
    assert here.kid == there.kid
    raw = sign(claims(), there, typ="at+jwt")

    async def body(work: Work) -> dict[str, Any]:
        keys = await crypto.keyring.verification_keys(work)
        now = dt.datetime(2026, 11, 21, 12, tzinfo=dt.timezone.utc)
        return verify(raw, keys, expected=expected(), now=now)

    assert (await works.run(site, body))["sub"] == "ada"


async def test_after_the_first_time_no_statement_is_run(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    await active(works, site, crypto.keyring)

    async def body(work: Work) -> object:
        await crypto.keyring.active(work, "ES256")
        await crypto.keyring.active(work, "RS256")
        await crypto.keyring.jwks(work)
        await crypto.keyring.verification_keys(work)
        return work._connection

    assert await works.run(site, body) is None


async def test_the_published_set_shows_no_private_member(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    await active(works, site, crypto.keyring, "EdDSA")

    async def body(work: Work) -> dict[str, Any]:
        return await crypto.keyring.jwks(work)

    keys = (await works.run(site, body))["keys"]
    assert len(keys) == 6
    for key in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
async def test_ed25519_is_made_on_request_under_both_names(
    works: Works, site: Site, alg: str
) -> None:
    crypto = await with_keys(works, site)
    made = await active(works, site, crypto.keyring, alg)
    assert made.alg == "EdDSA"
    assert (await active(works, site, crypto.keyring, "EdDSA")).kid == made.kid


async def test_an_administrator_sees_every_key_and_its_state(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    await active(works, site, crypto.keyring, "EdDSA")
    await rotate(works, site, crypto.keyring)
    listed = await works.run(site, crypto.keyring.list_keys)
    assert sorted((key.alg, key.state) for key in listed) == await states(works, site)
    assert {key.kid for key in listed} == set(await published(works, site, crypto.keyring))
    assert all((key.activated_at is None) == (key.state == "next") for key in listed)


async def test_rotation_signs_with_what_was_published_before(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    before = await published(works, site, crypto.keyring)
    old = await active(works, site, crypto.keyring)
    heard = listen(works)
    assert await rotate(works, site, crypto.keyring)
    new = await active(works, site, crypto.keyring)
    assert new.kid != old.kid
    assert new.kid in before
    after = await published(works, site, crypto.keyring)
    assert {old.kid, new.kid} <= set(after)
    assert len(after) == len(before) + 1
    assert heard == [SigningKeyRotated(alg="ES256", kid=new.kid, retired_kid=old.kid)]


async def test_a_retired_private_half_is_erased(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    await rotate(works, site, crypto.keyring)

    async def body(work: Work) -> list[bytes]:
        rows = (await work.execute(_STATES)).all()
        return [row.sealed_private for row in rows if row.state == "retiring"]

    assert await works.run(site, body) == [None]


async def test_n257_another_node_follows_by_polling(works: Works, site: Site) -> None:
    crypto, node = await with_keys(works, site), fresh()
    await active(works, site, node.keyring)
    await rotate(works, site, crypto.keyring)
    new = await active(works, site, crypto.keyring)
    assert (await active(works, site, node.keyring)).kid != new.kid
    await node.keyring.refresh(works)
    assert (await active(works, site, node.keyring)).kid == new.kid
    held = node.keyring._rings.get(site.tenant_id)
    await node.keyring.refresh(works)
    assert node.keyring._rings.get(site.tenant_id) is held


async def test_n083_an_unknown_kid_reads_once_a_minute(works: Works, site: Site) -> None:
    crypto, node = await with_keys(works, site), fresh()
    await active(works, site, node.keyring)

    async def knows(kid: str) -> bool:
        async def body(work: Work) -> bool:
            asked = kid in await node.keyring.verification_keys(work, kid)
            statements.append(work._connection is not None)
            return asked

        return await works.run(site, body)

    statements: list[bool] = []
    await rotate(works, site, crypto.keyring)
    await rotate(works, site, crypto.keyring)
    new = await active(works, site, crypto.keyring)
    assert await knows(new.kid)
    for number in range(50):
        assert not await knows(f"invented{number}")
    assert statements == [True] + [False] * 50


async def test_n257_twenty_rotations_at_once_make_one_key(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    old = await active(works, site, crypto.keyring)
    nodes = [fresh().keyring for _ in range(20)]
    won = await asyncio.gather(*[rotate(works, site, node, away_from=old.kid) for node in nodes])
    assert sum(won) == 1
    assert not await rotate(works, site, fresh().keyring, away_from=old.kid)
    assert (await states(works, site)).count(("ES256", "retiring")) == 1
    assert len(await published(works, site, fresh().keyring)) == 5
    assert len({(await active(works, site, fresh().keyring)).kid for _ in range(3)}) == 1


async def test_n257_twenty_first_requests_for_ed25519_make_one_key(
    works: Works, site: Site
) -> None:
    await with_keys(works, site)
    found = await asyncio.gather(
        *[active(works, site, fresh().keyring, "EdDSA") for _ in range(20)]
    )
    assert len({key.kid for key in found}) == 1


async def test_a_rolled_back_rotation_changes_nothing_here(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    old = await active(works, site, crypto.keyring)

    async def body(work: Work) -> None:
        await rotate_keys(work, keyring=crypto.keyring, alg="ES256")
        await crypto.keyring.active(work, "EdDSA")
        raise Conflict

    with pytest.raises(Conflict):
        await works.run(site, body)
    assert (await active(works, site, crypto.keyring)).kid == old.kid
    made = await active(works, site, crypto.keyring, "EdDSA")
    assert made.kid == (await active(works, site, fresh().keyring, "EdDSA")).kid


async def test_upkeep_rotates_when_due_and_withdraws_when_tokens_are_dead(
    works: Works, site: Site, clock: FrozenClock
) -> None:
    crypto = await with_keys(works, site)
    policy = RotationPolicy(period=dt.timedelta(days=90), published_for=dt.timedelta(hours=2))
    heard = listen(works)

    async def upkeep() -> None:
        async def body(work: Work) -> None:
            await maintain_keys(work, keyring=crypto.keyring, policy=policy)

        await works.run(site, body)

    old = await active(works, site, crypto.keyring)
    clock.advance(dt.timedelta(days=89))
    await upkeep()
    assert heard == []
    clock.advance(dt.timedelta(days=1))
    await upkeep()
    await upkeep()
    assert [type(event) for event in heard] == [SigningKeyRotated] * 2  # ES256, RS256
    clock.advance(dt.timedelta(minutes=119))
    await upkeep()
    assert old.kid in await published(works, site, crypto.keyring)
    clock.advance(dt.timedelta(minutes=1))
    await upkeep()
    assert [type(event) for event in heard[2:]] == [SigningKeyRemoved] * 2
    assert old.kid not in await published(works, site, crypto.keyring)


async def test_rotation_without_a_next_key_makes_one(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    drop = sa.delete(signing_keys).where(
        signing_keys.c.tenant_id == sa.bindparam("tenant_id"), signing_keys.c.state == "next"
    )

    async def body(work: Work) -> None:
        await work.execute(drop)

    old = await active(works, site, crypto.keyring)
    await works.run(site, body)
    assert await rotate(works, site, crypto.keyring)
    assert (await active(works, site, crypto.keyring)).kid != old.kid
    assert ("ES256", "next") in await states(works, site)
