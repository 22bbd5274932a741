from __future__ import annotations

import datetime as dt
import re

import httpx2
import pytest

from tests.house import PASSWORD
from tests.unit.mfa.kit import App
from tests.unit.portal.conftest import Portal
from tests.unit.signin.kit import Browser

pytestmark = pytest.mark.anyio
ADA = "ada@example.org"


async def begun(portal: Portal) -> tuple[Browser, httpx2.Response, App]:
    await portal.way.house.user(ADA)
    browser, _ = await portal.enter(ADA, PASSWORD)
    page = await browser.open("/account/two-step")
    found = re.search(r'id="totp-secret">([A-Z2-7 ]+)<', page.text)
    assert found is not None
    return browser, page, App.of(portal.way.house.clock, found[1])


async def test_setting_up_renewing_and_removing(portal: Portal) -> None:
    browser, page, app = await begun(portal)
    other, _ = await portal.enter(ADA, PASSWORD)
    wrong = await browser.press(page, "mfa-submit", {"code": "000000"})
    assert wrong.status_code == 422
    codes = await browser.press(wrong, "mfa-submit", {"code": app.code()})
    assert codes.text.count("<li><code>") == 10
    assert (await other.open("/account")).status_code == 303
    account = await browser.open("/account?done=two-step-on")
    assert "10 recovery codes left" in account.text
    manage = await browser.open("/account/two-step")
    renewed = await browser.press(manage, "codes-renew")
    assert renewed.text.count("<li><code>") == 10
    gone = await browser.press(manage, "two-step-remove")
    assert gone.headers["location"] == "/account?done=two-step-off"


@pytest.mark.parametrize("button", ["codes-renew", "two-step-remove"])
async def test_n269_an_old_session_signs_in_again_first(portal: Portal, button: str) -> None:
    browser, page, app = await begun(portal)
    await browser.press(page, "mfa-submit", {"code": app.code()})
    manage = await browser.open("/account/two-step")
    portal.way.house.clock.advance(dt.timedelta(hours=1))
    for answer in (
        await browser.open("/account/two-step"),
        await browser.press(manage, button),
    ):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?reauth=1")
    again = await browser.sign_in(ADA, PASSWORD, at="/sign-in?reauth=1&continue=/account/two-step")
    page = await browser.open(again.headers["location"])
    back = await browser.press(page, "mfa-submit", {"code": app.code()})
    assert back.headers["location"] == "/account/two-step"
    assert 'id="two-step-remove"' in (await browser.open("/account/two-step")).text
