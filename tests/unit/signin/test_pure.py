from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.secret import Secret
from limen.signin.continue_url import is_local_path
from limen.signin.journey import STEP_NAMES, STEPS, Progress, Rules, next_step
from limen.signin.known_device import known_device, remember_account

KEY = Secret(b"k" * 32)


@pytest.mark.parametrize(
    "path", ["/", "/account", "/t/acme/oauth2/authorize/continue?interaction=x", "/a?b=https://x/"]
)
def test_paths_of_this_site(path: str) -> None:
    assert is_local_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "account",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\nb",
        "/a\r\nSet-Cookie: x",
        "/ä",
        "/a b",
        "/a\\b",
        "/\t/evil.example",
    ],
)
def test_everything_else_leads_away(path: str) -> None:
    assert not is_local_path(path)


def test_a_verified_address_is_asked_for_only_where_the_tenant_does() -> None:
    progress = Progress(is_verified=False, amr=("pwd",))
    assert next_step(progress, rules=Rules()) is None
    assert next_step(progress, rules=Rules(require_verified_email=True)) == "verify_email"


def test_the_steps_come_in_their_order_and_each_is_left_behind() -> None:
    strict = Rules(require_verified_email=True, require_second_factor=True)
    everything = Progress(
        amr=("pwd",),
        has_factor=True,
        is_verified=False,
        must_change_password=True,
        must_accept_terms=True,
    )
    passed = ("pwd", "otp", "mfa")
    assert next_step(everything, rules=strict) == "second_factor"
    there = replace(everything, amr=passed)
    assert next_step(there, rules=strict) == "verify_email"
    there = replace(there, is_verified=True)
    assert next_step(there, rules=strict) == "change_password"
    there = replace(there, must_change_password=False)
    assert next_step(there, rules=strict) == "accept_terms"
    assert next_step(replace(there, must_accept_terms=False), rules=strict) is None
    bare = replace(there, has_factor=False, amr=("pwd",))
    assert next_step(bare, rules=strict) == "enrol_factor"
    assert [name for name, _ in STEPS] == list(STEP_NAMES)


def test_a_password_nobody_used_need_not_be_replaced() -> None:
    by_provider = Progress(amr=("fed",), must_change_password=True)
    assert next_step(by_provider, rules=Rules()) is None


def test_a_device_knows_the_accounts_it_signed_in_to_and_no_other() -> None:
    cookie = remember_account(None, account="ada", key=KEY)
    device = known_device(cookie, account="ada", key=KEY)
    assert device is not None
    assert known_device(cookie, account="bob", key=KEY) is None
    assert known_device(cookie, account="ada", key=Secret(b"x" * 32)) is None
    both = remember_account(cookie, account="bob", key=KEY)
    assert known_device(both, account="ada", key=KEY) == device
    assert known_device(both, account="bob", key=KEY) == device


def test_it_keeps_the_last_four() -> None:
    cookie = None
    for number in range(9):
        cookie = remember_account(cookie, account=f"user{number}", key=KEY)
    known = [n for n in range(9) if known_device(cookie, account=f"user{n}", key=KEY)]
    assert known == [5, 6, 7, 8]
    assert cookie is not None
    assert len(cookie) == 22 * 5 + 4


def test_signing_in_again_does_not_push_others_out() -> None:
    cookie = remember_account(None, account="bob", key=KEY)
    for _ in range(9):
        cookie = remember_account(cookie, account="ada", key=KEY)
    assert known_device(cookie, account="bob", key=KEY)


@given(st.one_of(st.none(), st.text(max_size=200)))
def test_a_cookie_of_anything_is_nobody_and_replaced(cookie: str | None) -> None:
    assert known_device(cookie, account="ada", key=KEY) is None
    assert known_device(remember_account(cookie, account="ada", key=KEY), account="ada", key=KEY)


def test_a_proof_of_one_device_is_none_of_another() -> None:
    one = remember_account(None, account="ada", key=KEY)
    two = remember_account(None, account="bob", key=KEY)
    mixed = two.split(".")[0] + "." + one.split(".")[1]
    assert known_device(mixed, account="ada", key=KEY) is None
