"""A client's logo: fetched once after it registered, made anew, shown from an address of ours."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import itertools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from PIL import Image

from limen.accounts.profile.pictures import new_encoder
from limen.db.outbox import Delivery, OutboxLoop
from limen.db.work import Work, Works
from limen.kernel.actor import ANONYMOUS
from limen.kernel.errors import NotFound, ProviderUnavailable
from limen.kernel.site import Site
from limen.net import Net
from limen.oauth.endpoints import logos
from limen.oauth.model import Client
from limen.oauth.parts import Parts
from limen.oauth.registry.disable_client import delete_client, disable_client
from limen.oauth.registry.logo import KIND, logo_handler, read_logo
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.settings.sections import NetSettings
from limen.tenants.policies.registration import RegistrationPolicy
from limen.tenants.policy import TenantPolicy
from tests.unit.net.servers import Listener, answer, listening
from tests.unit.oauth.http_kit import Known, Server, serve, under
from tests.unit.oauth.journey_kit import Browser, extend, request_of

pytestmark = pytest.mark.anyio


def drawn(colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 100), colour).save(out, "PNG")
    return out.getvalue()


LOGO = answer(drawn())
_numbers = itertools.count()


@dataclass
class Studio:
    """An authorization server whose outbox is run by hand."""

    server: Server
    net: Net
    site: Site
    failures: list[str] = field(default_factory=list)

    @property
    def handler(self) -> Callable[[Delivery], Awaitable[None]]:
        return logo_handler(works=self.server.works, net=self.net, encoder=new_encoder())

    async def deliver(self) -> int:
        async def site_of(_: str) -> Site:
            return self.site

        def fail(_: str, name: str) -> None:
            self.failures.append(name)

        loop = OutboxLoop(self.server.works, {KIND: self.handler}, site_of=site_of, on_failure=fail)
        return await loop.run_once()

    async def client(self, logo_uri: str, **changes: Any) -> Known:
        return await self.server.client(metadata={"logo_uri": logo_uri}, **changes)

    async def change(self, client: Known, **members: object) -> None:
        changes = ClientChanges(metadata=members)
        await self.server.works.run(
            self.site, lambda work: update_client(work, client_id=client.id, changes=changes)
        )

    async def logo(self, client: Known) -> str:
        """The path of the logo, as whoever is asked about the client is told; else nothing."""

        async def body(work: Work) -> Client | None:
            return await self.server.parts.clients.fresh(work, client.id)

        found = await self.server.works.run(self.site, body)
        return f"/logos/{found.logo_id}" if found is not None and found.logo_id else ""

    async def get(self, path: str) -> httpx2.Response:
        return await self.server.http.get(path)


@pytest.fixture
async def studio(works: Works, site: Site) -> AsyncIterator[Studio]:
    def mount(app: FastAPI, parts: Parts) -> None:
        extend(app, parts)
        app.router.routes.extend(logos.routes())

    server = await serve(works, site, extend=mount)
    yield Studio(server, server.parts.net, site)
    await server.close()


async def shown(studio: Studio, client: Known) -> str:
    """The source of the image on the consent page; nothing without one."""
    browser = Browser(studio.server)
    await browser.sign_in(await studio.server.person(f"person{next(_numbers)}@app.example"))
    page = await browser.get((await browser.ask(client)).headers["location"])
    found = re.findall(r'<img class="logo" id="consent-logo" src="([^"]+)" alt="">', page.text)
    assert page.text.count("<img") == len(found)
    assert "img-src 'self'" in page.headers["content-security-policy"]
    return "".join(found)


async def test_it_is_fetched_once_and_shown_from_our_own_address(studio: Studio) -> None:
    async with listening(LOGO) as theirs:
        client = await studio.client(f"{theirs.url}/logo.png")
        assert await shown(studio, client) == ""
        assert await studio.deliver() == 1
        path = await studio.logo(client)
        assert await shown(studio, client) == path != ""
        first, again = await studio.get(path), await studio.get(path)
    assert len(theirs.requests) == 1
    assert (first.status_code, again.content) == (200, first.content)
    assert first.headers["content-type"] == "image/webp"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["content-security-policy"].endswith("; sandbox")
    assert first.headers["cache-control"] == "public, max-age=3600"
    image = Image.open(io.BytesIO(first.content))
    assert (image.format, image.size) == ("WEBP", (256, 64))  # all of it, not its middle


async def test_front_ends_are_told_where_ours_is(studio: Studio) -> None:
    async with listening(LOGO) as theirs:
        client = await studio.client(f"{theirs.url}/logo.png", first_party=True)
        await studio.deliver()
    opened = await studio.server.http.post("/api/v1/interactions", json=request_of(client))
    told = opened.json()["client"]
    assert told["logo_url"] == studio.site.issuer + await studio.logo(client)
    assert told["logo_uri"] == f"{theirs.url}/logo.png"


def reply_with(listener: Listener, kind: str) -> bytes:
    moved = f"Location: {listener.url}/logo.png\r\n"
    return {
        "redirect": answer(b"", status="302 Found", headers=moved),
        "missing": answer(b"", status="404 Not Found"),
        "svg": answer(b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        "large": answer(drawn() + b"\0" * (2 * 1024 * 1024)),
        "inside": LOGO,
    }[kind]


@pytest.mark.parametrize("kind", ["redirect", "missing", "svg", "large", "inside"])
async def test_n213_n229_what_is_no_logo_of_the_public_internet_is_not_shown(
    studio: Studio, kind: str
) -> None:
    if kind == "inside":
        studio.net = Net(NetSettings())
    servers: list[Listener] = []

    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        moved = b"/logo.png" in servers[0].requests[-1]
        writer.write(LOGO if moved else reply_with(servers[0], kind))
        await writer.drain()

    async with listening(reply) as theirs:
        servers.append(theirs)
        client = await studio.client(f"{theirs.url}/given")
        assert await studio.deliver() == 1
        assert (await studio.deliver(), studio.failures) == (0, [])
        assert len(theirs.requests) == (0 if kind == "inside" else 1)
    assert await shown(studio, client) == ""
    await studio.net.close()


async def test_another_logo_takes_its_place_and_none_takes_it_away(studio: Studio) -> None:
    async with listening(LOGO) as theirs:
        client = await studio.client(f"{theirs.url}/one.png")
        await studio.deliver()
        first = await studio.logo(client)
        await studio.change(client, client_name="Same logo")
        assert (await studio.deliver(), await studio.logo(client)) == (0, first)
        await studio.change(client, logo_uri=f"{theirs.url}/two.png")
        assert (await studio.get(first)).json()["code"] == "logo_not_found"
        assert await studio.logo(client) == ""
        await studio.deliver()
        second = await studio.logo(client)
        assert (await studio.get(second)).status_code == 200
        assert second != first
        await studio.change(client, logo_uri=None)
        assert await studio.deliver() == 0
    assert await studio.logo(client) == ""
    assert (await studio.get(second)).status_code == 404


async def test_a_logo_that_is_not_the_clients_any_more_is_not_kept(studio: Studio) -> None:
    known: list[Known] = []

    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await studio.change(known[0], logo_uri="https://10.1.2.3/never-called.png")
        writer.write(LOGO)
        await writer.drain()

    async with listening(reply) as slow, listening(LOGO) as other:
        known.append(await studio.client(f"{other.url}/stale.png"))
        await studio.change(known[0], logo_uri=f"{slow.url}/changed-meanwhile.png")
        while await studio.deliver():
            pass
        assert (len(slow.requests), len(other.requests)) == (1, 0)
    assert studio.failures == []
    assert await studio.logo(known[0]) == ""


async def test_it_goes_with_its_client_and_is_of_its_tenant_alone(studio: Studio) -> None:
    async with listening(LOGO) as theirs:
        client = await studio.client(f"{theirs.url}/logo.png")
        await studio.deliver()
    path = await studio.logo(client)
    other = dataclasses.replace(studio.site, tenant_id="othertenant", slug="other")
    logo_id = path.rpartition("/")[2]
    with pytest.raises(NotFound, match="logo_not_found"):
        await studio.server.works.run(other, lambda work: read_logo(work, logo_id=logo_id))
    assert (await studio.get(path)).status_code == 200
    await studio.server.run(lambda work: delete_client(work, client_id=client.id))
    assert (await studio.get(path)).status_code == 404


async def test_a_tenant_may_show_only_logos_of_clients_somebody_vouched_for(
    studio: Studio,
) -> None:
    async def vouch(client: Known, *, verified: bool) -> None:
        changes = ClientChanges(flags={"verified": verified})
        await studio.server.works.run(
            studio.site, lambda work: update_client(work, client_id=client.id, changes=changes)
        )

    open_site = studio.site
    policy = TenantPolicy(registration=RegistrationPolicy(unverified_logos=False))
    careful = under(studio.site, policy)
    async with listening(LOGO) as theirs:
        client = await studio.client(f"{theirs.url}/logo.png", verified=False)
        await studio.deliver()
        path = await studio.logo(client)
        assert path != ""
        studio.site = careful
        assert await studio.logo(client) == ""
        with pytest.raises(NotFound):
            await studio.server.works.run(
                careful, lambda work: read_logo(work, logo_id=path.rpartition("/")[2])
            )
        await studio.change(client, client_name="Still unverified")
        assert (await studio.deliver(), len(theirs.requests)) == (0, 1)
        await vouch(client, verified=True)
        await studio.deliver()
        assert await studio.logo(client) != ""
        await vouch(client, verified=False)
        studio.site = open_site
        assert await studio.logo(client) == ""
        await studio.change(client, client_name="Shown with whatever changes next")
        await studio.deliver()
        assert await studio.logo(client) != ""


async def test_a_client_has_nobody_called_by_changing_itself_again_and_again(
    studio: Studio,
) -> None:
    async with listening(answer(b"no picture")) as theirs:
        client = await studio.client(f"{theirs.url}/logo.png")
        await studio.deliver()
        for number in range(3):
            changes = ClientChanges(metadata={"client_name": f"Name {number}"})
            await studio.server.works.run(
                studio.site,
                partial(update_client, client_id=client.id, changes=changes),
                actor=ANONYMOUS,
            )
            assert await studio.deliver() == 0
        assert len(theirs.requests) == 1
        await studio.change(client, client_name="As an administrator says")
        await studio.deliver()
        assert len(theirs.requests) == 2


async def test_a_disabled_clients_logo_is_gone(studio: Studio) -> None:
    async with listening(LOGO) as theirs:
        client = await studio.client(f"{theirs.url}/logo.png")
        await studio.deliver()
    path = await studio.logo(client)
    assert (await studio.get(path)).status_code == 200
    await studio.server.works.run(studio.site, partial(disable_client, client_id=client.id))
    assert (await studio.get(path)).status_code == 404


async def test_a_server_that_does_not_answer_is_asked_for_some_minutes(studio: Studio) -> None:
    async with listening(answer(b"", status="503 Busy")) as theirs:
        client = await studio.client(f"{theirs.url}/logo.png")
        told = json.dumps({"client_id": client.id, "url": f"{theirs.url}/logo.png"}).encode()
        with pytest.raises(ProviderUnavailable):
            await studio.handler(Delivery(studio.site, "d", KIND, told, 7))
        await studio.handler(Delivery(studio.site, "d", KIND, told, 8))
        assert len(theirs.requests) == 2
