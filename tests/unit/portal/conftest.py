from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from limen.kernel.actor import Actor
from limen.oauth.clients import Clients
from limen.portal.parts import TEMPLATES, Parts
from limen.portal.routes import pages
from tests.unit.signin.kit import Browser, WayIn, open_door
from tests.vaults import Vault, house, simulated, vault

__all__ = ["house", "portal", "simulated", "vault"]


@dataclass
class Portal:
    """A door with an account page behind it, and somebody who is in."""

    way: WayIn
    vault: Vault

    async def enter(self, email: str, password: str) -> tuple[Browser, Actor]:
        browser = self.way.browser()
        answer = await browser.sign_in(email, password)
        assert answer.status_code == 303
        me = (await browser.open("/api/v1/auth/me")).json()
        actor = Actor("user", id=me["id"], session_id=me["session_id"], amr=("pwd",))
        return browser, actor

    async def account(self, browser: Browser) -> httpx2.Response:
        return await browser.open("/account")


@pytest.fixture
async def portal(vault: Vault) -> AsyncIterator[Portal]:
    way = await open_door(vault.house, vault.house.works)
    way.template_dirs.append(TEMPLATES)
    parts = Parts(pages=way.parts.pages, clients=Clients(), door=way.parts.door, vault=vault.parts)
    way.more.extend(pages(parts))
    yield Portal(way, vault)
    await way.close()
