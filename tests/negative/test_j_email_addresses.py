"""Cases J: account linking and e-mail ownership, as far as accounts decide it."""

from __future__ import annotations

import datetime as dt

import pytest

from limen.accounts.change_profile import change_profile
from limen.accounts.check_password import check_password
from limen.accounts.create_from_provider import create_from_provider
from limen.accounts.directory import find_user_by_email, get_user
from limen.accounts.email_address import parse_email
from limen.accounts.ending.close_account import close_account
from limen.accounts.passwords.whose_sign_up import Chosen
from limen.accounts.recover import forgot_password, reset_password
from limen.accounts.sign_up import Registration, sign_up
from limen.accounts.user import User
from limen.accounts.verify_email import verify_email
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotAuthenticated, NotFound
from limen.kernel.secret import Secret
from limen.sessions.resume import resume
from tests.house import OTHER_PASSWORD, PASSWORD, House, house

__all__ = ["house"]


async def register(house: House, email: str, password: str) -> None:
    registration = Registration(email=email, password=Secret(password))
    await house.run(
        lambda work: sign_up(
            work, registration=registration, hasher=house.hasher, envelope=house.envelope
        )
    )


async def sign_in(house: House, email: str, password: str) -> User:
    return await house.run(
        lambda work: check_password(work, email=email, raw=Secret(password), hasher=house.hasher)
    )


@pytest.mark.anyio
@pytest.mark.parametrize("verified", [False, True])
@pytest.mark.parametrize("claimed", [True, False])
async def test_n129_a_provider_never_links_by_address(
    house: House, verified: bool, claimed: bool
) -> None:
    ada = await house.user("ada@example.com", verified=verified)
    answer = await house.run(
        lambda work: create_from_provider(
            work, email="Ada@Example.com", email_verified=claimed, claims={}
        )
    )
    assert answer is None
    assert await house.run(lambda work: get_user(work, ada.id)) == ada


@pytest.mark.anyio
@pytest.mark.parametrize("claimed", [False, None, "true", "True", 1])
async def test_n129_only_a_literal_true_verifies_an_address(house: House, claimed: object) -> None:
    async def body(work: Work) -> User | None:
        return await create_from_provider(
            work,
            email="ada@example.com",
            email_verified=claimed,  # type: ignore[arg-type]  # what providers send
            claims={"name": "Ada", "email_verified": True, "website": "javascript:x"},
        )

    made = await house.run(body)
    assert made is not None
    assert (made.email, made.email_verified_at) == (None, None)
    assert made.claims == {"name": "Ada"}
    assert await house.run(lambda work: find_user_by_email(work, "ada@example.com")) is None


async def prove(work: Work, house: House, token: Secret[str], password: str | None) -> User:
    raw = None if password is None else Secret(password)
    chosen = Chosen(raw_password=raw, hasher=house.hasher)
    return await verify_email(work, raw_token=token, chosen=chosen)


@pytest.mark.anyio
async def test_n130_whoever_signs_up_after_the_owner_gets_nothing_by_their_click(
    house: House,
) -> None:
    await register(house, "victim@example.com", PASSWORD)
    own = await house.newest_link("victim@example.com")
    house.clock.advance(dt.timedelta(seconds=1))
    await register(house, "victim@example.com", OTHER_PASSWORD)  # a stranger's
    newest = await house.newest_link("victim@example.com")
    with pytest.raises(InvalidInput, match="password_needed"):
        await house.run(lambda work: verify_email(work, raw_token=newest))
    with pytest.raises(InvalidInput, match="password_mismatch"):
        await house.run(lambda work: prove(work, house, newest, PASSWORD))
    with pytest.raises(InvalidInput, match="password_needed"):
        await house.run(lambda work: verify_email(work, raw_token=own))
    owner = await house.run(lambda work: prove(work, house, own, PASSWORD))
    assert (await sign_in(house, "victim@example.com", PASSWORD)).id == owner.id
    with pytest.raises(NotAuthenticated):
        await sign_in(house, "victim@example.com", OTHER_PASSWORD)
    with pytest.raises(InvalidInput, match="link_invalid"):
        await house.run(lambda work: prove(work, house, newest, OTHER_PASSWORD))


@pytest.mark.anyio
async def test_n130_the_mailboxs_owner_wipes_what_a_squatter_prepared(house: House) -> None:
    await register(house, "victim@example.com", PASSWORD)
    squatter = await sign_in(house, "victim@example.com", PASSWORD)
    _, cookie = await house.signed_in(squatter)
    house.clock.advance(dt.timedelta(seconds=1))
    await register(house, "victim@example.com", OTHER_PASSWORD)
    # Before the proof nothing changes, and the second password opens nothing.
    with pytest.raises(NotAuthenticated):
        await sign_in(house, "victim@example.com", OTHER_PASSWORD)
    token = await house.newest_link("victim@example.com")
    # Of two that signed up with one address, who has the mailbox and the password is the owner.
    for wrong, code in ((None, "password_needed"), (PASSWORD, "password_mismatch")):
        with pytest.raises(InvalidInput, match=code):
            await house.run(lambda work, w=wrong: prove(work, house, token, w))  # type: ignore[misc]  # bound at once
    owner = await house.run(lambda work: prove(work, house, token, OTHER_PASSWORD))
    assert owner.is_verified
    assert (await sign_in(house, "victim@example.com", OTHER_PASSWORD)).id == owner.id
    with pytest.raises(NotAuthenticated):
        await sign_in(house, "victim@example.com", PASSWORD)
    assert await house.run(lambda work: resume(work, raw=cookie)) is None


@pytest.mark.anyio
async def test_n130_a_reset_wipes_a_squatter_too(house: House) -> None:
    await register(house, "victim@example.com", PASSWORD)
    squatter = await sign_in(house, "victim@example.com", PASSWORD)
    _, cookie = await house.signed_in(squatter)
    await house.run(
        lambda work: forgot_password(work, email="victim@example.com", envelope=house.envelope)
    )
    token = await house.newest_link("victim@example.com")
    await house.run(
        lambda work: reset_password(
            work,
            raw_token=token,
            raw_password=Secret(OTHER_PASSWORD),
            hasher=house.hasher,
            envelope=house.envelope,
        )
    )
    assert await house.run(lambda work: resume(work, raw=cookie)) is None
    with pytest.raises(NotAuthenticated):
        await sign_in(house, "victim@example.com", PASSWORD)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "member", ["email", "email_verified", "email_verified_at", "verified_at", "state", "sub", "id"]
)
async def test_n134_a_profile_change_verifies_nothing(house: House, member: str) -> None:
    ada = await house.user("ada@example.com", verified=False)
    changes = {"name": "Ada", member: True}
    with pytest.raises(InvalidInput, match="claim_unknown"):
        await house.run(lambda work: change_profile(work, user_id=ada.id, changes=changes))
    with pytest.raises(InvalidInput, match="claim_unknown"):
        await house.run(
            lambda work: change_profile(work, user_id=ada.id, changes=changes, by_operator=True)
        )
    assert await house.run(lambda work: get_user(work, ada.id)) == ada


@pytest.mark.anyio
async def test_n134_a_person_does_not_verify_their_own_telephone(house: House) -> None:
    ada = await house.user("ada@example.com")
    operator = {"phone_number": "+1 555", "phone_number_verified": True}
    await house.run(
        lambda work: change_profile(work, user_id=ada.id, changes=operator, by_operator=True)
    )
    with pytest.raises(InvalidInput, match="claim_unknown"):
        await house.run(
            lambda work: change_profile(
                work, user_id=ada.id, changes={"phone_number_verified": True}
            )
        )
    changed = await house.run(
        lambda work: change_profile(work, user_id=ada.id, changes={"phone_number": "+1 666"})
    )
    assert changed.claims == {"phone_number": "+1 666"}


@pytest.mark.parametrize(
    "raw",
    [
        "ada\uff20example.com",
        "ada@example\uff0ecom",
        "ad\u200ba@example.com",
        "ada@exam\u200dple.com",
        "\u202eada@example.com",
        "a\u200fda@example.com",
        "ada@\u0430pple.com",
        "ad\u0430@example.com",
        "ada@xn--pple-43d.com",
        "\ufb01ona@example.com",
        "ada\u00a0@example.com",
        "\uff41da@example.com",
        "ada@example.com\ufeff",
    ],
)
def test_n135_what_only_looks_like_an_address_is_refused(raw: str) -> None:
    with pytest.raises(InvalidInput, match="email_invalid"):
        parse_email(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "ada",
        "@example.com",
        "ada@",
        "a@b@example.com",
        "ada@example.com,eve@example.com",
        "ada@example.com;eve@example.com",
        "ada@example.com eve@example.com",
        "ada@example.com\neve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada@example.com\x00",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        '"ada"@example.com',
        '"a@b"@example.com',
        "ada@[127.0.0.1]",
        "ada@localhost",
        "ada@example..com",
        ".ada@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "a" * 250 + ".com",
        "mailto:ada@example.com",
    ],
)
def test_n136_what_is_not_one_plain_mailbox_is_refused(raw: str) -> None:
    with pytest.raises(InvalidInput, match="email_invalid"):
        parse_email(raw)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "raw", ["ada@example.com,eve@example.com", "ada@example.com\nBcc: eve@example.com"]
)
async def test_n136_nobody_is_mailed(house: House, raw: str) -> None:
    with pytest.raises(InvalidInput, match="email_invalid"):
        await register(house, raw, PASSWORD)
    with pytest.raises(InvalidInput, match="email_invalid"):
        await house.run(lambda work: forgot_password(work, email=raw, envelope=house.envelope))
    assert await house.mails() == []


@pytest.mark.anyio
async def test_n137_a_new_account_at_an_old_address_is_somebody_else(house: House) -> None:
    ada = await house.user("ada@example.com")
    _, cookie = await house.signed_in(ada)
    await house.run(
        lambda work: forgot_password(work, email="ada@example.com", envelope=house.envelope)
    )
    old_link = await house.newest_link("ada@example.com")
    await house.run(lambda work: close_account(work, user_id=ada.id))
    again = await house.user("ada@example.com")
    assert again.id != ada.id
    assert await house.run(lambda work: resume(work, raw=cookie)) is None
    with pytest.raises(InvalidInput, match="link_invalid"):
        await house.run(
            lambda work: reset_password(
                work,
                raw_token=old_link,
                raw_password=Secret(OTHER_PASSWORD),
                hasher=house.hasher,
                envelope=house.envelope,
            )
        )
    with pytest.raises(NotFound):
        await house.run(lambda work: get_user(work, ada.id))
