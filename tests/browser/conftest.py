"""Chromium, in front of a real server process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.elsewhere import Elsewhere, elsewhere
from tests.browser.stage import Person, Stage
from tests.servers import running

# No sandbox: test machines run as the superuser, where Chromium's can't work.
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
PATIENCE: Final = 15_000
"""Milliseconds for anything to happen, on a machine that runs other tests too."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("Chromium is missing: `apt-get install chromium`, or ask who may.")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running(tmp_path_factory.mktemp("browser")) as server:
        yield Stage(server)


@pytest.fixture
def person(stage: Stage) -> Person:
    return stage.person()


@pytest.fixture
def context(chromium: Browser, stage: Stage) -> Iterator[BrowserContext]:
    """A browser of one's own, with scripts."""
    yield from _browsing(chromium, stage, scripts=True)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def any_page(request: pytest.FixtureRequest, chromium: Browser, stage: Stage) -> Iterator[Page]:
    """A page with scripts, and one without: every form works either way."""
    for made in _browsing(chromium, stage, scripts=request.param):
        yield made.new_page()


def _browsing(chromium: Browser, stage: Stage, *, scripts: bool) -> Iterator[BrowserContext]:
    made = chromium.new_context(base_url=stage.url, java_script_enabled=scripts)
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


@pytest.fixture(scope="module")
def far() -> Iterator[Elsewhere]:
    with elsewhere() as origin:
        yield origin


@pytest.fixture(scope="module")
def near(far: Elsewhere) -> Iterator[Elsewhere]:
    """An origin that redirects on to ``far``."""
    with elsewhere(far.origin) as origin:
        yield origin
