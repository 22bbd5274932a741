"""Twenty callers with one initial access token, with one registration access token."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from limen.db.work import Work, Works
from limen.kernel.errors import BearerRefusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.net import Net
from limen.oauth.registration.initial_tokens import create_initial_token
from limen.oauth.registration.manage import replace_registration
from limen.oauth.registration.register import Registrar, SelfRegistered, register_itself
from limen.oauth.registration.statement import StatementKeys
from limen.settings.sections import NetSettings
from limen.tenants.store import ensure_tenant_row
from tests.unit.crypto.kit import with_keys

pytestmark = pytest.mark.anyio

CALLERS = 20
MEMBERS = {"redirect_uris": ["https://app.example/cb"]}


@pytest.fixture
async def registrar(works: Works, site: Site) -> Registrar:
    await works.run(site, ensure_tenant_row)
    crypto, net = await with_keys(works, site), Net(NetSettings())
    return Registrar(net=net, envelope=crypto.envelope, statements=StatementKeys(net))


async def test_n194_an_initial_token_is_used_so_often_and_no_more(
    works: Works, site: Site, registrar: Registrar
) -> None:
    made = await works.run(site, lambda work: create_initial_token(work, uses=3))

    async def register(work: Work) -> SelfRegistered:
        return await register_itself(
            work, registrar=registrar, members=MEMBERS, raw_token=made.raw_token
        )

    async def attempt(_: int) -> str:
        try:
            await works.run(site, register)
        except BearerRefusal:
            return "refused"
        return "registered"

    told = Counter(await asyncio.gather(*map(attempt, range(CALLERS))))
    assert told == {"registered": 3, "refused": CALLERS - 3}


async def test_n191_one_replacement_wins(works: Works, site: Site, registrar: Registrar) -> None:
    leave = await works.run(site, create_initial_token)
    made = await works.run(
        site,
        lambda work: register_itself(
            work, registrar=registrar, members=MEMBERS, raw_token=leave.raw_token
        ),
    )

    async def attempt(number: int) -> Secret[str] | None:
        members = {**MEMBERS, "client_id": made.client.client_id, "client_name": f"N{number}"}
        try:
            replaced = await works.run(
                site,
                lambda work: replace_registration(
                    work,
                    registrar=registrar,
                    client_id=made.client.client_id,
                    members=members,
                    raw_token=made.raw_token,
                ),
            )
        except BearerRefusal:
            return None
        return replaced.raw_token

    told = await asyncio.gather(*map(attempt, range(CALLERS)))
    assert len([raw for raw in told if raw is not None]) == 1
