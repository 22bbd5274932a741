"""Cases K: passwords, reset, verification, registration, as accounts decide them."""

from __future__ import annotations

import asyncio
import datetime as dt
import re

import pytest
import sqlalchemy as sa

from limen.accounts.change_email import ask_to_change_email
from limen.accounts.check_password import check_password, require_verified
from limen.accounts.create_from_provider import create_from_provider
from limen.accounts.directory import find_user_by_email, get_user
from limen.accounts.ending.disable_user import disable_user, enable_user
from limen.accounts.links.mail_budget import EVERY, MOST
from limen.accounts.links.mail_link import code_mac
from limen.accounts.links.store import MAX_ATTEMPTS
from limen.accounts.recover import check_reset_link, forgot_password, reset_password
from limen.accounts.sign_up import Registration, sign_up
from limen.accounts.user import User
from limen.accounts.verify_email import (
    resend_verification,
    send_verification,
    verify_email,
    verify_email_by_code,
)
from limen.audit.search import AuditFilters, search
from limen.crypto.envelope import Envelope
from limen.db.tables import outbox
from limen.db.work import Work
from limen.kernel.actor import ANONYMOUS, Actor
from limen.kernel.errors import (
    InvalidInput,
    NotAuthenticated,
    NotPermitted,
    Refusal,
    Throttled,
)
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint
from limen.sessions.resume import resume
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from tests.house import OTHER_PASSWORD, PASSWORD, House, house
from tests.patience import wait_for_connections

__all__ = ["house"]
pytestmark = pytest.mark.anyio

ADA = "ada@example.com"


def tenant(house: House, policy: TenantPolicy) -> Tenant:
    site = house.site
    return Tenant(
        tenant_id=site.tenant_id,
        slug=site.slug,
        issuer=site.issuer,
        path=site.path,
        name="Acme",
        host=None,
        policy=policy,
        version=1,
        state="active",
    )


async def register(house: House, email: str = ADA, password: str = PASSWORD) -> None:
    registration = Registration(email=email, password=Secret(password))
    await house.run(
        lambda work: sign_up(
            work, registration=registration, hasher=house.hasher, envelope=house.envelope
        )
    )


async def sign_in(house: House, email: str = ADA, password: str = PASSWORD) -> User:
    return await house.run(
        lambda work: check_password(work, email=email, raw=Secret(password), hasher=house.hasher)
    )


async def forgot(house: House, email: str = ADA) -> None:
    await house.run(lambda work: forgot_password(work, email=email, envelope=house.envelope))


async def reset(house: House, token: Secret[str], password: str = OTHER_PASSWORD) -> User:
    return await house.run(
        lambda work: reset_password(
            work,
            raw_token=token,
            raw_password=Secret(password),
            hasher=house.hasher,
            envelope=house.envelope,
        )
    )


async def by_code(house: House, code: str, email: str = ADA) -> User:
    return await house.run(
        lambda work: verify_email_by_code(
            work,
            works=house.works,
            envelope=house.envelope,
            email=email,
            raw_code=Secret(code),
        )
    )


async def newest_code(house: House, email: str = ADA) -> str:
    (found,) = re.findall(r"^\d{8}$", (await house.mails(email))[0].text, re.MULTILINE)
    return str(found)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


@pytest.mark.parametrize("password", ["", " ", "null", "None", "!", "$argon2id$v=19$m=8,t=1,p=1$"])
async def test_n138_who_has_no_password_signs_in_with_none(house: House, password: str) -> None:
    await house.user(ADA, password=None)
    with pytest.raises(NotAuthenticated, match="invalid_credentials"):
        await sign_in(house, password=password)


async def test_n139_every_failed_sign_in_is_told_alike(house: House) -> None:
    ada = await house.user(ADA)
    await house.user("social@example.com", password=None)
    disabled = await house.user("disabled@example.com")
    await house.run(lambda work: disable_user(work, user_id=disabled.id))
    told = set()
    for email, password in [
        (ADA, OTHER_PASSWORD),
        (ADA, PASSWORD + " "),
        (ADA, PASSWORD.upper()),
        (ADA, ""),
        (ADA, "\ud800"),
        (ADA, "x" * 5000),
        ("nobody@example.com", PASSWORD),
        ("social@example.com", PASSWORD),
        ("disabled@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("", PASSWORD),
    ]:
        with pytest.raises(NotAuthenticated) as refused:
            await sign_in(house, email, password)
        told.add((refused.value.code, refused.value.public, refused.value.field))
    assert len(told) == 1
    assert (await sign_in(house, " ADA@Example.com ")).id == ada.id


async def test_n140_one_hash_is_computed_whatever_is_wrong(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.user(ADA)
    await house.user("social@example.com", password=None)
    disabled = await house.user("disabled@example.com")
    await house.run(lambda work: disable_user(work, user_id=disabled.id))
    counted: list[str | None] = []
    verify = house.hasher.verify

    async def counting(stored: str | None, raw: Secret[str]) -> bool:
        counted.append(stored)
        return await verify(stored, raw)

    monkeypatch.setattr(house.hasher, "verify", counting)
    for email in (ADA, "nobody@example.com", "social@example.com", "disabled@example.com", "x"):
        with pytest.raises(NotAuthenticated):
            await sign_in(house, email, "\ud800" if email == "x" else OTHER_PASSWORD)
    assert len(counted) == 5
    assert [stored is None for stored in counted] == [False, True, True, True, True]


async def test_n141_a_taken_address_is_told_to_its_owner_alone(house: House) -> None:
    ada = await house.user(ADA)
    await register(house, "ADA@example.com", OTHER_PASSWORD)
    await register(house, ADA, OTHER_PASSWORD)
    mails = await house.mails(ADA)
    assert [mail.subject for mail in mails] == ["You already have an account at default"]
    assert (await sign_in(house)).id == ada.id
    house.clock.advance(dt.timedelta(hours=1))
    await register(house, ADA, OTHER_PASSWORD)
    assert len(await house.mails(ADA)) == 2


async def test_n142_forgetting_writes_the_same_for_everyone(house: House) -> None:
    await house.user(ADA)
    await house.user("social@example.com", password=None)
    disabled = await house.user("disabled@example.com")
    await house.run(lambda work: disable_user(work, user_id=disabled.id))

    async def written(email: str) -> list[object]:
        told: list[object] = []
        execute = Work.execute

        async def body(work: Work) -> None:
            async def noting(statement: object, **params: object) -> object:
                told.append(statement)
                return await execute(work, statement, **params)  # type: ignore[arg-type]  # passed on

            work.execute = noting  # type: ignore[assignment, method-assign]  # only listens
            await forgot_password(work, email=email, envelope=house.envelope)

        await house.run(body)
        return told

    await written(ADA)  # reads the tenant's sealing key, once in a process
    first = await written(ADA)
    assert len(first) == 1
    for email in ("nobody@example.com", "social@example.com", "disabled@example.com"):
        assert await written(email) == first
    mailed = {mail.to for mail in await house.mails()}
    assert mailed == {ADA, "social@example.com"}


async def test_n143_n144_links_are_built_on_the_configured_issuer(house: House) -> None:
    await register(house)
    await forgot(house)
    for mail in await house.mails(ADA):
        for link in re.findall(r"https?://\S+", mail.text + mail.html):
            assert link.startswith("http://localhost:8000")


async def test_n145_only_the_token_opens_the_step(house: House) -> None:
    await house.user(ADA)
    await register(house, "eve@example.com")
    await forgot(house)
    real = await house.newest_link(ADA)
    verification = await house.newest_link("eve@example.com")
    for token in [
        Secret(""),
        Secret("x"),
        Secret(real.reveal()[:-1]),
        Secret(real.reveal() + "x"),
        Secret(real.reveal().replace("lmp_", "lmv_")),
        verification,
        mint("lmp", house.site.tenant_id),
        mint("lmp", "othertenan"),
    ]:
        with pytest.raises(InvalidInput, match="link_invalid"):
            await house.run(lambda work, t=token: check_reset_link(work, raw_token=t))  # type: ignore[misc]  # bound at once
        with pytest.raises(InvalidInput, match="link_invalid"):
            await reset(house, token)
        with pytest.raises(InvalidInput, match="link_invalid"):
            await house.run(lambda work: verify_email(work, raw_token=real))
    assert (await sign_in(house)).is_active
    await reset(house, real)


async def race(attempts: int, attempt: object) -> int:
    async def once() -> bool:
        try:
            await attempt()  # type: ignore[operator]  # a closure of the test
        except Refusal:
            return False
        return True

    return sum(await asyncio.gather(*(once() for _ in range(attempts))))


async def test_n146_of_twenty_who_open_a_reset_link_one_does(house: House) -> None:
    await house.user(ADA)
    await forgot(house)
    token = await house.newest_link(ADA)
    assert await race(20, lambda: reset(house, token)) == 1
    with pytest.raises(InvalidInput, match="link_invalid"):
        await reset(house, token)


async def test_n146_of_twenty_who_open_a_verification_link_one_does(house: House) -> None:
    await register(house)
    token = await house.newest_link(ADA)

    async def attempt() -> User:
        return await house.run(lambda work: verify_email(work, raw_token=token))

    assert await race(20, attempt) == 1
    with pytest.raises(InvalidInput, match="link_invalid"):
        await attempt()


async def test_n146_of_twenty_who_type_the_code_one_verifies(house: House) -> None:
    await register(house)
    code = await newest_code(house)
    assert await race(20, lambda: by_code(house, code)) == 1
    with pytest.raises(InvalidInput, match="code_invalid"):
        await by_code(house, code)


async def test_n147_only_the_newest_reset_link_works_and_all_die_together(house: House) -> None:
    await house.user(ADA)
    await forgot(house)
    older = await house.newest_link(ADA)
    await forgot(house)
    newer = await house.newest_link(ADA)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await reset(house, older)
    # A password that is refused does not spend the link.
    with pytest.raises(InvalidInput, match="password_too_short"):
        await reset(house, newer, "short")
    await reset(house, newer)
    for token in (older, newer):
        with pytest.raises(InvalidInput, match="link_invalid"):
            await reset(house, token)


async def test_n147_links_and_codes_expire(house: House) -> None:
    await house.user(ADA)
    await forgot(house)
    token = await house.newest_link(ADA)
    house.clock.advance(dt.timedelta(hours=1))
    with pytest.raises(InvalidInput, match="link_invalid"):
        await reset(house, token)
    await register(house, "eve@example.com")
    link, code = (
        await house.newest_link("eve@example.com"),
        await newest_code(house, "eve@example.com"),
    )
    house.clock.advance(dt.timedelta(hours=24))
    with pytest.raises(InvalidInput, match="link_invalid"):
        await house.run(lambda work: verify_email(work, raw_token=link))
    with pytest.raises(InvalidInput, match="code_invalid"):
        await by_code(house, code, "eve@example.com")


async def test_n147_a_changed_password_or_a_disabled_account_kills_links(house: House) -> None:
    ada = await house.user(ADA)
    await forgot(house)
    token = await house.newest_link(ADA)
    await house.run(lambda work: disable_user(work, user_id=ada.id))
    await house.run(lambda work: enable_user(work, user_id=ada.id))
    with pytest.raises(InvalidInput, match="link_invalid"):
        await reset(house, token)


async def test_n147_guessed_codes_run_out_and_the_link_lives_on(house: House) -> None:
    await register(house)
    code, link = await newest_code(house), await house.newest_link(ADA)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(InvalidInput, match="code_invalid"):
            await by_code(house, wrong(code))
    with pytest.raises(InvalidInput, match="code_invalid"):
        await by_code(house, code)
    assert (await house.run(lambda work: verify_email(work, raw_token=link))).is_verified


async def test_n157_of_fifty_guesses_at_once_five_are_compared(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_connections(monkeypatch)
    await register(house)
    code = await newest_code(house)
    compared: list[str] = []

    async def counting(
        work: Work, envelope: Envelope, *, token_id: str, raw_code: Secret[str]
    ) -> bytes:
        compared.append(raw_code.reveal())
        return await code_mac(work, envelope, token_id=token_id, raw_code=raw_code)

    monkeypatch.setattr("limen.accounts.verify_email.code_mac", counting)
    guesses = [f"{number:08}" for number in range(49)] + [code]

    async def attempt(guess: str) -> bool:
        try:
            await by_code(house, guess)
        except InvalidInput:
            return False
        return True

    await asyncio.gather(*(attempt(guess) for guess in guesses))
    assert len(compared) == MAX_ATTEMPTS


async def test_o6_a_code_for_nobody_costs_what_one_for_somebody_does(house: House) -> None:
    await register(house)
    for email in (ADA, "nobody@example.com", "Nobody@Example.com"):
        with pytest.raises(InvalidInput, match="code_invalid"):
            await by_code(house, wrong(await newest_code(house)), email)

    async def body(work: Work) -> list[str]:
        filters = AuditFilters(name="account:code:tried")
        page = await search(work, filters=filters, key=Secret(bytes(32)))
        return [str(event.detail["account"]) for event in page.events]

    newest, again, ada = await house.run(body)  # each was written, and is found again
    assert newest == again != ada


async def test_a_code_may_be_typed_as_people_type_it(house: House) -> None:
    await register(house)
    code = await newest_code(house)
    assert (await by_code(house, f" {code[:4]}-{code[4:]} ", " Ada@example.com")).is_verified


async def test_n147_a_resent_link_replaces_the_former(house: House) -> None:
    await register(house)
    older = await house.newest_link(ADA)
    ada = await house.run(lambda work: find_user_by_email(work, ADA))
    assert ada is not None
    await house.run(lambda work: send_verification(work, user_id=ada.id, envelope=house.envelope))
    with pytest.raises(InvalidInput, match="link_invalid"):
        await house.run(lambda work: verify_email(work, raw_token=older))
    newer = await house.newest_link(ADA)
    assert (await house.run(lambda work: verify_email(work, raw_token=newer))).is_verified
    before = len(await house.mails())
    for email in (ADA, "nobody@example.com"):
        await house.run(
            lambda work, e=email: resend_verification(work, email=e, envelope=house.envelope)  # type: ignore[misc]  # bound at once
        )
    assert len(await house.mails()) == before


async def test_n161_a_stranger_fills_no_mailbox_and_kills_no_last_link(house: House) -> None:
    ada = await house.user(ADA)
    for _ in range(6):
        await forgot(house)
        await house.mails()  # so that they are looked up one after the other
    assert len(await house.mails(ADA)) == MOST
    await reset(house, await house.newest_link(ADA))
    house.clock.advance(EVERY)
    before = len(await house.mails(ADA))
    await forgot(house)
    assert len(await house.mails(ADA)) == before + 1

    for number in range(6):
        await register(house, "bob@example.com", f"{PASSWORD} {number}")
    assert len(await house.mails("bob@example.com")) == 1 + MOST
    bob = await house.run(lambda work: find_user_by_email(work, "bob@example.com"))
    assert bob is not None

    async def once_more() -> None:
        await house.run(
            lambda work: send_verification(work, user_id=bob.id, envelope=house.envelope)
        )

    for _ in range(MOST):
        await once_more()
    with pytest.raises(Throttled, match="too_many_mails"):
        await once_more()
    wanted = Actor("user", id=ada.id, session_id="s", authenticated_at=house.clock.now())

    async def ask(number: int) -> None:
        async def body(work: Work) -> None:
            email = f"{number}@example.com"
            await ask_to_change_email(work, email=email, envelope=house.envelope)

        await house.run(body, actor=wanted)

    for number in range(MOST):
        await ask(number)
    with pytest.raises(Throttled, match="too_many_mails"):
        await ask(MOST)
    assert not await house.mails(f"{MOST}@example.com")


async def test_n148_a_reset_signs_nobody_in_and_ends_every_session(house: House) -> None:
    ada = await house.user(ADA)
    cookies = [(await house.signed_in(ada))[1] for _ in range(3)]
    await forgot(house)
    await reset(house, await house.newest_link(ADA))
    for cookie in cookies:
        assert await house.run(lambda work, c=cookie: resume(work, raw=c)) is None  # type: ignore[misc]  # bound at once
    with pytest.raises(NotAuthenticated):
        await sign_in(house)
    assert (await sign_in(house, password=OTHER_PASSWORD)).id == ada.id
    assert (await house.mails(ADA))[0].subject == "Your password at default was changed"


async def test_n153_a_closed_registration_is_closed(house: House) -> None:
    closed = tenant(house, TenantPolicy(sign_up="closed"))
    registration = Registration(email=ADA, password=Secret(PASSWORD))

    async def body(work: Work) -> None:
        await sign_up(work, registration=registration, hasher=house.hasher, envelope=house.envelope)

    with pytest.raises(NotPermitted, match="registration_closed"):
        await house.works.run(closed, body)

    async def social(work: Work) -> None:
        await create_from_provider(work, email=ADA, email_verified=True, claims={})

    with pytest.raises(NotPermitted, match="registration_closed"):
        await house.works.run(closed, social)
    assert await house.run(lambda work: find_user_by_email(work, ADA)) is None


async def test_an_unverified_address_waits_where_the_tenant_says_so(house: House) -> None:
    strict = tenant(house, TenantPolicy(require_verified_email=True))
    await register(house)

    async def body(work: Work) -> User:
        user = await check_password(work, email=ADA, raw=Secret(PASSWORD), hasher=house.hasher)
        require_verified(work, user)
        return user

    with pytest.raises(NotPermitted, match="email_not_verified"):
        await house.works.run(strict, body)
    assert not (await house.works.run(house.site, body)).is_verified
    link = await house.newest_link(ADA)
    await house.run(lambda work: verify_email(work, raw_token=link))
    assert (await house.works.run(strict, body)).is_verified


async def test_of_twenty_who_sign_up_with_one_address_one_account_comes(house: House) -> None:
    await asyncio.gather(*(register(house, ADA, f"{PASSWORD} {number}") for number in range(20)))

    async def body(work: Work) -> list[str]:
        page = await search(
            work, filters=AuditFilters(name="account:user:created"), key=Secret(bytes(32))
        )
        return [event.user_id for event in page.events]

    (user_id,) = await house.run(body)
    assert (await house.run(lambda work: get_user(work, user_id))).email == ADA


async def test_o4_nothing_secret_is_audited_or_left_open_in_the_outbox(house: House) -> None:
    await register(house)
    await forgot(house)

    async def body(work: Work) -> str:
        page = await search(work, filters=AuditFilters(), key=Secret(bytes(32)))
        rows = await work.execute(
            sa.select(outbox.c.payload).where(outbox.c.tenant_id == sa.bindparam("tenant_id"))
        )
        return repr(page) + repr([bytes(row.payload) for row in rows.all()])

    told = await house.run(body, actor=ANONYMOUS)
    assert "account:user:created" in told
    for secret in (PASSWORD, ADA, "ada@", "lmv_", "lmp_"):
        assert secret not in told
