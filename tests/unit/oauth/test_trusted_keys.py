from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from limen.db.work import Work, Works
from limen.kernel.errors import Unavailable
from limen.kernel.ids import new_id
from limen.kernel.site import Site
from limen.net import Net
from limen.oauth.trust.issuer import Trust, TrustedIssuer
from limen.oauth.trust.keys import TrustedKeys
from limen.protocol.jwk import SigningKey, generate_key
from limen.settings.sections import NetSettings
from limen.tokens import principals
from tests.unit.net.servers import Listener, answer, listening

pytestmark = pytest.mark.anyio

ONE, TWO = generate_key("ES256"), generate_key("ES256")


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    made = Net(NetSettings.model_validate({"allow": ("127.0.0.0/8",)}))
    yield made
    await made.close()


@pytest.fixture
async def idp() -> AsyncIterator[Listener]:
    async def reply(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(json.dumps({"keys": [ONE.public.jwk()]}).encode()))
        await writer.drain()

    async with listening(reply) as listener:
        yield listener


def issuer(name: str = "https://idp.example", **trust: object) -> TrustedIssuer:
    return TrustedIssuer(id=new_id_of(name), issuer=name, trust=Trust.read(trust))


def new_id_of(name: str) -> str:
    return f"id of {name}"


def by_value(key: SigningKey) -> dict[str, Any]:
    return {"jwks": {"keys": [key.public.jwk()]}}


async def test_an_issuers_keys_are_its_own(works: Works, site: Site, net: Net) -> None:
    keys = TrustedKeys(net)

    async def body(work: Work) -> None:
        assert ONE.kid in await keys.keys_of(work, issuer(**by_value(ONE)), kid=ONE.kid)
        other = issuer("https://other.example", **by_value(TWO))
        assert ONE.kid not in await keys.keys_of(work, other, kid=ONE.kid)

    await works.run(site, body)


async def test_n083_published_keys_are_read_once_a_minute_however_many_are_unknown(
    works: Works, site: Site, net: Net, idp: Listener
) -> None:
    seconds = [1000.0]
    keys = TrustedKeys(net, seconds=lambda: seconds[0])
    trusted = issuer(jwks_uri=f"{idp.url}/jwks")

    async def body(work: Work) -> None:
        assert ONE.kid in await keys.keys_of(work, trusted, kid=ONE.kid)
        for number in range(100):
            await keys.keys_of(work, trusted, kid=f"unknown-{number}")
        assert len(idp.requests) == 1
        seconds[0] += 61
        await keys.keys_of(work, trusted, kid="unknown")
        assert len(idp.requests) == 2

    await works.run(site, body)


async def test_no_transaction_waits_for_another_server(
    works: Works, site: Site, net: Net, idp: Listener
) -> None:
    keys = TrustedKeys(net)

    async def body(work: Work) -> None:
        await principals.put(work, kind="user", principal_id=new_id(work.now))
        with pytest.raises(RuntimeError):
            await keys.keys_of(work, issuer(jwks_uri=f"{idp.url}/jwks"), kid=ONE.kid)

    await works.run(site, body)
    assert idp.requests == []


async def test_keys_that_can_not_be_had_are_no_refusal_of_the_assertion(
    works: Works, site: Site, net: Net
) -> None:
    trusted = issuer(jwks_uri="http://127.0.0.1:9/jwks")

    async def body(work: Work) -> None:
        with pytest.raises(Unavailable):
            await TrustedKeys(net).keys_of(work, trusted, kid=ONE.kid)

    await works.run(site, body)
