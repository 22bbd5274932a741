from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from limen.db.work import Work, Works
from limen.kernel.errors import InvalidInput
from limen.kernel.site import Site
from limen.net import Net
from limen.oauth.registry.check_addresses import check_addresses
from limen.protocol.client_metadata import CIBA
from limen.settings.sections import NetSettings
from limen.tenants.store import ensure_tenant_row
from tests.unit.net.servers import Names, answer, listening

pytestmark = pytest.mark.anyio

CALLBACKS = ["https://app.example/cb", "https://other.example/cb"]


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    resolver = Names(
        keys_example=[["93.184.216.34"]], inside_example=[["93.184.216.34", "10.0.0.1"]]
    )
    made = Net(NetSettings.model_validate({"allow": ("127.0.0.1/32",)}), resolver=resolver)
    yield made
    await made.close()


async def check(works: Works, site: Site, net: Net, members: Mapping[str, Any]) -> None:
    await works.run(site, lambda work: check_addresses(work, net, members))


async def refused(works: Works, site: Site, net: Net, members: Mapping[str, Any]) -> str:
    with pytest.raises(InvalidInput) as refusal:
        await check(works, site, net, members)
    assert refusal.value.field
    return refusal.value.code


@pytest.mark.parametrize("member", ["jwks_uri", "request_uris", "backchannel_logout_uri"])
@pytest.mark.parametrize(
    "uri",
    [
        "https://10.0.0.1/x",
        "https://inside.example/x",
        "https://[::ffff:169.254.169.254]/x",
        "http://keys.example/x",
    ],
)
async def test_n213_an_address_inside_is_not_kept(
    works: Works, site: Site, net: Net, member: str, uri: str
) -> None:
    value = [uri] if member == "request_uris" else uri
    assert await refused(works, site, net, {member: value}) == "url_not_allowed"


async def test_what_is_outside_is_kept(works: Works, site: Site, net: Net) -> None:
    members = {
        "jwks_uri": "https://keys.example/jwks",
        "request_uris": ["https://keys.example/r#hash", "https://nowhere.example/r"],
        "client_name": "https://10.0.0.1",
        "backchannel_logout_uri": None,
    }
    await check(works, site, net, members)


class Together:
    """A resolver that answers nobody before so many ask at once; says whom it was asked for."""

    def __init__(self, wanted: int) -> None:
        self.asked: list[str] = []
        self.answered = 0
        self._wanted, self._enough = wanted, asyncio.Event()

    async def resolve(self, host: str, port: int, family: int) -> list[dict[str, Any]]:
        self.asked.append(host)
        if len(self.asked) >= self._wanted:
            self._enough.set()
        await self._enough.wait()
        self.answered += 1
        return []


async def test_names_are_looked_up_side_by_side_and_only_where_we_would_call(
    works: Works, site: Site
) -> None:
    names = [f"r{number}.example" for number in range(20)]
    members = {
        "request_uris": [f"https://{name}/r" for name in names],
        "backchannel_client_notification_endpoint": [f"https://n{name}/" for name in names],
        "jwks_uri": [f"https://j{name}/" for name in names],
    }
    resolver: Any = Together(len(names))
    net = Net(NetSettings.model_validate({"connect_seconds": 20}), resolver=resolver)
    await check(works, site, net, members)
    await net.close()
    assert sorted(resolver.asked) == sorted(names)
    assert resolver.answered == len(names)


async def test_a_sector_lists_every_redirect(works: Works, site: Site, net: Net) -> None:
    async with listening(answer(json.dumps(CALLBACKS).encode())) as server:
        for redirects, listed in (
            (CALLBACKS, True),
            (CALLBACKS[:1], True),
            ([*CALLBACKS, "https://third.example/cb"], False),
        ):
            members = {"sector_identifier_uri": server.url, "redirect_uris": redirects}
            if listed:
                await check(works, site, net, members)
            else:
                code = await refused(works, site, net, members)
                assert code == "invalid_client_metadata"


async def test_ciba_4_a_sector_lists_where_the_keys_are(works: Works, site: Site, net: Net) -> None:
    keys_at = "https://keys.example/jwks"
    for listed in ([keys_at], CALLBACKS):
        async with listening(answer(json.dumps(listed).encode())) as server:
            members = {
                "sector_identifier_uri": server.url,
                "subject_type": "pairwise",
                "grant_types": [CIBA],
                "jwks_uri": keys_at,
            }
            if keys_at in listed:
                await check(works, site, net, members)
            else:
                code = await refused(works, site, net, members)
                assert code == "invalid_client_metadata"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{}", "200 OK"), (b"x", "200 OK"), (b"[]", "404 Not Found"), (b"[" * 3000, "200 OK")],
)
async def test_n213_what_is_no_list_is_no_sector(
    works: Works, site: Site, net: Net, body: bytes, status: str
) -> None:
    async with listening(answer(body, status=status)) as server:
        members = {"sector_identifier_uri": server.url, "redirect_uris": CALLBACKS}
        assert await refused(works, site, net, members) == "invalid_client_metadata"


async def test_a_sector_that_does_not_answer_is_none(works: Works, site: Site, net: Net) -> None:
    async with listening() as server:
        gone = server.url
    members = {"sector_identifier_uri": gone, "redirect_uris": CALLBACKS}
    assert await refused(works, site, net, members) == "invalid_client_metadata"


async def test_no_transaction_waits_for_it(works: Works, site: Site, net: Net) -> None:
    async def written(work: Work) -> None:
        await ensure_tenant_row(work)
        await check_addresses(work, net, {})

    with pytest.raises(RuntimeError):
        await works.run(site, written)
