from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from limen.db.engines import open_database
from limen.db.work import Work, Works
from limen.kernel.actor import SYSTEM
from limen.kernel.errors import Unavailable
from limen.kernel.site import Site
from limen.net import Net
from limen.oauth.client_keys.published import MAX_JWKS_BYTES, ClientKeys
from limen.oauth.model import Client
from limen.protocol.client_metadata import ClientMetadata
from limen.protocol.jwk import SigningKey, generate_key
from limen.settings.sections import NetSettings
from limen.tenants.store import ensure_tenant_row
from limen.testing.clock import START, FrozenClock
from tests.unit.net.servers import Listener, answer, listening

pytestmark = pytest.mark.anyio

ONE, TWO = generate_key("ES256"), generate_key("ES256")


def client(client_id: str = "app", **metadata: Any) -> Client:
    return Client(
        client_id=client_id,
        metadata=ClientMetadata(
            client_name="",
            client_type="web",
            token_endpoint_auth_method="private_key_jwt",
            grant_types=("client_credentials",),
            **metadata,
        ),
        default_scope=(),
        first_party=False,
        trusted=False,
        verified=True,
        rotates_refresh=None,
        default_resource=None,
        version=1,
        created_at=START,
        disabled_at=None,
        secrets=(),
    )


def jwks(*keys: SigningKey) -> dict[str, Any]:
    return {"keys": [key.public.jwk() for key in keys]}


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Publisher:
    """A client's server, which publishes its keys."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.document: Any = jwks(ONE)
        self.status = "200 OK"
        self.headers = ""

    @property
    def url(self) -> str:
        return f"{self.listener.url}/jwks"

    @property
    def fetched(self) -> int:
        return len(self.listener.requests)

    async def reply(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = self.document if isinstance(self.document, bytes) else json.dumps(self.document)
        raw = body if isinstance(body, bytes) else body.encode()
        writer.write(answer(raw, status=self.status, headers=self.headers))
        await writer.drain()


@asynccontextmanager
async def publishing() -> AsyncIterator[Publisher]:
    holder: list[Publisher] = []

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await holder[0].reply(reader, writer)

    async with listening(reply) as listener:
        holder.append(Publisher(listener))
        yield holder[0]


@pytest.fixture
async def work(tmp_path: Path, clock: FrozenClock, site: Site) -> AsyncIterator[Work]:
    database = open_database(f"sqlite:///{tmp_path}/unused.db")
    await database.open()
    yield Work(Works(database, clock), site, actor=SYSTEM, now=clock.now())
    await database.close()


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    made = Net(NetSettings.model_validate({"allow": ("127.0.0.0/8",)}))
    yield made
    await made.close()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def keys(net: Net, seconds: Seconds) -> ClientKeys:
    return ClientKeys(net, seconds=seconds)


async def test_keys_by_value_are_the_clients_own(work: Work, keys: ClientKeys) -> None:
    one, two = client("one", jwks=jwks(ONE)), client("two", jwks=jwks(TWO))
    assert ONE.kid in await keys.keys_of(work, one)
    assert ONE.kid not in await keys.keys_of(work, two, kid=ONE.kid)
    assert await keys.jwks_of(work, two) == jwks(TWO)


async def test_keys_by_value_that_changed_are_read_again(work: Work, keys: ClientKeys) -> None:
    assert ONE.kid in await keys.keys_of(work, client(jwks=jwks(ONE)))
    assert ONE.kid not in await keys.keys_of(work, client(jwks=jwks(TWO)))


@pytest.mark.parametrize("registered", [{}, {"jwks": {"keys": "none"}}, {"jwks": {}}])
async def test_a_client_without_keys_has_none(
    work: Work, keys: ClientKeys, registered: dict[str, Any]
) -> None:
    with pytest.raises(Unavailable):
        await keys.keys_of(work, client(**registered))


async def test_published_keys_are_fetched_once_and_kept_five_minutes_at_least(
    work: Work, keys: ClientKeys, seconds: Seconds
) -> None:
    async with publishing() as published:
        published.headers = "Cache-Control: no-store, max-age=0\r\n"
        app = client(jwks_uri=published.url)
        for _ in range(3):
            assert ONE.kid in await keys.keys_of(work, app, kid=ONE.kid)
        assert published.fetched == 1
        seconds.now += 299
        await keys.keys_of(work, app)
        assert published.fetched == 1
        seconds.now += 1
        await keys.jwks_of(work, app)
        assert published.fetched == 2


async def test_published_keys_are_kept_a_day_at_most(
    work: Work, keys: ClientKeys, seconds: Seconds
) -> None:
    async with publishing() as published:
        published.headers = "Cache-Control: max-age=999999\r\n"
        app = client(jwks_uri=published.url)
        await keys.keys_of(work, app)
        seconds.now += 86_399
        await keys.keys_of(work, app)
        assert published.fetched == 1
        published.status = "500 Broken"
        seconds.now += 1
        with pytest.raises(Unavailable):
            await keys.keys_of(work, app)
        assert published.fetched == 2


async def test_a_new_key_is_found_without_waiting(
    work: Work, keys: ClientKeys, seconds: Seconds
) -> None:
    async with publishing() as published:
        app = client(jwks_uri=published.url)
        await keys.keys_of(work, app)
        published.document = jwks(TWO)
        seconds.now += 60
        found = await keys.keys_of(work, app, kid=TWO.kid)
        assert (TWO.kid in found, ONE.kid in found) == (True, False)


async def test_n083_n240_a_thousand_unknown_kids_fetch_once_a_minute(
    work: Work, keys: ClientKeys, seconds: Seconds
) -> None:
    async with publishing() as published:
        app = client(jwks_uri=published.url)
        for number in range(1000):
            assert f"k{number}" not in await keys.keys_of(work, app, kid=f"k{number}")
        assert published.fetched == 1
        seconds.now += 60
        await asyncio.gather(*(keys.keys_of(work, app, kid=f"x{n}") for n in range(20)))
        assert published.fetched == 2


async def test_n234_of_what_a_client_publishes_its_keys_alone_are_kept(
    work: Work, keys: ClientKeys
) -> None:
    async with publishing() as published:
        app = client(jwks_uri=published.url)
        told = {**ONE.public.jwk(), "x5c": ["MII"], "junk": [[]] * 10_000}
        published.document = {"keys": [told, {"kty": [[]] * 1000}, 5], "more": [[]] * 10_000}
        assert await keys.jwks_of(work, app) == {"keys": [{**ONE.public.jwk(), "x5c": ["MII"]}]}
        assert ONE.kid in await keys.keys_of(work, app, kid=ONE.kid)


async def test_n240_a_client_that_is_gone_is_not_asked_each_time(
    work: Work, keys: ClientKeys, seconds: Seconds
) -> None:
    async with publishing() as published:
        published.status = "503 Gone"
        app = client(jwks_uri=published.url)
        for _ in range(20):
            with pytest.raises(Unavailable):
                await keys.keys_of(work, app, kid=ONE.kid)
        assert published.fetched == 1
        seconds.now += 60
        published.status = "200 OK"
        assert ONE.kid in await keys.keys_of(work, app)


async def test_n065_a_kid_never_leads_to_another_clients_keys(work: Work, keys: ClientKeys) -> None:
    async with publishing() as published:
        await keys.keys_of(work, client("theirs", jwks_uri=published.url))
        assert ONE.kid not in await keys.keys_of(work, client("mine", jwks=jwks(TWO)), kid=ONE.kid)
        published.document = jwks(TWO)
        mine = await keys.keys_of(work, client("mine", jwks_uri=published.url), kid=ONE.kid)
        assert ONE.kid not in mine


async def test_n213_an_address_inside_is_refused_and_nothing_is_sent(work: Work) -> None:
    closed = Net(NetSettings())
    async with publishing() as published:
        with pytest.raises(Unavailable):
            await ClientKeys(closed).keys_of(work, client(jwks_uri=published.url))
        assert published.listener.connections == 0
    await closed.close()


async def test_n214_a_redirect_is_not_followed(work: Work, keys: ClientKeys) -> None:
    async with publishing() as target, publishing() as published:
        published.status = "302 Found"
        published.headers = f"Location: {target.url}\r\n"
        with pytest.raises(Unavailable):
            await keys.keys_of(work, client(jwks_uri=published.url))
        assert target.fetched == 0


@pytest.mark.parametrize(
    "document",
    [b"", b"<html>", b"[]", b'{"keys": 1}', b'{"keys": [' + b"{}," * 64 + b"{}]}", b'{"k": NaN}',
     b'{"keys": []' + b" " * MAX_JWKS_BYTES + b"}"],
    ids=lambda document: repr(document[:20]),
)  # fmt: skip
async def test_a_document_that_is_no_jwk_set_gives_no_keys(
    work: Work, keys: ClientKeys, document: bytes
) -> None:
    async with publishing() as published:
        published.document = document
        with pytest.raises(Unavailable):
            await keys.keys_of(work, client(jwks_uri=published.url))


async def test_the_oldest_sets_are_forgotten_first(work: Work, net: Net, seconds: Seconds) -> None:
    keys = ClientKeys(net, seconds=seconds, max_sets=2)
    async with publishing() as published:
        for name in ("a", "b", "a", "c", "a"):
            await keys.keys_of(work, client(name, jwks_uri=published.url))
        assert published.fetched == 3
        await keys.keys_of(work, client("b", jwks_uri=published.url))
        assert published.fetched == 4


async def test_keys_are_not_fetched_inside_a_transaction(
    works: Works, site: Site, keys: ClientKeys
) -> None:
    async with publishing() as published:
        app = client(jwks_uri=published.url)

        async def body(work: Work) -> None:
            await ensure_tenant_row(work)
            await keys.keys_of(work, app)

        with pytest.raises(RuntimeError, match="slow step"):
            await works.run(site, body)
        assert published.fetched == 0


async def test_in_the_middle_of_a_transaction_old_keys_to_encrypt_to_will_do(
    works: Works, site: Site, keys: ClientKeys, seconds: Seconds
) -> None:
    async with publishing() as published:
        app = client(jwks_uri=published.url)

        async def body(work: Work) -> None:
            assert await keys.jwks_of(work, app) == jwks(ONE)
            seconds.now += 3600
            published.document = jwks(TWO)
            await ensure_tenant_row(work)
            assert work.dirty
            assert await keys.jwks_of(work, app) == jwks(ONE)

        await works.run(site, body)
        assert published.fetched == 1
