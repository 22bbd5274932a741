"""A second Limen, at which the first is a client: people sign in with it, and connect it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from limen.testing.visitor import Page, Visitor
from tests.interop.conftest import Installation
from tests.servers import PASSWORD, Server

pytestmark = pytest.mark.anyio
EMAIL = "grace@example.net"


@pytest.fixture(scope="module")
def upstream(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("upstream"))
    # Cookies know no ports: another host name keeps the two apart in a browser.
    server.base_url = server.base_url.replace("localhost", "127.0.0.1")
    server.environment["LIMEN_BASE_URL"] = server.base_url
    server.start()
    try:
        server.create_user(EMAIL)
        callback = f"{installation.issuer}/api/v1"
        made = server.cli(
            *("client", "create", "The first Limen", "--type", "web"),
            *("--redirect-uri", f"{callback}/auth/oauth2/upstream/callback"),
            *("--redirect-uri", f"{callback}/oauth/upstream/callback"),
            *("--scope", "openid email profile offline_access"),
        )
        installation.server.cli(
            *("provider", "set", "upstream", "--client-id", made["client_id"]),
            *("--client-secret-stdin", "--issuer", server.base_url),
            *("--scope", "openid email profile", "--connect-scope", "openid offline_access"),
            stdin=made["client_secret"],
        )
        yield server
    finally:
        server.stop()


async def _agree(visitor: Visitor, page: Page) -> Page:
    for _ in range(3):
        if page.url.startswith("http://127.0.0.1") and page.has("sign-in-submit"):
            page = await visitor.sign_in(EMAIL, PASSWORD, at=page)
        elif page.has("consent-allow"):
            page = await visitor.press(page, "consent-allow")
    return page


async def _token(visitor: Visitor, connection: str) -> dict[str, str]:
    page = await visitor.open(f"/api/v1/oauth/connections/{connection}/token")
    assert page.status == 200, page.text
    return dict(page.json())


async def test_a_limen_signs_people_in_at_another_and_is_connected(
    installation: Installation, upstream: Server
) -> None:
    async with Visitor(installation.issuer, also=[upstream.base_url]) as visitor:
        page = await _agree(visitor, await visitor.open("/api/v1/auth/oauth2/upstream/start"))
        assert (page.status, page.url) == (200, f"{installation.issuer}/account")
        page = await visitor.open("/account/connect/upstream")
        page = await _agree(visitor, await visitor.press(page, "connect-continue"))
        if page.has("confirm-connect"):
            page = await visitor.press(page, "confirm-connect")
        assert page.status == 200, page.text[:800]
        listed = await visitor.open("/api/v1/oauth/connections?provider=upstream")
        [connection] = listed.json()["items"]
        first = await _token(visitor, connection["id"])
        for server in (upstream, installation.server):
            async with Visitor(server.base_url) as clock:
                moved = {"advance_seconds": 1800}
                page = await clock.fetch("POST", "/dev/clock", body=moved)
                assert page.status == 200, page.text
        second = await _token(visitor, connection["id"])
        assert second["generation"] > first["generation"]
        for raw, status in ((second["access_token"], 200), (first["access_token"], 401)):
            headers = {"Authorization": f"Bearer {raw}"}
            about = await visitor.fetch(
                "GET", f"{upstream.base_url}/oauth2/userinfo", headers=headers
            )
            assert about.status == status, about.text
