"""A provider's name is given to another place: what people's accounts gave stays away from there."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from limen.db.work import Work
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.simulators.serve import CLIENT_ID
from limen.vault.disconnect import disconnect
from tests.simulated import ADA
from tests.vaults import Vault


@dataclass
class Elsewhere:
    """An OpenID provider of an administrator's own; keeps whatever it is sent."""

    base_url: str
    got: list[str] = field(default_factory=list)

    async def discovery(self, _: Request) -> Response:
        names = ("authorization", "token", "revocation", "userinfo")
        told = {f"{name}_endpoint": f"{self.base_url}/{name}" for name in names}
        issued = {"issuer": self.base_url, "jwks_uri": f"{self.base_url}/jwks"}
        return JSONResponse(told | issued)

    async def anything(self, request: Request) -> Response:
        raw = await request.body()
        self.got.append(f"{request.url.path} {raw.decode()}")
        return JSONResponse({"error": "temporarily_unavailable"}, 503)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    made = Elsewhere(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", made.discovery),
            Route("/{rest:path}", made.anything, methods=["GET", "POST"]),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield made
    server.should_exit = True
    thread.join(10)
    listener.close()


async def _move(vault: Vault, to: str) -> None:
    """Say, under our client's public name, that Google is somewhere else."""
    new = NewUpstreamClient(
        provider="google",
        client_id=CLIENT_ID,
        raw_secret=Secret("any"),
        issuer=to,
        connect_scopes=("openid", "profile"),
    )

    async def body(work: Work) -> None:
        await set_upstream_client(work, vault.house.envelope, new=new)

    await vault.run(body)


async def test_a_refresh_token_goes_to_no_other_place(vault: Vault, elsewhere: Elsewhere) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await _move(vault, elsewhere.base_url)
    vault.house.clock.advance(dt.timedelta(days=1))
    with pytest.raises(Refusal):
        await vault.token(ada, connection_id)
    await vault.loop()
    assert elsewhere.got == []


async def test_nor_does_a_token_to_be_revoked(vault: Vault, elsewhere: Elsewhere) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await _move(vault, elsewhere.base_url)
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id),
        actor=ada,
    )
    await vault.outbox()
    assert elsewhere.got == []
