from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from typing import Any

import pytest

from limen.db.work import Work, Works
from limen.kernel.errors import Conflict, InvalidInput, NotFound, OAuthRefusal, Refusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.kernel.tokens import mint
from limen.sessions.end_everything import end_everything
from limen.tenants.policies.api_keys import ApiKeyPolicy
from limen.tenants.policy import TenantPolicy
from limen.tenants.store import ensure_tenant_row
from limen.tenants.tenant import Tenant, api_audience
from limen.tokens import principals
from limen.tokens.api_keys.create import create_key
from limen.tokens.api_keys.find import USE, get_key, list_keys
from limen.tokens.api_keys.last_used import note_key_uses
from limen.tokens.api_keys.limit import limit_keys, resume_keys, suspend_keys
from limen.tokens.api_keys.model import PEOPLES_KEYS, MadeKey, NewKey
from limen.tokens.api_keys.revoke import revoke_key
from limen.tokens.api_keys.rotate import rotate_key
from limen.tokens.look_up import look_up_access
from limen.tokens.revoke_token import revoke_token
from limen.tokens.sweep import sweep
from tests.unit.crypto.kit import OTHER_SITE
from tests.unit.tokens.kit import API, Tokens

pytestmark = pytest.mark.anyio

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
CALLERS = 20


def tenant(site: Site, *scopes: str) -> Tenant:
    """The tenant of a site, where people's keys may have these scopes."""
    return Tenant(
        tenant_id=site.tenant_id,
        slug=site.slug,
        issuer=site.issuer,
        path=site.path,
        name="",
        host=None,
        policy=TenantPolicy(api_keys=ApiKeyPolicy(scopes=scopes)),
        version=1,
        state="active",
    )


@pytest.fixture
async def keys(tokens: Tokens) -> Tokens:
    await tokens.run(ensure_tenant_row)
    tokens.site = tenant(tokens.site, "read", "write")
    return tokens


async def make(tokens: Tokens, owner: str = "ada", **changes: Any) -> MadeKey:
    wanted: dict[str, Any] = {
        "principal_id": owner,
        "name": "laptop",
        "scope": ("read",),
        "audience": API,
        "ttl": 30 * DAY,
        **changes,
    }
    return await tokens.run(lambda work: create_key(work, new=NewKey(**wanted)))


async def rotate(tokens: Tokens, made: MadeKey, **how: Any) -> MadeKey:
    return await tokens.run(lambda work: rotate_key(work, key_id=made.key.id, **how))


async def not_found(tokens: Tokens, made: MadeKey, *, principal_id: str) -> bool:
    """Say whether no verb finds a key."""

    async def body(work: Work) -> None:
        for verb in (revoke_key, rotate_key, get_key):
            with pytest.raises(NotFound):
                await verb(work, key_id=made.key.id, principal_id=principal_id)

    await tokens.run(body)
    return True


async def is_good(tokens: Tokens, raw: Secret[str]) -> bool:
    return (
        await tokens.run(lambda work: look_up_access(work, keyring=tokens.keyring, raw=raw))
        is not None
    )


@pytest.mark.parametrize(
    ("owner", "client_id", "user_id"), [("ada", PEOPLES_KEYS, "ada"), ("app", "app", None)]
)
async def test_a_key_stands_for_its_owner(
    keys: Tokens, owner: str, client_id: str, user_id: str | None
) -> None:
    made = await make(keys, owner)
    found = await keys.look_up(made.raw_key)
    assert found is not None
    assert (found.kind, found.client_id, found.user_id) == ("access", client_id, user_id)
    assert (found.subject, found.scope, found.audience) == (owner, ("read",), API)
    assert (found.key_id, found.jti, found.grant_id) == (made.key.id, made.key.id, None)
    assert found.expires_at == keys.clock.now() + 30 * DAY
    assert (found.auth_time, found.bound_to) == (None, "")


async def test_one_statement_asks_everything(keys: Tokens) -> None:
    made = await make(keys)
    asked: list[object] = []

    async def body(work: Work) -> None:
        execute = work.execute

        async def counted(statement: Any, **params: Any) -> Any:
            asked.append(statement)
            return await execute(statement, **params)

        work.execute = counted  # type: ignore[method-assign]  # counts this Work's statements
        assert await look_up_access(work, keyring=keys.keyring, raw=made.raw_key)

    await keys.run(body)
    assert len(asked) == 1


async def test_what_is_no_key_of_this_tenant_is_nothing(works: Works, keys: Tokens) -> None:
    made = await make(keys)
    raw = made.raw_key.reveal()
    for wrong in (
        raw[:-1],
        raw + "A",
        raw + "\n",
        raw.upper(),
        raw.replace("lmk_", "lma_"),
        raw.replace(keys.site.tenant_id, OTHER_SITE.tenant_id),
        mint("lmk", keys.site.tenant_id).reveal(),
        made.key.id,
        "lmk_",
        "",
    ):
        assert not await is_good(keys, Secret(wrong)), wrong

    async def elsewhere(work: Work) -> bool:
        return await look_up_access(work, keyring=keys.keyring, raw=made.raw_key) is not None

    assert not await works.run(OTHER_SITE, elsewhere)
    assert await is_good(keys, made.raw_key)


async def test_a_key_ends_at_its_time_and_not_before(keys: Tokens) -> None:
    made = await make(keys, ttl=HOUR)
    keys.clock.advance(HOUR - dt.timedelta(milliseconds=1))
    assert await is_good(keys, made.raw_key)
    keys.clock.advance(dt.timedelta(milliseconds=1))
    assert not await is_good(keys, made.raw_key)
    with pytest.raises(NotFound):
        await rotate(keys, made)


@pytest.mark.parametrize("owner", ["ada", "app"])
async def test_n048_a_key_ends_with_its_owner_and_stays_dead(keys: Tokens, owner: str) -> None:
    made = await make(keys, owner)
    keys.clock.advance(HOUR)
    await keys.set_enabled(owner, enabled=False)
    assert not await is_good(keys, made.raw_key)
    with pytest.raises(NotFound):
        await make(keys, owner)
    await keys.set_enabled(owner, enabled=True)
    assert not await is_good(keys, made.raw_key)
    assert await is_good(keys, (await make(keys, owner)).raw_key)


async def test_n048_a_key_made_at_the_moment_of_the_disabling_is_dead(keys: Tokens) -> None:
    made = await make(keys)
    await keys.set_enabled("ada", enabled=False)
    assert not await is_good(keys, made.raw_key)


async def test_n048_a_key_ends_when_its_owner_ends_by_itself(keys: Tokens) -> None:
    made = await make(keys, "app")
    ends = keys.clock.now() + 5 * MINUTE

    async def body(work: Work) -> None:
        await principals.set_expiry(work, principal_id="app", at=ends)

    await keys.run(body)
    found = await keys.look_up(made.raw_key)
    assert found is not None
    assert found.expires_at == ends
    own = await keys.own()
    assert await keys.is_active(own.raw)
    keys.clock.advance(5 * MINUTE)
    assert not await is_good(keys, made.raw_key)
    assert not await is_good(keys, own.raw)


async def test_n048_signing_out_everywhere_ends_keys_also_ones_being_made(keys: Tokens) -> None:
    made, other = await make(keys), await make(keys, "bob")
    keys.clock.advance(HOUR)
    await keys.run(lambda work: end_everything(work, user_id="ada", reason="password_reset"))
    assert not await is_good(keys, made.raw_key)
    assert await is_good(keys, other.raw_key)
    assert await keys.run(lambda work: list_keys(work, after="", limit=9, principal_id="ada")) == []


async def test_rotation_replaces_what_is_shown_and_keeps_what_it_is(keys: Tokens) -> None:
    made = await make(keys)
    keys.clock.advance(10 * DAY)
    again = await rotate(keys, made)
    assert not await is_good(keys, made.raw_key)
    found = await keys.look_up(again.raw_key)
    assert found is not None
    assert (found.key_id, found.scope, found.audience) == (made.key.id, ("read",), API)
    assert found.expires_at == keys.clock.now() + 30 * DAY


async def test_the_old_key_goes_on_for_the_overlap_and_its_own_time_at_most(keys: Tokens) -> None:
    made = await make(keys, ttl=5 * HOUR)
    again = await rotate(keys, made, overlap=2 * HOUR)
    assert again.key.previous_until == keys.clock.now() + 2 * HOUR
    old = await keys.look_up(made.raw_key)
    assert old is not None
    assert old.expires_at == keys.clock.now() + 2 * HOUR
    keys.clock.advance(2 * HOUR)
    assert not await is_good(keys, made.raw_key)
    assert await is_good(keys, again.raw_key)
    late = await rotate(keys, again, overlap=72 * HOUR)
    assert late.key.previous_until == again.key.expires_at


async def test_a_third_key_ends_the_first(keys: Tokens) -> None:
    first = await make(keys)
    second = await rotate(keys, first, overlap=HOUR)
    third = await rotate(keys, second, overlap=HOUR)
    good = [await is_good(keys, each.raw_key) for each in (first, second, third)]
    assert good == [False, True, True]


async def test_revoking_ends_the_old_and_the_new(keys: Tokens) -> None:
    made = await make(keys)
    again = await rotate(keys, made, overlap=HOUR)
    await keys.run(lambda work: revoke_key(work, key_id=made.key.id))
    assert not await is_good(keys, made.raw_key)
    assert not await is_good(keys, again.raw_key)
    assert await not_found(keys, made, principal_id="")


async def test_n200_another_s_key_is_not_found(keys: Tokens) -> None:
    made = await make(keys)
    assert await not_found(keys, made, principal_id="bob")
    assert await is_good(keys, made.raw_key)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "name_invalid"),
        ({"name": " "}, "name_invalid"),
        ({"name": "a" * 101}, "name_invalid"),
        ({"name": "a\nb"}, "name_invalid"),
        ({"ttl": dt.timedelta()}, "lifetime_invalid"),
        ({"ttl": 365 * DAY + HOUR}, "lifetime_invalid"),
        ({"owner": "nobody"}, "owner_not_found"),
    ],
)
async def test_what_no_key_may_be(keys: Tokens, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        await make(keys, **changes)
    assert refused.value.code == code


async def test_an_overlap_has_bounds(keys: Tokens) -> None:
    made = await make(keys)
    for overlap in (-HOUR, 73 * HOUR):
        with pytest.raises(InvalidInput) as refused:
            await rotate(keys, made, overlap=overlap)
        assert refused.value.code == "overlap_invalid"


async def test_keys_are_counted(keys: Tokens) -> None:
    first = await make(keys)
    for _ in range(49):
        await make(keys)
    with pytest.raises(Conflict) as refused:
        await make(keys)
    assert refused.value.code == "too_many_api_keys"
    await keys.run(lambda work: revoke_key(work, key_id=first.key.id))
    await make(keys)
    await make(keys, "bob")


async def test_a_service_account_revokes_its_own_key_and_no_other(keys: Tokens) -> None:
    own, persons = await make(keys, "app"), await make(keys)

    async def revoke(raw: Secret[str]) -> None:
        async def body(work: Work) -> None:
            await revoke_token(
                work, keyring=keys.keyring, envelope=keys.envelope, raw=raw, client_id="app"
            )

        await keys.run(body)

    await revoke(own.raw_key)
    assert not await is_good(keys, own.raw_key)
    await revoke(own.raw_key)
    with pytest.raises(OAuthRefusal):
        await revoke(persons.raw_key)
    assert await is_good(keys, persons.raw_key)


async def test_the_last_use_is_written_down_later_and_never_back(keys: Tokens) -> None:
    made = await make(keys)
    started = keys.clock.now()
    keys.clock.advance(HOUR)
    assert await is_good(keys, made.raw_key)

    async def last_used() -> dt.datetime | None:
        return (await keys.run(lambda work: get_key(work, key_id=made.key.id))).last_used_at

    assert await last_used() is None
    taken = keys.works.last_uses.take(USE)
    assert taken == {keys.site.tenant_id: {made.key.id: keys.clock.now()}}
    await keys.run(lambda work: note_key_uses(work, uses=taken[keys.site.tenant_id]))
    assert await last_used() == keys.clock.now()
    await keys.run(lambda work: note_key_uses(work, uses={made.key.id: started}))
    assert await last_used() == keys.clock.now()
    assert keys.works.last_uses.take(USE) == {}


async def test_what_is_refused_is_no_use(keys: Tokens) -> None:
    made = await make(keys)
    await keys.set_enabled("ada", enabled=False)
    assert not await is_good(keys, made.raw_key)
    assert keys.works.last_uses.take(USE) == {}


async def test_keys_that_ended_long_ago_are_swept(keys: Tokens) -> None:
    made, young = await make(keys, ttl=HOUR), await make(keys, ttl=100 * DAY)
    keys.clock.advance(30 * DAY)
    before = await sweep(keys.works)
    keys.clock.advance(HOUR)
    assert (before, await sweep(keys.works)) == (0, 1)
    assert not await is_good(keys, made.raw_key)
    assert await is_good(keys, young.raw_key)


async def test_twenty_rotations_at_once_make_one_key(keys: Tokens) -> None:
    made = await make(keys)

    async def attempt(_: int) -> Secret[str] | None:
        try:
            return (await rotate(keys, made)).raw_key
        except Conflict:
            return None

    told = [raw for raw in await asyncio.gather(*map(attempt, range(CALLERS))) if raw]
    good = [await is_good(keys, raw) for raw in told]
    assert Counter(good)[True] == 1
    assert not await is_good(keys, made.raw_key)


async def test_a_rotation_never_survives_a_revocation(keys: Tokens) -> None:
    made = await make(keys)

    async def attempt(number: int) -> Secret[str] | None:
        try:
            if number % 2:
                await keys.run(lambda work: revoke_key(work, key_id=made.key.id))
                return None
            return (await rotate(keys, made)).raw_key
        except (Conflict, NotFound):
            return None

    told = await asyncio.gather(*map(attempt, range(CALLERS)))
    for raw in (made.raw_key, *(each for each in told if each)):
        assert not await is_good(keys, raw)


async def test_what_happens_is_recorded_without_the_key(keys: Tokens, site: Site) -> None:
    heard = keys.listen()
    made = await make(keys)
    again = await rotate(keys, made)
    await keys.run(lambda work: revoke_key(work, key_id=made.key.id))
    assert keys.names() == ["ApiKeyCreated", "ApiKeyRotated", "ApiKeyRevoked"]
    for raw in (made.raw_key, again.raw_key):
        assert raw.reveal() not in repr(heard)


async def test_n049_a_scope_that_is_lost_is_taken_from_keys(keys: Tokens) -> None:
    both, one = await make(keys, "app", scope=("read", "write")), await make(keys, "app")
    hers = await make(keys, scope=("read", "write"))
    await keys.run(lambda work: limit_keys(work, scope=("write",), principal_id="app"))
    found = await keys.look_up(both.raw_key)
    assert found is not None
    assert found.scope == ("write",)
    assert not await is_good(keys, one.raw_key)
    found = await keys.look_up(hers.raw_key)
    assert found is not None
    assert found.scope == ("read", "write")


async def test_n049_what_an_api_takes_no_more_is_taken_from_keys(keys: Tokens) -> None:
    here, there = await make(keys), await make(keys, audience="https://other.example")
    await keys.run(lambda work: limit_keys(work, scope=("read", "write"), audience=API))
    assert await is_good(keys, here.raw_key)
    await keys.run(lambda work: limit_keys(work, scope=(), audience=API))
    assert not await is_good(keys, here.raw_key)
    assert await is_good(keys, there.raw_key)


async def test_n049_a_disabled_api_is_opened_by_no_key_until_it_is_enabled(keys: Tokens) -> None:
    made, other = await make(keys), await make(keys, audience=f"{API}/other")
    await keys.run(lambda work: suspend_keys(work, audience=API))
    assert not await is_good(keys, made.raw_key)
    assert await is_good(keys, other.raw_key)
    rotated = await rotate(keys, made)
    assert not await is_good(keys, rotated.raw_key)
    await keys.run(lambda work: resume_keys(work, audience=API))
    assert await is_good(keys, rotated.raw_key)


async def test_n049_a_persons_key_does_what_people_may_let_their_keys_do_by_now(
    keys: Tokens,
) -> None:
    made = await make(keys, scope=("read", "write"))
    own = await make(keys, scope=("self",), audience=api_audience(keys.site))
    machine = await make(keys, "app", scope=("write",))
    keys.site = tenant(keys.site, "read")
    found = await keys.run(
        lambda work: look_up_access(work, keyring=keys.keyring, raw=made.raw_key)
    )
    assert found is not None
    assert found.scope == ("read",)
    keys.site = tenant(keys.site)
    assert not await is_good(keys, made.raw_key)
    assert await is_good(keys, own.raw_key)
    assert await is_good(keys, machine.raw_key)
    keys.site = tenant(keys.site, "write", "read")
    assert await is_good(keys, made.raw_key)
