"""What ``tools/conformance_suite.py`` has the suite's browser do, done."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from limen.testing.visitor import Page, Visitor
from tests.installation import PASSWORD, Installation, Known
from tests.oauth_client import Flow
from tests.standings import EACH_ONCE
from tools.conformance_suite import (
    ASKED,
    LOOKED_AT,
    OURS,
    REFUSED,
    SHOT,
    SIGNED_OUT,
    Visit,
    main,
    with_clients,
)

pytestmark = EACH_ONCE

SUITE: Final = "https://suite.example"
AT: Final = f"{SUITE}/test/a/limen"


@dataclass(slots=True)
class Driven:
    """A browser that does what a configuration says, as the suite's does.

    Args:
        shots: The pages that the suite would keep as screenshots.
    """

    browser: Visitor
    configuration: dict[str, Any]
    shots: list[Page] = field(default_factory=list)

    async def visit(self, url: str, *, module: str = "") -> Page:
        """Visit an address in a module; return where it ends."""
        visits = self.configuration["override"].get(module, self.configuration)["browser"]
        (tasks,) = (each["tasks"] for each in visits if _matches(each["match"], url))
        page = await self.browser.open(url)
        for task in tasks:
            if _matches(task.get("match", "*"), page.url):
                page = await self._do(page, task.get("commands", []))
            else:
                assert task["optional"], (task["task"], page.url, page.text[:800])
        return page

    async def _do(self, page: Page, commands: list[list[Any]]) -> Page:
        typed: dict[str, str] = {}
        for verb, how, target, *more in commands:
            if how == "match":
                assert re.search(target, page.url), (page.url, page.text[:800])
            elif page.url.startswith(SUITE):
                assert target == "submission_complete"
            elif verb == "text":
                typed[target] = more[0]
            elif verb == "click":
                page, typed = await self.browser.press(page, target, typed), {}
            else:
                assert page.has(target), (target, page.text[:800])
                assert re.search(more[1], page.text), more
                self.shots += [page] if more[2].startswith(SHOT) else []
        return page


def _matches(pattern: str, url: str) -> bool:
    assert pattern.endswith("*")
    return url.startswith(pattern[:-1])


async def driven(limen: Installation) -> tuple[Driven, Known]:
    person = await limen.person()
    visit = Visit(
        issuer=limen.issuer, suite=SUITE, alias="limen", email=person.email, password=PASSWORD
    )
    client = await limen.client(
        redirect_uris=(f"{AT}/callback",), post_logout_redirect_uris=(f"{AT}/post_logout_redirect",)
    )
    return Driven(person.browser, visit.configuration()), client


async def test_it_signs_in_agrees_and_arrives(limen: Installation) -> None:
    suite, client = await driven(limen)
    flow = Flow(limen, client)
    page = await suite.visit(flow.url())
    assert page.url.startswith(f"{AT}/callback?")
    assert "code" in page.query
    assert [shot.has("sign-in-submit") for shot in suite.shots] == [True]
    page = await suite.visit(flow.url(prompt="login"), module="oidcc-prompt-login")
    assert "code" in page.query
    assert [shot.has("sign-in-submit") for shot in suite.shots] == [True, True]


async def test_it_sees_the_pages_that_modules_ask_for(limen: Installation) -> None:
    suite, client = await driven(limen)
    flow = Flow(limen, client)
    for module in LOOKED_AT:
        await suite.visit(flow.url(), module=module)
    assert len(suite.shots) == len(LOOKED_AT)
    for module in REFUSED:
        page = await suite.visit(flow.url(redirect_uri=f"{AT}/other"), module=module)
        assert page.has("error-page"), module
        assert suite.shots.pop() == page
    page = await suite.visit(flow.url(response_type=""), module="oidcc-response-type-missing")
    assert page.query["error"] == "invalid_request"


async def test_it_signs_out_as_modules_ask(limen: Installation) -> None:
    suite, client = await driven(limen)
    flow = Flow(limen, client)
    logout = f"{limen.issuer}/oauth2/logout"
    for module in SIGNED_OUT:
        await suite.visit(flow.url())
        page = await suite.visit(f"{logout}?state=s", module=module)
        assert page.has("logged-out"), module
        assert suite.shots[-1] == page
    answer = await flow.redeem((await suite.visit(flow.url())).query["code"])
    asked = {
        "id_token_hint": answer.json()["id_token"],
        "post_logout_redirect_uri": f"{AT}/post_logout_redirect",
        "state": "s",
    }
    for module in ASKED:
        page = await suite.visit(f"{logout}?state=s", module=module)
        assert page.has("logout-yes"), module
        assert suite.shots[-1] == page
    page = await suite.visit(f"{logout}?{urlencode(asked)}")
    assert page.url == f"{AT}/post_logout_redirect?state=s"


async def test_discovery_has_the_members_that_it_says_are_ours(limen: Installation) -> None:
    answer = await limen.api.fetch("GET", "/.well-known/openid-configuration")
    assert [name for name in OURS if name not in answer.json()] == []


async def test_it_is_printed_with_the_clients_made_by_hand(
    limen: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"issuer": limen.issuer, "alias": "limen", "email": "a@b.example", "password": "x"}
    clients = ["one:se:cret", "two:s", "post:s"]
    given = [word for name, value in asked.items() for word in (f"--{name}", value)]
    main([*given, *(word for client in clients for word in ("--client", client))])
    said = json.loads(capsys.readouterr().out)
    visit = Visit(**asked, suite="https://www.certification.openid.net")
    assert said == with_clients(visit.configuration(), clients)
    assert said["client"] == {"client_id": "one", "client_secret": "se:cret"}
    assert said["client_secret_post"]["client_id"] == "post"
