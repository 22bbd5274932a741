"""A session ends while its code is being redeemed: what is given ends with it."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from limen.db.work import Work, Works
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.oauth.authorization.undo_sign_in import undo_sign_in
from limen.oauth.codes import redeem_code
from limen.sessions.events import SessionEnded
from limen.sessions.revoke import revoke
from limen.signin.ask_after_sign_in import REFUSED
from limen.tokens.find_grant import find_grant
from limen.tokens.grant import NewGrant
from limen.tokens.start_grant import start_grant
from tests.patience import until
from tests.races.waiting import waits_or_is_over
from tests.unit.oauth.http_kit import serve

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("offline", [True, False], ids=["offline", "of-the-session"])
async def test_a_no_waits_for_a_redemption_that_is_not_committed(
    works: Works, site: Site, database_url: str, *, offline: bool
) -> None:
    server = await serve(works, site)
    works.reactions = {SessionEnded: (undo_sign_in,)}
    client = await server.client()
    session, _ = await server.session(await server.person())
    raw = Secret(await server.code(client, session))
    noes: list[asyncio.Task[None]] = []

    async def say_no() -> None:
        await server.run(lambda work: revoke(work, session_id=session.id, reason=REFUSED))

    async def redeem(work: Work) -> str:
        code = await redeem_code(work, raw_code=raw)
        assert code is not None
        new = NewGrant(
            id=code.grant_id,
            client_id=client.id,
            user_id=session.user_id,
            subject=session.user_id,
            scope=("openid",),
            resources=(site.issuer,),
            authenticated_at=session.authenticated_at,
            session_id=None if offline else session.id,
            expires_at=None if offline else session.expires_at,
            refreshable=True,
        )
        started = await start_grant(
            work, envelope=server.parts.envelope, lifetimes=server.parts.lifetimes, new=new
        )
        noes.append(asyncio.create_task(say_no()))
        await until(partial(waits_or_is_over, noes[0], database_url))
        return started.grant.id

    grant_id = await server.run(redeem)
    await noes[0]
    grant = await server.run(lambda work: find_grant(work, grant_id=grant_id))
    assert grant is not None
    assert grant.ended_at is not None
    works.reactions = {}
    await server.close()
