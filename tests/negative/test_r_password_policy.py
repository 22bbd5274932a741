"""Cases R: password policy."""

from __future__ import annotations

import datetime as dt
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.accounts.change_password import change_password
from limen.accounts.check_password import check_password
from limen.accounts.passwords import check_new_password, normalise
from limen.crypto.passwords import Cost, PasswordHasher
from limen.db.work import Work
from limen.kernel.actor import ANONYMOUS, OPERATOR, Actor
from limen.kernel.errors import (
    InvalidInput,
    NotAuthenticated,
    NotPermitted,
    ReauthenticationRequired,
    Refusal,
)
from limen.kernel.secret import Secret
from limen.sessions.resume import resume
from limen.tenants.policy import DEFAULT_POLICY
from tests.house import OTHER_PASSWORD, PASSWORD, House, house

__all__ = ["house"]

EMOJI = "".join(chr(0x1F600 + number % 60) for number in range(0, 7 * 60, 7))
CONTEXT = ("ada.lovelace@example.com", "Acme Corporation", "Ada Lovelace")


def check(raw: str, *, has_mfa: bool = False) -> str:
    return check_new_password(
        Secret(raw), policy=DEFAULT_POLICY, context=CONTEXT, has_mfa=has_mfa
    ).reveal()


def refusal(raw: str, *, has_mfa: bool = False) -> str:
    with pytest.raises(InvalidInput) as refused:
        check(raw, has_mfa=has_mfa)
    assert refused.value.field == "password"
    assert len(raw) < 9 or raw not in refused.value.public
    return refused.value.code


@pytest.mark.parametrize(
    ("raw", "has_mfa"),
    [
        ("xk4 otter nine9", False),
        ("kz otter", True),
        ("   k  w  z  q   ", False),
        ("violet tractor hums at dawn", False),
        ("alllowercaseotherwise", False),
        ("7305918264730518264", False),
        (EMOJI[:15], False),
        ("violet tractor hums at dawn then rests by the silver pond again.", False),
        ("violet tractor hums at dawn then rests by the silver pond again." * 2, False),
        ("пароль выдры под мостом", False),
    ],
)
def test_n263_long_enough_is_enough(raw: str, has_mfa: bool) -> None:
    assert check(raw, has_mfa=has_mfa) == unicodedata.normalize("NFC", raw)


@pytest.mark.parametrize(
    ("raw", "has_mfa"),
    [("", False), ("xk4 otter nine", False), ("kzotter", True), (EMOJI[:14], False), ("", True)],
)
def test_n263_too_short_is_refused(raw: str, has_mfa: bool) -> None:
    assert refusal(raw, has_mfa=has_mfa) == "password_too_short"


def test_n263_lengths_are_counted_in_code_points() -> None:
    decomposed = unicodedata.normalize("NFD", "éèêëéèêëéèêëéè")
    assert len(decomposed) == 28
    assert refusal(decomposed) == "password_too_short"
    assert check("kéèêëéèô żółw 9x")
    assert refusal("xy otter " * 29) == "password_too_long"
    assert refusal("e\u0301" * 2000) == "password_too_long"


@pytest.mark.parametrize(
    "raw",
    [
        "passwordpassword",
        "Password Password!",
        "P@ssw0rd12345678",
        "P4$$w0rd-P4$$w0rd",
        "Password1234567890!",
        "123456password123456",
        "iloveyouiloveyou1",
        "!!!!changeme123!!!!",
        "supercalifragilisticexpialidocious",
    ],
)
def test_n264_common_passwords_are_refused(raw: str) -> None:
    assert refusal(raw) == "password_too_common"


@pytest.mark.parametrize(
    "raw",
    ["password", "Passw0rd1", "sunshine", "football1", "iloveyou!", "princess2024", "trustno1"],
)
def test_n264_common_passwords_are_refused_beside_a_second_factor(raw: str) -> None:
    assert refusal(raw, has_mfa=True) == "password_too_common"


@pytest.mark.parametrize(
    "raw",
    [
        "aaaaaaaaaaaaaaaa",
        "123456789012345",
        "0987654321098765",
        "qwertyuiopasdfgh",
        "lkjhgfdsapoiuytrewq",
        "abcdefghijklmnop",
        "defdefdefdefdefdef",
        "111111222222333333",
        "1qaz2wsx3edc4rfv",
        "qwertzuiopasdfghj",
        "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
    ],
)
def test_n264_rows_and_repetitions_are_refused(raw: str) -> None:
    assert refusal(raw) == "password_sequential"


@pytest.mark.parametrize(
    "raw",
    [
        "ada.lovelace@example.com",
        "adalovelace2024!",
        "ADA-LOVELACE-1815",
        "AcmeAcmeAcmeAcme",
        "acme corporation 1",
        "LimenLimenLimen1",
        "lovelace-password-123",
    ],
)
def test_n264_names_of_person_tenant_and_product_are_refused(raw: str) -> None:
    assert refusal(raw) == "password_has_context"


def test_n264_a_name_in_a_long_phrase_is_no_reason() -> None:
    assert check("acme never sold me a decent anvil")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x" * 71 + "yA", "x" * 71 + "yB"),
        ("x" * 200 + "A", "x" * 200 + "B"),
        ("violet tractor\x00hums", "violet tractor\x00sings"),
        ("Violet tractor hums", "violet tractor hums"),
        ("violet tractor hums", "violet tractor hums "),
        ("violet tractor hums", " violet tractor hums"),
        ("violet tractor hums", "violet  tractor hums"),
        ("ﬁne tractor hums on", "fine tractor hums on"),
    ],
)
async def test_n265_nothing_is_cut_trimmed_or_folded(one: str, other: str) -> None:
    hasher = PasswordHasher(cost=Cost(memory_kib=8, passes=1))
    stored = await hasher.hash(normalise(Secret(one)))
    assert await hasher.verify(stored, normalise(Secret(one)))
    assert not await hasher.verify(stored, normalise(Secret(other)))
    hasher.close()


@pytest.mark.parametrize("text", ["Ångström żółw äöü ñandú", EMOJI * 2])
def test_n266_one_text_in_two_forms_is_one_password(text: str) -> None:
    forms = {
        normalise(Secret(unicodedata.normalize(form, text))).reveal() for form in ("NFC", "NFD")
    }
    assert len(forms) == 1


@pytest.mark.parametrize("raw", ["\ud800" * 16, "violet tractor \udcff hums"])
def test_n266_what_is_no_unicode_text_is_refused(raw: str) -> None:
    with pytest.raises(InvalidInput, match="password_invalid"):
        normalise(Secret(raw))


@given(st.text(alphabet=st.characters(), max_size=300), st.booleans())
def test_any_text_is_accepted_or_refused_with_a_reason(raw: str, has_mfa: bool) -> None:
    try:
        accepted = check(raw, has_mfa=has_mfa)
    except InvalidInput as refused:
        accepted, code = "", refused.code
    else:
        code = "password_"
    assert code.startswith("password_")
    assert not accepted or len(accepted) >= (8 if has_mfa else 15)


async def change(
    house: House, actor: Actor, *, current: str = PASSWORD, new: str = OTHER_PASSWORD
) -> None:
    await house.run(
        lambda work: change_password(
            work,
            raw_current=Secret(current),
            raw_new=Secret(new),
            hasher=house.hasher,
            envelope=house.envelope,
        ),
        actor=actor,
    )


@pytest.mark.anyio
async def test_n268_a_change_needs_the_current_password_and_a_recent_sign_in(house: House) -> None:
    ada = await house.user("ada@example.com")
    actor, _ = await house.signed_in(ada)
    cases: list[tuple[Actor, str, str, type[Refusal]]] = [
        (actor, "", OTHER_PASSWORD, NotPermitted),
        (actor, OTHER_PASSWORD, OTHER_PASSWORD, NotPermitted),
        (actor, PASSWORD, PASSWORD, InvalidInput),
        (actor, PASSWORD, "short", InvalidInput),
        (actor, PASSWORD, "ada@example.com!", InvalidInput),
        (ANONYMOUS, PASSWORD, OTHER_PASSWORD, NotAuthenticated),
        (OPERATOR, PASSWORD, OTHER_PASSWORD, NotAuthenticated),
        (Actor("client", id="app"), PASSWORD, OTHER_PASSWORD, NotAuthenticated),
        (Actor("user", id=ada.id), PASSWORD, OTHER_PASSWORD, ReauthenticationRequired),
    ]
    for asking, current, new, refusal_kind in cases:
        with pytest.raises(refusal_kind):
            await change(house, asking, current=current, new=new)
    house.clock.advance(dt.timedelta(minutes=DEFAULT_POLICY.fresh_minutes))
    with pytest.raises(ReauthenticationRequired):
        await change(house, actor)

    async def body(work: Work) -> str:
        user = await check_password(
            work, email="ada@example.com", raw=Secret(PASSWORD), hasher=house.hasher
        )
        return user.id

    assert await house.run(body) == ada.id


@pytest.mark.anyio
async def test_n268_a_change_ends_every_other_session_and_is_told(house: House) -> None:
    ada = await house.user("ada@example.com")
    _, other = await house.signed_in(ada)
    actor, own = await house.signed_in(ada)
    await change(house, actor)
    assert await house.run(lambda work: resume(work, raw=other)) is None
    assert await house.run(lambda work: resume(work, raw=own)) is not None
    (mail,) = await house.mails("ada@example.com")
    assert mail.subject == "Your password at default was changed"
    with pytest.raises(NotPermitted, match="wrong_password"):
        await change(house, actor, new="a third one for the otter")


@pytest.mark.anyio
async def test_n268_who_has_no_password_changes_none(house: House) -> None:
    actor, _ = await house.signed_in(await house.user("ada@example.com", password=None))
    for current in ("", PASSWORD):
        with pytest.raises(NotPermitted, match="wrong_password"):
            await change(house, actor, current=current)
