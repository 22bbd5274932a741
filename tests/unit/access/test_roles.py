from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from limen.access.grant_role import grant_role
from limen.access.keep_an_owner import keep_an_owner
from limen.access.nobody_above import nobody_above
from limen.access.permissions import (
    ALL,
    CLIENTS_WRITE,
    FULL_SCOPE,
    OF_THE_SERVER,
    ROLE_NAMES,
    ROLES,
    SELF,
    TENANTS_WRITE,
    USERS_READ,
    USERS_WRITE,
    Role,
    scope_allows,
)
from limen.access.revoke_role import revoke_role
from limen.access.rights import may, permissions_of, roles_of
from limen.accounts.ending.close_account import close_account
from limen.accounts.ending.disable_user import disable_user, enable_user
from limen.accounts.events import (
    AccountClosed,
    PasswordChangeRequired,
    UserDisabled,
    UserEnabled,
)
from limen.accounts.passwords.change_due import require_password_change
from limen.accounts.user import User
from limen.kernel.actor import ANONYMOUS, OPERATOR, SYSTEM, Actor
from limen.kernel.errors import Conflict, NotFound, NotPermitted
from limen.kernel.site import Site
from limen.tokens.principals import put
from tests.house import House

OTHER_SITE = Site("testtenant", "other", "http://localhost:8000/t/other", "/t/other")


@pytest.fixture
def _kept(house: House) -> None:
    house.works.reactions = {UserDisabled: (keep_an_owner,), AccountClosed: (keep_an_owner,)}


async def with_role(house: House, role: Role) -> User:
    user = await house.user()
    await give(house, user.id, role)
    return user


async def give(house: House, user_id: str, role: Role, *, actor: Actor = OPERATOR) -> None:
    await house.run(lambda work: grant_role(work, principal_id=user_id, role=role), actor=actor)


async def take(house: House, user_id: str, role: Role, *, actor: Actor = OPERATOR) -> None:
    await house.run(lambda work: revoke_role(work, principal_id=user_id, role=role), actor=actor)


async def roles(house: House, user_id: str) -> tuple[Role, ...]:
    return await house.run(lambda work: roles_of(work, user_id))


def test_roles_contain_one_another() -> None:
    assert ROLES["member"] < ROLES["auditor"] < ROLES["admin"] < ROLES["owner"] == ALL
    assert all(right.endswith(":read") for right in ROLES["auditor"] - ROLES["member"]), (
        "an auditor changes nothing"
    )
    assert set(ROLES) == set(ROLE_NAMES)


def test_a_tokens_scope_limits_and_a_browser_session_does_not() -> None:
    assert scope_allows(None, USERS_READ)
    assert scope_allows(frozenset({FULL_SCOPE}), USERS_READ)
    assert scope_allows(frozenset({"openid", USERS_READ}), USERS_READ)
    assert not scope_allows(frozenset({"openid", USERS_READ}), USERS_WRITE)
    assert not scope_allows(frozenset(), SELF)


@pytest.mark.anyio
async def test_the_effective_right_is_role_and_scope_together(house: House) -> None:
    admin = await with_role(house, "admin")

    async def rights(actor: Actor) -> frozenset[str]:
        return await house.run(lambda work: permissions_of(work, actor))

    assert await rights(Actor("user", id=admin.id)) == ROLES["admin"]
    limited = Actor("user", id=admin.id, scope=frozenset({USERS_READ, TENANTS_WRITE}))
    assert await rights(limited) == {USERS_READ}
    assert await rights(Actor("user", id=(await house.user()).id)) == ROLES["member"]
    assert await rights(ANONYMOUS) == frozenset()
    assert await rights(SYSTEM) == ALL


@pytest.mark.anyio
async def test_a_client_has_only_what_it_was_given(house: House) -> None:
    await house.run(lambda work: put(work, kind="client", principal_id="app"))
    client = Actor("client", id="app", client_id="app", scope=frozenset({FULL_SCOPE}))
    assert not await house.run(lambda work: may(work, client, SELF))
    assert not await house.run(lambda work: may(work, client, CLIENTS_WRITE))
    await house.run(
        lambda work: grant_role(work, principal_id="app", role="admin", kind="client"),
        actor=OPERATOR,
    )
    assert await house.run(lambda work: may(work, client, CLIENTS_WRITE))
    with pytest.raises(NotFound, match="client_not_found"):
        await house.run(
            lambda work: grant_role(work, principal_id="nope", role="admin", kind="client"),
            actor=OPERATOR,
        )


@pytest.mark.anyio
async def test_only_owners_of_the_default_tenant_manage_tenants(house: House) -> None:
    owner = await with_role(house, "owner")
    actor = Actor("user", id=owner.id)
    assert await house.run(lambda work: may(work, actor, TENANTS_WRITE))
    for right in OF_THE_SERVER:
        assert not await house.works.run(OTHER_SITE, lambda work, r=right: may(work, actor, r))  # type: ignore[misc]  # bound at once


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("own", "role", "allowed"),
    [
        ("owner", "owner", True),
        ("owner", "admin", True),
        ("admin", "owner", False),
        ("admin", "admin", True),
        ("auditor", "admin", False),
        ("auditor", "auditor", True),
        ("member", "auditor", False),
    ],
)
async def test_nobody_gives_or_takes_a_role_above_their_own(
    house: House, own: Role, role: Role, allowed: bool
) -> None:
    giver, other = await with_role(house, own), await house.user()
    spare = await with_role(house, "owner")
    actor = Actor("user", id=giver.id)
    if allowed:
        await give(house, other.id, role, actor=actor)
        assert await roles(house, other.id) == (role,)
        await take(house, other.id, role, actor=actor)
        assert await roles(house, other.id) == ()
        return
    with pytest.raises(NotPermitted, match="role_above_own"):
        await give(house, other.id, role, actor=actor)
    with pytest.raises(NotPermitted, match="role_above_own"):
        await give(house, giver.id, role, actor=actor)
    with pytest.raises(NotPermitted, match="role_above_own"):
        await take(house, spare.id, role, actor=actor)


@pytest.mark.anyio
async def test_a_role_for_nobody_is_refused(house: House) -> None:
    with pytest.raises(NotFound, match="user_not_found"):
        await give(house, "nobody", "admin")


@pytest.mark.anyio
@pytest.mark.usefixtures("_kept")
async def test_n275_the_last_owner_stays(house: House) -> None:
    first, second = await with_role(house, "owner"), await with_role(house, "owner")
    await house.run(lambda work: disable_user(work, user_id=second.id))
    with pytest.raises(Conflict, match="last_owner"):
        await take(house, first.id, "owner")
    with pytest.raises(Conflict, match="last_owner"):
        await house.run(lambda work: disable_user(work, user_id=first.id))
    with pytest.raises(Conflict, match="last_owner"):
        await house.run(lambda work: close_account(work, user_id=first.id))
    assert await roles(house, first.id) == ("owner",)
    assert (await house.signed_in(first))[0].id == first.id
    third = await with_role(house, "owner")
    await house.run(lambda work: close_account(work, user_id=first.id))
    with pytest.raises(Conflict, match="last_owner"):
        await take(house, third.id, "owner")


@pytest.mark.anyio
@pytest.mark.usefixtures("_kept")
@pytest.mark.parametrize("ways", ["take", "disable", "close", "mixed"])
async def test_n275_of_all_owners_removed_at_once_one_stays(house: House, ways: str) -> None:
    owners = [await with_role(house, "owner") for _ in range(6)]

    async def remove(index: int, owner: User) -> bool:
        how = ("take", "disable", "close")[index % 3] if ways == "mixed" else ways
        try:
            if how == "take":
                await take(house, owner.id, "owner")
            elif how == "disable":
                await house.run(lambda work: disable_user(work, user_id=owner.id))
            else:
                await house.run(lambda work: close_account(work, user_id=owner.id))
        except Conflict:
            return False
        return True

    removed = await asyncio.gather(*(remove(*each) for each in enumerate(owners)))
    assert sum(removed) == 5


@pytest.mark.anyio
@pytest.mark.parametrize("act", [disable_user, enable_user, require_password_change, close_account])
async def test_nobody_locks_out_whose_roles_they_could_not_give(
    house: House, act: Callable[..., Awaitable[None]]
) -> None:
    events = (UserDisabled, UserEnabled, PasswordChangeRequired, AccountClosed)
    house.works.reactions = dict.fromkeys(events, (nobody_above,))
    admin, owner, member = [
        await with_role(house, "admin"), await with_role(house, "owner"), await house.user()
    ]  # fmt: skip
    if act is enable_user:
        for each in (owner, member):
            await house.run(lambda work, e=each: disable_user(work, user_id=e.id), actor=OPERATOR)  # type: ignore[misc]  # bound at once
    actor = Actor("user", id=admin.id)
    with pytest.raises(NotPermitted, match="role_above_own"):
        await house.run(lambda work: act(work, user_id=owner.id), actor=actor)
    await house.run(lambda work: act(work, user_id=member.id), actor=actor)
    await house.run(lambda work: act(work, user_id=owner.id), actor=OPERATOR)
