from __future__ import annotations

import pytest

from limen.kernel.errors import NotFound
from limen.oauth.events import ClientDeleted
from limen.oauth.registry.disable_client import delete_client
from limen.tokens.events import GrantsEnded
from tests.unit.oauth.http_kit import Server

pytestmark = pytest.mark.anyio


async def test_n192_what_a_deleted_client_was_granted_ends(server: Server) -> None:
    client = await server.client()
    session, _ = await server.session(await server.person())
    code = await server.code(client, session, scope=("openid", "offline_access"))
    token = (await server.redeem(client, code)).json()["access_token"]
    assert (await server.introspect(client, token))["active"]
    await server.run(lambda work: delete_client(work, client_id=client.id))
    ended = [event for event in server.events if isinstance(event, GrantsEnded)]
    assert [(one.of, one.of_id, one.count) for one in ended] == [("client", client.id, 1)]
    assert any(isinstance(event, ClientDeleted) for event in server.events)
    with pytest.raises(NotFound):
        await server.run(lambda work: delete_client(work, client_id=client.id))
