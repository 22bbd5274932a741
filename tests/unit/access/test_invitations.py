"""Invitations: one account for one link, and no role that its giver may not give."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from typing import Any

import pytest

from limen.access.grant_role import grant_role
from limen.access.invitations.accept import (
    Joining,
    accept_signed_in,
    accept_with_password,
    look_at_invitation,
)
from limen.access.invitations.events import InvitationAccepted
from limen.access.invitations.invite import (
    invite,
    list_invitations,
    mail_again,
    revoke_invitation,
    sweep,
)
from limen.access.invitations.let_in import is_invited, settle_invitation
from limen.access.invitations.model import Invitation
from limen.access.permissions import Role
from limen.access.revoke_role import revoke_role
from limen.access.rights import roles_of
from limen.accounts.directory import find_user_by_email, has_password
from limen.accounts.ending.disable_user import disable_user
from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.actor import OPERATOR, Actor
from limen.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from limen.kernel.events import Event
from limen.kernel.secret import Secret
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from tests.house import PASSWORD, House

pytestmark = pytest.mark.anyio
EVE = "eve@example.com"


def choosing(house: House, sign_up: str) -> House:
    """The same house, whose tenant lets in whom it says."""
    site = house.site
    policy = TenantPolicy.read({"sign_up": sign_up})
    tenant = Tenant(
        tenant_id=site.tenant_id,
        slug=site.slug,
        issuer=site.issuer,
        path=site.path,
        name="Example",
        host=None,
        policy=policy,
        version=1,
        state="active",
    )
    return dataclasses.replace(house, site=tenant)


async def invited(
    house: House, actor: Actor = OPERATOR, *, email: str = EVE, role: Role = "member", days: int = 7
) -> Invitation:
    return await house.run(
        lambda work: invite(work, envelope=house.envelope, email=email, role=role, days=days),
        actor=actor,
    )


async def administrator(house: House, role: Role = "admin") -> Actor:
    actor, _ = await house.signed_in(await house.user())
    await house.run(lambda work: grant_role(work, principal_id=actor.id, role=role), actor=OPERATOR)
    return actor


async def accept(house: House, raw: Secret[str], password: str = PASSWORD) -> User:
    joining = Joining(password=Secret(password), claims={"name": "Eve"})
    return await house.run(
        lambda work: accept_with_password(work, raw_token=raw, joining=joining, hasher=house.hasher)
    )


async def test_whoever_is_invited_opens_a_verified_account_with_the_role(house: House) -> None:
    house = choosing(house, "invitation")
    admin = await administrator(house)
    made = await invited(house, admin, role="auditor", email="Eve@Example.com")
    assert (made.email, made.invited_by) == (EVE, admin.id)
    user = await accept(house, await house.newest_link(EVE))
    assert (user.email, user.is_verified, user.claims) == (EVE, True, {"name": "Eve"})
    assert await house.run(lambda work: roles_of(work, user.id)) == ("auditor",)
    [listed] = await house.run(lambda work: list_invitations(work, most=10))
    assert (listed.state, listed.accepted_by) == ("accepted", user.id)


async def test_a_link_opens_one_account_whoever_is_first(house: House) -> None:
    await invited(house)
    raw = await house.newest_link(EVE)
    heard: list[Event] = []

    async def keep(_: Work, event: Event) -> None:
        heard.append(event)

    house.works.recorders = [*house.works.recorders, keep]
    ended = await asyncio.gather(*(accept(house, raw) for _ in range(4)), return_exceptions=True)
    assert len([each for each in ended if isinstance(each, User)]) == 1
    codes = {getattr(each, "code", each) for each in ended if not isinstance(each, User)}
    assert codes <= {"account_exists", "link_invalid"}
    assert len([each for each in heard if isinstance(each, InvitationAccepted)]) == 1
    with pytest.raises(InvalidInput, match="link_invalid"):
        await accept(house, raw)


async def test_a_refused_password_does_not_spend_the_link(house: House) -> None:
    await invited(house)
    raw = await house.newest_link(EVE)
    with pytest.raises(InvalidInput, match="password"):
        await accept(house, raw, "short")
    assert (await accept(house, raw)).email == EVE


async def test_what_ran_out_was_taken_back_or_replaced_opens_nothing(house: House) -> None:
    made = await invited(house, days=1)
    first = await house.newest_link(EVE)
    with pytest.raises(Conflict, match="invitation_pending"):
        await invited(house)
    again = await house.run(
        lambda work: mail_again(work, envelope=house.envelope, invitation_id=made.id, days=1),
        actor=OPERATOR,
    )
    assert again.id == made.id
    second = await house.newest_link(EVE)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await accept(house, first)
    house.clock.advance(dt.timedelta(days=1))
    with pytest.raises(InvalidInput, match="link_invalid"):
        await accept(house, second)
    assert not await house.run(lambda work: is_invited(work, email=EVE, email_verified=True))
    third = await invited(house)  # what ran out makes room
    raw = await house.newest_link(EVE)
    await house.run(lambda work: revoke_invitation(work, invitation_id=third.id), actor=OPERATOR)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await accept(house, raw)
    with pytest.raises(NotFound, match="invitation_not_found"):
        await house.run(lambda work: revoke_invitation(work, invitation_id=third.id))
    with pytest.raises(NotFound, match="invitation_not_found"):
        await house.run(
            lambda work: mail_again(work, envelope=house.envelope, invitation_id=third.id)
        )
    house.clock.advance(dt.timedelta(days=38))
    assert await house.run(sweep) >= 1
    assert await house.run(lambda work: list_invitations(work, most=10)) == []


async def test_nobody_invites_above_their_own_role_nor_after_they_lost_it(house: House) -> None:
    admin, other = await administrator(house), await administrator(house)
    with pytest.raises(NotPermitted, match="role_above_own"):
        await invited(house, admin, role="owner")
    await invited(house, admin, role="admin")
    raw = await house.newest_link(EVE)
    await house.run(
        lambda work: revoke_role(work, principal_id=admin.id, role="admin"), actor=OPERATOR
    )
    with pytest.raises(InvalidInput, match="link_invalid"):
        await accept(house, raw)
    await invited(house, other, role="admin", email="fay@example.com")
    theirs = await house.newest_link("fay@example.com")
    await house.run(lambda work: disable_user(work, user_id=other.id), actor=OPERATOR)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await accept(house, theirs)


async def test_who_has_an_account_takes_the_role_signed_in_and_nobody_else_does(
    house: House,
) -> None:
    await invited(house, role="auditor")
    raw = await house.newest_link(EVE)
    squatter, _ = await house.signed_in(await house.user(EVE, verified=False))
    other, _ = await house.signed_in(await house.user())

    def taking(actor: Actor) -> Any:
        return house.run(lambda work: accept_signed_in(work, raw_token=raw), actor=actor)

    with pytest.raises(Conflict, match="account_exists"):
        await accept(house, raw)
    for actor in (squatter, other):
        with pytest.raises(NotPermitted, match="invitation_not_yours"):
            await taking(actor)
    assert await house.run(lambda work: roles_of(work, squatter.id)) == ()


async def test_an_account_of_the_invited_address_takes_its_role_once(house: House) -> None:
    await invited(house, role="auditor")
    raw = await house.newest_link(EVE)
    eve, _ = await house.signed_in(await house.user(EVE))
    await house.run(lambda work: accept_signed_in(work, raw_token=raw), actor=eve)
    assert await house.run(lambda work: roles_of(work, eve.id)) == ("auditor",)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await house.run(lambda work: accept_signed_in(work, raw_token=raw), actor=eve)
    with pytest.raises(Conflict, match="email_taken"):
        await invited(house)


async def test_a_providers_word_opens_an_account_and_gives_no_role(house: House) -> None:
    await invited(house)
    await invited(house, role="admin", email="fay@example.com")

    async def asked(email: str | None, *, verified: Any = True) -> bool:
        return await house.run(lambda work: is_invited(work, email=email, email_verified=verified))

    assert await asked(" EVE@example.com ".strip())
    assert await asked("fay@example.com")
    assert not await asked("eve@example.com", verified=False)
    assert not await asked("eve@example.com", verified="true")
    assert not await asked(None)
    assert not await asked("somebody@example.com")
    people = [await house.user(), await house.user()]
    for email, user in zip((EVE, "fay@example.com"), people, strict=True):

        async def settle(work: Work, to: str = email, of: str = user.id) -> None:
            await settle_invitation(work, email=to, email_verified=True, user_id=of)

        await house.run(settle)
    assert not await asked(EVE)  # taken
    assert await asked("fay@example.com")  # waits for the mailed link
    assert await house.run(lambda work: roles_of(work, people[1].id)) == ()


async def test_a_closed_tenant_opens_nothing_even_for_who_was_invited(house: House) -> None:
    await invited(house)
    raw = await house.newest_link(EVE)
    closed = choosing(house, "closed")
    with pytest.raises(NotPermitted, match="registration_closed"):
        await accept(closed, raw)
    with pytest.raises(NotPermitted, match="registration_closed"):
        await invited(closed, email="fay@example.com")
    assert await house.run(lambda work: find_user_by_email(work, EVE)) is None
    user = await accept(choosing(house, "invitation"), raw)
    assert await house.run(lambda work: has_password(work, user.id))


async def test_a_link_of_another_kind_or_form_opens_nothing(house: House) -> None:
    await invited(house)
    raw = (await house.newest_link(EVE)).reveal()
    other_end = "AA" if raw[-2:] != "AA" else "QQ"
    for wrong in ("", raw[:-1], raw.replace("lmin_", "lmp_"), raw[:-2] + other_end):

        async def look(work: Work, token: str = wrong) -> Invitation:
            return await look_at_invitation(work, raw_token=Secret(token))

        with pytest.raises(InvalidInput, match="link_invalid"):
            await house.run(look)
    with pytest.raises(InvalidInput, match="days_invalid"):
        await invited(house, days=31, email="fay@example.com")
