from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from limen.accounts.events import AccountReclaimed
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import (
    Conflict,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    ReauthenticationRequired,
)
from limen.kernel.secret import Secret
from limen.mfa.enrol_totp import TTL, Enrolment, begin_enrolment, confirm_enrolment
from limen.mfa.factors import Factors, factors_of, has_second_factor
from limen.mfa.manage import (
    confirm_own,
    enrol_own,
    forget_factors,
    remove_own,
    renew_recovery_codes,
    reset_factors,
)
from limen.mfa.prove import AMR, prove_second_factor
from limen.sessions.listing import list_sessions
from tests.house import House
from tests.unit.mfa.kit import App, Person, enrolled

pytestmark = pytest.mark.anyio
BOTH = ("pwd", *AMR)


async def prove(house: House, person: Person, code: str) -> tuple[str, ...]:
    async def body(work: Work) -> tuple[str, ...]:
        return await prove_second_factor(
            work, envelope=house.envelope, user_id=person.user.id, raw_code=Secret(code)
        )

    return await house.run(body)


async def factors(house: House, user_id: str) -> Factors:
    return await house.run(lambda work: factors_of(work, user_id))


async def test_a_factor_counts_from_its_first_code(house: House) -> None:
    user = await house.user("ada@example.org")

    async def begin(work: Work) -> Enrolment:
        return await begin_enrolment(work, envelope=house.envelope, user_id=user.id)

    begun = await house.run(begin)
    app = App.of(house.clock, begun.raw_secret.reveal())
    assert not await house.run(lambda work: has_second_factor(work, user.id))

    async def confirm(work: Work, code: str) -> tuple[Secret[str], ...]:
        return await confirm_enrolment(
            work,
            envelope=house.envelope,
            user_id=user.id,
            factor_id=begun.factor_id,
            raw_code=Secret(code),
        )

    with pytest.raises(InvalidInput, match="code_invalid"):
        await house.run(lambda work: confirm(work, "000000"))
    codes = await house.run(lambda work: confirm(work, app.code()))
    assert len({code.reveal() for code in codes}) == 10
    found = await factors(house, user.id)
    assert found.totp_since is not None
    assert found.recovery_codes_left == 10
    with pytest.raises(Conflict, match="factor_exists"):
        await house.run(begin)
    with pytest.raises(Conflict, match="factor_exists"):
        await house.run(lambda work: confirm(work, app.next_code()))
    assert "turned on" in (await house.mails("ada@example.org"))[0].text


async def test_nobody_confirms_a_secret_they_were_not_shown(house: House) -> None:
    user = await house.user()

    async def begin(work: Work) -> Enrolment:
        return await begin_enrolment(work, envelope=house.envelope, user_id=user.id)

    first, second = await house.run(begin), await house.run(begin)
    app = App.of(house.clock, first.raw_secret.reveal())
    late = App.of(house.clock, second.raw_secret.reveal())

    async def confirm(work: Work, begun: Enrolment, code: str) -> None:
        await confirm_enrolment(
            work,
            envelope=house.envelope,
            user_id=user.id,
            factor_id=begun.factor_id,
            raw_code=Secret(code),
        )

    with pytest.raises(Conflict, match="enrolment_over"):
        await house.run(lambda work: confirm(work, first, app.code()))
    house.clock.advance(TTL + dt.timedelta(seconds=1))
    with pytest.raises(Conflict, match="enrolment_over"):
        await house.run(lambda work: confirm(work, second, late.code()))


async def test_n166_a_code_is_good_once_and_so_is_every_one_before_it(house: House) -> None:
    person = await enrolled(house)
    code = person.app.code()
    assert await prove(house, person, code) == AMR
    for spent in (code, person.app.code(later=-1)):
        with pytest.raises(NotAuthenticated, match="code_invalid"):
            await prove(house, person, spent)
    assert await prove(house, person, person.app.code(later=1)) == AMR


async def test_n166_the_code_that_confirmed_does_not_sign_in(house: House) -> None:
    person = await enrolled(house)
    with pytest.raises(NotAuthenticated):
        await prove(house, person, person.app.code(later=-1))


async def test_a_spent_code_stays_spent_if_the_rest_is_refused(house: House) -> None:
    person = await enrolled(house)
    code = person.app.code()

    async def refused(work: Work) -> None:
        await prove_second_factor(
            work, envelope=house.envelope, user_id=person.user.id, raw_code=Secret(code)
        )
        raise NotFound

    with pytest.raises(NotFound):
        await house.run(refused)
    with pytest.raises(NotAuthenticated):
        await prove(house, person, code)


@pytest.mark.parametrize("typed", ["{}", "{} ", "up", "bare"])
async def test_a_recovery_code_is_good_once(house: House, typed: str) -> None:
    person = await enrolled(house, "ada@example.org")
    code = person.recovery[0]
    shown = {"up": code.upper(), "bare": code.replace("-", "")}.get(typed, typed.format(code))
    assert await prove(house, person, shown) == AMR
    with pytest.raises(NotAuthenticated):
        await prove(house, person, code)
    assert (await factors(house, person.user.id)).recovery_codes_left == 9
    assert "Recovery codes left: 9." in (await house.mails("ada@example.org"))[0].text


async def test_n200_anothers_codes_prove_nothing(house: House) -> None:
    ada, bob = await enrolled(house), await enrolled(house)
    for code in (bob.app.code(), bob.recovery[0]):
        with pytest.raises(NotAuthenticated):
            await prove(house, ada, code)
    assert (await factors(house, bob.user.id)).recovery_codes_left == 10


async def test_who_has_no_factor_proves_none(house: House) -> None:
    user = await house.user()
    nobody = Person(user, (await enrolled(house)).app, [])
    for code in ("000000", "23456-789ab", ""):
        with pytest.raises(NotAuthenticated):
            await prove(house, nobody, code)


# -- one's own ----------------------------------------------------------------------------------


async def actor_of(house: House, person: Person, *, amr: tuple[str, ...] = BOTH) -> Actor:
    actor, _ = await house.signed_in(person.user)
    return replace(actor, amr=amr)


async def test_n269_changing_factors_takes_a_recent_sign_in_with_all_of_them(
    house: House,
) -> None:
    person = await enrolled(house)
    old = await actor_of(house, person)
    weak = await actor_of(house, person, amr=("pwd",))
    house.clock.advance(dt.timedelta(hours=1))
    again = await actor_of(house, person, amr=("pwd",))

    async def renew(work: Work) -> None:
        await renew_recovery_codes(work, envelope=house.envelope)

    async def remove(work: Work) -> None:
        await remove_own(work, envelope=house.envelope)

    async def enrol(work: Work) -> None:
        await enrol_own(work, envelope=house.envelope)

    for actor in (old, weak, again):
        for change in (renew, remove, enrol):
            with pytest.raises(ReauthenticationRequired):
                await house.run(change, actor=actor)
    assert (await factors(house, person.user.id)).totp_since is not None


async def test_enrolling_ends_every_other_session_and_strengthens_this_one(house: House) -> None:
    user = await house.user()
    actor, _ = await house.signed_in(user)
    await house.signed_in(user)
    begun = await house.run(lambda work: enrol_own(work, envelope=house.envelope), actor=actor)
    code = Secret(App.of(house.clock, begun.raw_secret.reveal()).code())
    started, codes = await house.run(
        lambda work: confirm_own(
            work, envelope=house.envelope, factor_id=begun.factor_id, raw_code=code
        ),
        actor=actor,
    )
    assert started.session.amr == BOTH
    assert len(codes) == 10
    left = await house.run(lambda work: list_sessions(work, user_id=user.id))
    assert [session.id for session in left] == [actor.session_id]


async def test_n178_removing_a_factor_ends_every_other_session(house: House) -> None:
    person = await enrolled(house, "ada@example.org")
    await house.signed_in(person.user)
    actor = await actor_of(house, person)
    await house.run(lambda work: remove_own(work, envelope=house.envelope), actor=actor)
    left = await house.run(lambda work: list_sessions(work, user_id=person.user.id))
    assert [session.id for session in left] == [actor.session_id]
    assert await factors(house, person.user.id) == Factors(
        totp_since=None, last_used_at=None, recovery_codes_left=0
    )
    assert "turned off" in (await house.mails("ada@example.org"))[0].text
    with pytest.raises(NotFound, match="factor_not_found"):
        await house.run(lambda work: remove_own(work, envelope=house.envelope), actor=actor)


async def test_new_recovery_codes_kill_the_old_ones(house: House) -> None:
    person = await enrolled(house)
    actor = await actor_of(house, person)
    codes = await house.run(
        lambda work: renew_recovery_codes(work, envelope=house.envelope), actor=actor
    )
    with pytest.raises(NotAuthenticated):
        await prove(house, person, person.recovery[0])
    assert await prove(house, person, codes[0].reveal()) == AMR


async def test_an_administrator_resets_who_lost_everything(house: House) -> None:
    person = await enrolled(house, "ada@example.org")
    await house.signed_in(person.user)

    async def reset(work: Work) -> None:
        await reset_factors(work, envelope=house.envelope, user_id=person.user.id)

    await house.run(reset)
    assert not await house.run(lambda work: has_second_factor(work, person.user.id))
    assert await house.run(lambda work: list_sessions(work, user_id=person.user.id)) == []
    assert "administrator" in (await house.mails("ada@example.org"))[0].text
    with pytest.raises(NotFound, match="factor_not_found"):
        await house.run(reset)


async def test_n130_who_takes_an_account_over_inherits_no_factor(house: House) -> None:
    person = await enrolled(house)

    async def forget(work: Work) -> None:
        await forget_factors(work, AccountReclaimed(user_id=person.user.id))

    await house.run(forget)
    assert not await house.run(lambda work: has_second_factor(work, person.user.id))
