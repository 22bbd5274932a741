from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image

from limen.accounts.create_user import NewRow, add_user
from limen.accounts.profile.pictures import new_encoder
from limen.db.outbox import OutboxLoop
from limen.db.work import Work, Works
from limen.kernel.errors import InvalidClient, OAuthRefusal, Throttled
from limen.kernel.site import Site
from limen.net import Net
from limen.oauth.authorization.address import address
from limen.oauth.authorization.asked import Desk
from limen.oauth.clients import Clients
from limen.oauth.consent import grant_consent, list_consents
from limen.oauth.endpoints.interactive.schemas import client_view
from limen.oauth.endpoints.interactive.words import destination, warning
from limen.oauth.model import Client
from limen.oauth.registration.documents import Documents
from limen.oauth.registration.expire_unused import sweep_registrations
from limen.oauth.registry.disable_client import delete_client, disable_client
from limen.oauth.registry.logo import KIND, logo_handler
from limen.protocol.params import Params
from limen.settings.sections import NetSettings
from limen.tenants.policy import TenantPolicy
from limen.tenants.store import ensure_tenant_row
from limen.tenants.tenant import Tenant
from limen.testing.clock import FrozenClock
from limen.web.errors import status_of
from tests.unit.net.servers import Listener, Names, answer, certificate, listening

pytestmark = pytest.mark.anyio

CALLBACK = "https://app.example/cb"


@dataclass
class Host:
    """A web server that shows what a test says, and the client that its document is."""

    listener: Listener
    works: Works
    site: Site
    documents: Documents
    net: Net
    shown: dict[str, Any] = field(default_factory=dict)
    headers: str = "Content-Type: application/json\r\n"
    status: str = "200 OK"
    raw: bytes | None = None

    @property
    def url(self) -> str:
        return f"https://app.example:{self.listener.port}/client.json"

    def reply(self) -> bytes:
        document = {"client_id": self.url, "redirect_uris": [CALLBACK], **self.shown}
        body = json.dumps(document).encode() if self.raw is None else self.raw
        return answer(body, status=self.status, headers=self.headers)

    async def find(self, url: str = "", *, clients: Clients | None = None) -> Client | None:
        clients = clients or Clients(self.documents)
        return await self.works.run(
            self.site, lambda work: clients.find_presented(work, url or self.url)
        )

    async def client(self) -> Client:
        found = await self.find()
        assert found is not None
        return found

    async def refused(self, url: str = "") -> str:
        with pytest.raises(InvalidClient) as refusal:
            await self.find(url)
        return refusal.value.public


@pytest.fixture
async def host(works: Works, site: Site, tmp_path: Path) -> AsyncIterator[Host]:
    await works.run(site, ensure_tenant_row)
    tls, bundle = certificate(tmp_path, "app.example")
    settings = NetSettings.model_validate({"allow": ("127.0.0.0/8",), "ca_bundle": bundle})
    net = Net(settings, resolver=Names(app_example=[["127.0.0.1"]]))
    made: list[Host] = []

    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(made[0].reply())
        await writer.drain()

    async with listening(reply, tls=tls) as listener:
        made.append(Host(listener, works, site, Documents(works, net), net))
        yield made[0]
        await net.close()


def fetches(host: Host) -> int:
    return len(host.listener.requests)


async def test_an_address_is_a_client(host: Host) -> None:
    host.shown = {"client_name": "Editor", "grant_types": ["authorization_code", "refresh_token"]}
    client = await host.client()
    assert (client.client_id, client.name) == (host.url, "Editor")
    assert client.redirect_uris == (CALLBACK,)
    assert client.is_public
    assert client.rotates
    assert not client.verified
    assert client.document_host == f"app.example:{host.listener.port}"
    assert client.needs_pkce(openid=True)
    row = await host.works.run(host.site, lambda work: Clients().fresh(work, host.url))
    assert row == client


async def test_keys_come_from_the_document(host: Host) -> None:
    key = {"kty": "EC", "crv": "P-256", "kid": "k", "use": "sig"} | {
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    method = "private_key_jwt"
    host.shown = {"token_endpoint_auth_method": method, "jwks": {"keys": [key]}}
    client = await host.client()
    assert client.auth_method == method
    assert client.metadata.jwks == {"keys": [key]}


@pytest.mark.parametrize(
    ("headers", "fresh_for"),
    [
        ("", 300),
        ("Cache-Control: max-age=7\r\n", 300),
        ("Cache-Control: max-age=3600\r\n", 3600),
        ("Cache-Control: public, max-age=99999999\r\n", 86_400),
        ("Cache-Control: no-store\r\n", 300),
    ],
)
async def test_a_copy_is_kept_within_bounds(
    host: Host, clock: FrozenClock, headers: str, fresh_for: int
) -> None:
    host.headers += headers
    await host.client()
    clock.advance(dt.timedelta(seconds=fresh_for - 1))
    await host.client()
    assert fetches(host) == 1
    clock.advance(dt.timedelta(seconds=1))
    host.shown = {"client_name": "Renamed"}
    assert (await host.client()).name == "Renamed"
    assert fetches(host) == 2


async def test_failures_are_not_kept(host: Host) -> None:
    host.status = "503 Busy"
    for _ in range(2):
        await host.refused()
    host.status = "200 OK"
    await host.client()
    assert fetches(host) == 3


async def test_many_at_once_fetch_once(host: Host) -> None:
    clients = Clients(host.documents)
    found = await asyncio.gather(*(host.find(clients=clients) for _ in range(10)))
    assert {client.client_id for client in found if client} == {host.url}
    assert fetches(host) == 1


@pytest.mark.parametrize(
    "shown",
    [
        {"client_id": "https://app.example/client.json"},
        {"client_id": None},
        {"client_secret": "x"},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": ["none"]},
        {"redirect_uris": []},
        {"redirect_uris": ["javascript:x"]},
        {"redirect_uris": "https://app.example/cb"},
        {"logo_uri": "data:x"},
        {"jwks_uri": "https://10.0.0.1/jwks"},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"grant_types": ["client_credentials"]},
        {"scope": "admin"},
        {"client_name": "x" * 6000},
    ],
    ids=str,
)
async def test_n190_a_document_that_names_no_client(host: Host, shown: dict[str, Any]) -> None:
    host.shown = shown
    assert "metadata document" in await host.refused()
    assert await host.works.run(host.site, lambda work: Clients().fresh(work, host.url)) is None


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{", b'{"client_id":"a","client_id":"b"}', b"[" * 2000, b'"' + b"x" * 100 + b'"'],
)
async def test_n236_a_document_is_a_json_object(host: Host, raw: bytes) -> None:
    host.raw = raw
    await host.refused()


async def test_n214_a_redirect_is_not_followed(host: Host) -> None:
    host.status = "302 Found"
    host.headers += f"Location: {host.url}2\r\n"
    await host.refused()
    assert fetches(host) == 1


async def test_html_is_no_document(host: Host) -> None:
    host.headers = "Content-Type: text/html\r\n"
    await host.refused()


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example",
        "https://app.example/a#b",
        "https://user@app.example/a",
        "https://app.example/../a",
        "https://app.example/./a",
        "https://app.example/%2e%2e/a",
        "https://APP.example/a",
        "https://10.0.0.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://nowhere.invalid/a",
        "https://" + "a" * 3000 + ".example/a",
    ],
)
async def test_n213_addresses_that_are_never_fetched(host: Host, url: str) -> None:
    await host.refused(url)
    assert fetches(host) == 0


async def test_where_people_are_sent_a_bad_document_is_the_requests_fault(host: Host) -> None:
    host.raw = b"no JSON"
    desk = cast("Desk", SimpleNamespace(clients=Clients(host.documents)))
    params = Params([("client_id", host.url)])
    with pytest.raises(OAuthRefusal) as refusal:
        await host.works.run(host.site, lambda work: address(work, params=params, desk=desk))
    assert (refusal.value.code, status_of(refusal.value)) == ("invalid_client", 400)
    assert "metadata document" in refusal.value.public


async def test_plain_http_is_no_client_id(host: Host) -> None:
    assert await host.find(host.url.replace("https:", "http:")) is None
    assert fetches(host) == 0


async def test_a_tenant_may_do_without(host: Host) -> None:
    host.site = tenant(host.site, client_documents=False)
    assert await host.find() is None
    assert await host.find(clients=Clients()) is None
    assert fetches(host) == 0


async def test_n194_there_is_room_for_so_many_documents(host: Host, clock: FrozenClock) -> None:
    host.site = tenant(host.site, most_documents=0)
    with pytest.raises(Throttled):
        await host.find()
    host.site = tenant(host.site, most_open=0, most_documents=1)
    await host.client()  # those that register are counted apart
    clock.advance(dt.timedelta(days=2))
    await host.client()  # it is there already


async def test_n192_a_disabled_document_stays_disabled(host: Host, clock: FrozenClock) -> None:
    await host.client()
    await host.works.run(host.site, lambda work: disable_client(work, client_id=host.url))
    clock.advance(dt.timedelta(days=2))
    assert not (await host.client()).is_active
    assert fetches(host) == 1


async def test_n192_a_disabled_document_does_not_come_back_by_being_swept(
    host: Host, clock: FrozenClock
) -> None:
    await host.client()
    await host.works.run(host.site, lambda work: disable_client(work, client_id=host.url))
    clock.advance(dt.timedelta(days=3))
    assert await host.works.run(host.site, sweep_registrations) == 0
    assert not (await host.client()).is_active


@pytest.mark.parametrize("moved", [True, False])
async def test_n191_a_document_that_names_another_address_is_asked_about_anew(
    host: Host, clock: FrozenClock, *, moved: bool
) -> None:
    client = await host.client()
    row = NewRow(how="operator", address="ada@app.example", verified=True, password_hash=None)
    ada = await host.works.run(host.site, lambda work: add_user(work, row))
    assert ada is not None

    async def agree(work: Work) -> None:
        await grant_consent(
            work,
            user_id=ada.id,
            client=client,
            resource=host.site.issuer,
            scope=("openid",),
            remembered=True,
        )

    await host.works.run(host.site, agree)
    elsewhere = ["https://evil.example/cb"] if moved else []
    host.shown = {"client_name": "Renamed", "redirect_uris": [CALLBACK, *elsewhere]}
    clock.advance(dt.timedelta(minutes=6))
    assert (await host.client()).name == "Renamed"
    (kept,) = await host.works.run(host.site, lambda work: list_consents(work, user_id=ada.id))
    assert kept.remembered != moved


async def test_nothing_is_fetched_inside_a_transaction(host: Host, clock: FrozenClock) -> None:
    await host.client()
    clock.advance(dt.timedelta(days=2))

    async def written(work: Work) -> None:
        await ensure_tenant_row(work)
        assert work.dirty
        await Clients(host.documents).find_presented(work, host.url)

    with pytest.raises(RuntimeError):
        await host.works.run(host.site, written)
    assert fetches(host) == 1


async def test_n194_a_copy_that_nobody_uses_goes(host: Host, clock: FrozenClock) -> None:
    await host.client()
    clock.advance(dt.timedelta(hours=25))
    assert await host.works.run(host.site, sweep_registrations) == 1
    assert await host.works.run(host.site, lambda work: Clients().fresh(work, host.url)) is None


def tenant(site: Site, profile: str = "", **registration: Any) -> Tenant:
    return Tenant(
        tenant_id=site.tenant_id,
        slug=site.slug,
        issuer=site.issuer,
        path=site.path,
        name="Tenant",
        host=None,
        policy=TenantPolicy.read({"profile": profile, "registration": registration}),
        version=1,
        state="active",
    )


async def test_under_mcp_a_document_has_a_name(host: Host) -> None:
    host.site = tenant(host.site, "mcp")
    assert "client_name" in await host.refused()
    host.shown = {"client_name": "Editor"}
    assert (await host.client()).metadata.profile == "mcp"


async def test_people_read_whose_document_it_is(host: Host) -> None:
    host.shown = {"redirect_uris": ["http://localhost/cb", "http://127.0.0.1/cb"]}
    client = await host.client()
    view = client_view(client, host.site)
    assert (view.host, view.verified) == (f"app.example:{host.listener.port}", False)
    loopback = str(warning(client, redirect_uri="http://127.0.0.1:4711/cb"))
    assert "any program on this device" in loopback
    assert view.host in loopback
    assert "on this device (127.0.0.1:4711)" in str(destination("http://127.0.0.1:4711/cb"))
    host.shown = {}
    clients = Clients(host.documents)
    await host.works.run(host.site, lambda work: delete_client(work, client_id=host.url))
    web = await host.find(clients=clients)
    assert web is not None
    assert "any program" not in str(warning(web, redirect_uri=CALLBACK))


async def test_its_logo_is_fetched_when_the_document_names_another(
    host: Host, clock: FrozenClock
) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(out, "PNG")

    async def site_of(_: str) -> Site:
        return host.site

    handler = logo_handler(works=host.works, net=host.net, encoder=new_encoder())
    outbox = OutboxLoop(host.works, {KIND: handler}, site_of=site_of, on_failure=lambda *_: None)
    async with listening(answer(out.getvalue())) as shows:
        for name in ("one", "one", "two"):
            host.shown = {"logo_uri": f"{shows.url}/{name}.png"}
            await host.client()
            await outbox.run_once()
            assert (await host.client()).logo_id
            clock.advance(dt.timedelta(hours=1))
        assert [each.split(b" ")[1] for each in shows.requests] == [b"/one.png", b"/two.png"]
