from __future__ import annotations

import datetime as dt
import re

import pytest

from limen.db.work import Work
from limen.kernel.site import Site
from limen.signin.continue_url import read_continue, sign_continue
from limen.signin.parts import ProviderButton
from limen.tenants.store import ensure_tenant_row
from tests.house import OTHER_PASSWORD, PASSWORD
from tests.unit.signin.kit import WayIn, error_code

pytestmark = pytest.mark.anyio

CONTINUE = "/oauth2/authorize/continue?interaction=abc"


async def signed(way: WayIn, path: str = CONTINUE) -> str:
    return await way.run(lambda work: sign_continue(work, envelope=way.house.envelope, path=path))


async def test_signing_up_confirming_and_signing_in(way: WayIn) -> None:
    browser = way.browser()
    page = await browser.open("/sign-up")
    fields = {"email": "ada@example.org", "password": PASSWORD, "name": "Ada"}
    sent = await browser.press(page, "sign-up-submit", fields)
    assert 'id="check-mail"' in sent.text
    token = await way.house.newest_link("ada@example.org")
    page = await browser.open(f"/verify-email?token={token.reveal()}")
    assert await way.count("sessions") == 0
    done = await browser.press(page, "verify-submit")
    assert 'id="email-verified"' in done.text
    answer = await browser.sign_in("ada@example.org", PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert browser.session is not None


async def test_the_code_of_the_mail_does_as_well(way: WayIn) -> None:
    browser = way.browser()
    page = await browser.open("/sign-up")
    sent = await browser.press(
        page, "sign-up-submit", {"email": "ada@example.org", "password": PASSWORD}
    )
    mail = (await way.house.mails("ada@example.org"))[0]
    found = re.search(r"\b(\d{8})\b|\b(\d{4} \d{4})\b", mail.text)
    assert found is not None
    wrong = await browser.press(sent, "verify-submit", {"code": "00000000"})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text
    done = await browser.press(wrong, "verify-submit", {"code": found[0]})
    assert 'id="email-verified"' in done.text


async def test_n130_where_two_signed_up_the_page_asks_for_ones_own_password(way: WayIn) -> None:
    browser = way.browser()
    page = await browser.open("/sign-up")
    fields = {"email": "ada@example.org", "password": OTHER_PASSWORD}  # a stranger's
    await browser.press(page, "sign-up-submit", fields)
    way.house.clock.advance(dt.timedelta(seconds=1))
    page = await browser.open("/sign-up")
    sent = await browser.press(page, "sign-up-submit", {**fields, "password": PASSWORD})
    token = await way.house.newest_link("ada@example.org")
    found = re.search(r"\b\d{8}\b", (await way.house.mails("ada@example.org"))[0].text)
    assert found is not None
    asked = await browser.press(sent, "verify-submit", {"code": found[0]})
    assert (asked.status_code, 'href="#password"' in asked.text) == (422, True)
    assert f'value="{found[0]}"' in asked.text
    page = await browser.open(f"/verify-email?token={token.reveal()}")
    wrong = await browser.press(page, "verify-submit", {"password": OTHER_PASSWORD})
    assert (wrong.status_code, 'id="password-error"' in wrong.text) == (422, True)
    done = await browser.press(wrong, "verify-submit", {"password": PASSWORD})
    assert 'id="email-verified"' in done.text
    assert (await browser.sign_in("ada@example.org", PASSWORD)).status_code == 303


async def test_wrong_fields_are_named_and_what_was_typed_stays(way: WayIn) -> None:
    browser = way.browser()
    page = await browser.open("/sign-up")
    again = await browser.press(
        page, "sign-up-submit", {"email": "ada@example.org", "password": "canary"}
    )
    assert again.status_code == 422
    assert 'role="alert"' in again.text
    assert 'href="#password"' in again.text
    assert 'id="password-error"' in again.text
    assert 'value="ada@example.org"' in again.text
    assert "canary" not in again.text
    done = await browser.press(again, "sign-up-submit", {"password": PASSWORD})
    assert 'id="check-mail"' in done.text


async def test_signing_in_goes_on_where_it_was_asked_for(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    target = await signed(way)
    browser = way.browser()
    answer = await browser.sign_in("ada@example.org", PASSWORD, at=f"/sign-in?continue={target}")
    assert answer.headers["location"] == CONTINUE
    again = await browser.open(f"/sign-in?continue={target}")
    assert (again.status_code, again.headers["location"]) == (303, CONTINUE)
    shown = await browser.open(f"/sign-in?continue={target}&reauth=1")
    assert shown.status_code == 200
    assert 'value="ada@example.org"' in shown.text


async def test_cancelling_says_so_where_it_was_asked_for(way: WayIn) -> None:
    target = await signed(way)
    browser = way.browser()
    page = await browser.open(f"/sign-in?continue={target}")
    answer = await browser.press(page, "sign-in-cancel")
    assert answer.status_code == 303
    assert answer.headers["location"] == CONTINUE + "&cancelled=1"
    plain = await browser.open("/sign-in")
    assert "sign-in-cancel" not in plain.text


@pytest.mark.parametrize(
    "raw",
    [
        "https://evil.example",
        "//evil.example",
        "/oauth2/authorize",
        "/account/../x",
        "L2E.AAAAAAAAAAAAAAAAAAAAAA",
        "x" * 5000,
        "\x00",
    ],
)
async def test_nothing_unsigned_is_gone_to(way: WayIn, raw: str) -> None:
    await way.house.user("ada@example.org")
    browser = way.browser()
    page = await browser.open("/sign-in")
    fields = {"email": "ada@example.org", "password": PASSWORD, "continue": raw}
    answer = await browser.press(page, "sign-in-submit", fields)
    assert answer.headers.get("location", "/account") == "/account"


async def test_what_one_tenant_signed_is_nothing_to_another(way: WayIn) -> None:
    target = await signed(way)
    envelope = way.house.envelope
    other = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")

    async def elsewhere(work: Work) -> str | None:
        await ensure_tenant_row(work)
        await envelope.create_keys(work)
        return await read_continue(work, envelope=envelope, raw=target)

    assert (
        await way.run(lambda work: read_continue(work, envelope=envelope, raw=target)) == CONTINUE
    )
    assert await way.house.works.run(other, elsewhere) is None


@pytest.mark.parametrize("path", ["//evil.example/x", "https://evil.example", "/a b", ""])
async def test_a_path_off_this_site_is_never_signed(way: WayIn, path: str) -> None:
    with pytest.raises(ValueError, match="this site"):
        await signed(way, path)


async def test_the_page_is_a_form_that_needs_no_script(way: WayIn) -> None:
    async def providers(_: Work) -> list[ProviderButton]:
        return [ProviderButton("google", "Google")]

    way.list_providers = providers
    page = await way.browser().open("/sign-in?login_hint=%22%3E%3Cscript%3Ex@y.z")
    assert "<script" not in page.text
    assert 'method="post"' in page.text
    assert 'name="email"' in page.text
    assert 'name="password"' in page.text
    assert 'id="provider-google"' in page.text
    assert "/api/v1/auth/oauth2/google/start" in page.text
    assert "form-action" not in page.headers["content-security-policy"]


async def test_forgetting_and_resetting(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    browser = way.browser()
    old = way.browser()
    await old.sign_in("ada@example.org", PASSWORD)
    page = await browser.open("/forgot-password")
    sent = await browser.press(page, "forgot-submit", {"email": "ada@example.org"})
    assert 'id="forgot-sent"' in sent.text
    token = (await way.house.newest_link("ada@example.org")).reveal()
    page = await browser.open(f"/reset-password?token={token}")
    short = await browser.press(page, "reset-submit", {"password": "short"})
    assert short.status_code == 422
    done = await browser.press(short, "reset-submit", {"password": OTHER_PASSWORD})
    assert 'id="reset-done"' in done.text
    assert browser.session is None
    assert (await old.open("/sign-in")).status_code == 200
    assert error_code(await browser.open(f"/reset-password?token={token}")) == "link_invalid"
    assert (await browser.sign_in("ada@example.org", OTHER_PASSWORD)).status_code == 303


async def test_signing_out_asks_first(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    browser = way.browser()
    await browser.sign_in("ada@example.org", PASSWORD)
    page = await browser.open("/sign-out")
    kept = await browser.press(page, "logout-no")
    assert kept.headers["location"] == "/account"
    assert browser.session is not None
    gone = await browser.press(await browser.open("/sign-out"), "logout-yes")
    assert 'id="logged-out"' in gone.text
    assert browser.session is None
    assert 'id="logged-out"' in (await browser.open("/sign-out")).text


async def test_the_same_person_again_keeps_the_session_under_a_new_cookie(way: WayIn) -> None:
    user = await way.house.user("ada@example.org")
    browser = way.browser()
    await browser.sign_in("ada@example.org", PASSWORD)
    first = browser.session
    way.house.clock.advance(dt.timedelta(hours=1))
    await browser.sign_in("ada@example.org", PASSWORD, at="/sign-in?reauth=1")
    assert browser.session != first
    assert await way.count("sessions") == 1
    assert [event.name for event in way.heard if "session" in event.name][-1] == (
        "account:session:elevated"
    )
    assert user.id


async def test_somebody_else_on_the_same_browser_ends_the_first_session(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    await way.house.user("bob@example.org")
    browser = way.browser()
    await browser.sign_in("ada@example.org", PASSWORD)
    stolen = browser.session
    await browser.sign_in("bob@example.org", PASSWORD, at="/sign-in?reauth=1")
    other = way.browser()
    other.client.cookies.set("lm_session_testtenant", stolen or "")
    assert (await other.open("/sign-in")).status_code == 200


async def test_without_pages_there_are_none(way: WayIn) -> None:
    way.policy(pages=False)
    for path in ("/sign-in", "/sign-up", "/sign-out", "/forgot-password", "/verify-email"):
        answer = await way.browser().open(path, accept="text/html")
        assert (answer.status_code, answer.json()["code"]) == (404, "pages_off")


async def test_too_many_attempts_are_told_with_a_time(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    browser = way.browser()
    for _ in range(5):
        await browser.sign_in("ada@example.org", "not the right one at all")
    page = await browser.sign_in("ada@example.org", PASSWORD)
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) <= 31
    assert "Too many attempts" in page.text
    assert 'id="sign-in-submit"' in page.text
