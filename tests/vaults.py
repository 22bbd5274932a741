"""A vault over a test's database, with the simulated providers behind real HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import pytest
import sqlalchemy as sa

from limen.access.grant_role import grant_role
from limen.access.revoke_role import revoke_role
from limen.audit.record import record as audit
from limen.db.outbox import OutboxLoop
from limen.db.types import Moment
from limen.db.work import Work
from limen.federation.finish import Callback
from limen.federation.parts import Parts as FederationParts
from limen.federation.provider_keys import ProviderKeys
from limen.federation.registry import Catalogue, Providers, Registry
from limen.federation.tables import upstream_clients
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.actor import OPERATOR, Actor
from limen.kernel.events import Event
from limen.kernel.secret import Secret
from limen.net import Net
from limen.oauth.registry.register_client import NewClient, register_client
from limen.protocol.params import parse_params
from limen.settings import Settings
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.vault.connect import ConnectedAccount, WantedConnection, begin_connect, finish_connect
from limen.vault.listing import ShownConnection, get_connection
from limen.vault.parts import Parts, RefreshTimes
from limen.vault.refresh.loop import RefreshLoop
from limen.vault.revoke_upstream import KIND, revoke_handler
from limen.vault.tables import upstream_grants
from limen.vault.token_for import Released, Wanted, token_for
from tests.house import House, house
from tests.simulated import Simulated, serving

T = TypeVar("T")
QUICK = RefreshTimes(deadline_seconds=20.0, lease_seconds=30.0, wait_seconds=30.0)

_UNBLOCK = sa.update(upstream_clients).values(blocked_until=None)
_REST_OVER = (
    sa.update(upstream_grants)
    .where(upstream_grants.c.retry_at.is_not(None))
    .values(
        retry_at=None,
        next_refresh_at=sa.case(
            (upstream_grants.c.next_refresh_at.is_not(None), sa.bindparam("at", type_=Moment())),
            else_=upstream_grants.c.next_refresh_at,
        ),
    )
)

__all__ = ["QUICK", "Vault", "house", "make_parts", "simulated", "vault"]


@dataclass
class Vault:
    """What a test arranges connections with."""

    house: House
    simulated: Simulated
    parts: Parts
    events: list[Event] = field(default_factory=list)

    async def run(self, body: Callable[[Work], Awaitable[T]], *, actor: Actor | None = None) -> T:
        return await self.house.run(body, **({"actor": actor} if actor else {}))

    async def person(self) -> Actor:
        actor, _ = await self.house.signed_in(await self.house.user(password=None))
        return actor

    async def administrator(self) -> Actor:
        """Somebody who may speak for the tenant."""
        actor = await self.person()
        await self.run(
            lambda work: grant_role(work, principal_id=actor.id, role="admin"), actor=OPERATOR
        )
        return actor

    async def demote(self, actor: Actor) -> None:
        """Take that right away."""
        await self.run(
            lambda work: revoke_role(work, principal_id=actor.id, role="admin"), actor=OPERATOR
        )

    async def client(self) -> str:
        """Register a machine; return its id."""
        new = NewClient(name="App", type="machine", scope=("connections:token",))
        made = await self.run(
            lambda work: register_client(work, new=new, envelope=self.house.envelope),
            actor=OPERATOR,
        )
        return made.client.client_id

    async def leave(self, actor: Actor, provider: str = "google", **wanted: Any) -> str:
        """Begin connecting; return the provider's URL."""
        asked = WantedConnection(provider=provider, **wanted)
        return await self.run(
            lambda work: begin_connect(work, self.parts, wanted=asked), actor=actor
        )

    async def come_back(
        self, actor: Actor, callback_url: str, provider: str = "google"
    ) -> ConnectedAccount:
        """Open a callback as the actor's browser does."""
        params = parse_params(urlsplit(callback_url).query.encode())
        callback = Callback(params=params, provider=provider, purpose="connect", actor=actor)
        return await finish_connect(self.parts, self.house.site, callback=callback)

    async def connect(
        self, actor: Actor, provider: str = "google", *, account: str = "", **wanted: Any
    ) -> str:
        """Connect an account; return the connection's id."""
        untick = wanted.pop("untick", ())
        url = await self.leave(actor, provider, **wanted)
        callback = await self.simulated.approve(url, account=account, untick=untick)
        return (await self.come_back(actor, callback, provider)).connection_id

    async def token(self, actor: Actor, connection_id: str, **wanted: Any) -> Released:
        """Ask for a token as the actor."""
        asked = Wanted(
            connection_id=connection_id, user_id=actor.id, reader=f"user:{actor.id}", **wanted
        )
        return await self.run(lambda work: token_for(work, self.parts, wanted=asked), actor=actor)

    async def shown(self, actor: Actor, connection_id: str) -> ShownConnection:
        return await self.run(
            lambda work: get_connection(
                work, self.parts, connection_id=connection_id, user_id=actor.id
            )
        )

    async def outbox(self) -> list[str]:
        """Deliver what is due; return the codes of failures."""
        failures: list[str] = []
        loop = OutboxLoop(
            self.parts.works,
            {KIND: revoke_handler(self.parts)},
            site_of=self.house.site_of,
            on_failure=lambda _, error: failures.append(error),
        )
        while await loop.run_once():
            pass
        return failures

    async def end_pauses(self) -> None:
        """Let the pauses of grants and clients end: they run on the database's clock."""

        async def body(work: Work) -> None:
            await work.execute(_UNBLOCK)
            await work.execute(_REST_OVER, at=work.now)

        await self.run(body)

    async def loop(self) -> int:
        return await RefreshLoop(self.parts, site_of=self.house.site_of).run_once()

    def named(self, name: str) -> list[Any]:
        return [event for event in self.events if event.name == name]

    def with_times(self, **times: Any) -> Vault:
        """The same vault as another process would have it, with other times."""
        changed = dataclasses.replace(self.parts.times, **times)
        return dataclasses.replace(self, parts=dataclasses.replace(self.parts, times=changed))


def make_parts(house: House, base_url: str, net: Net, *, times: RefreshTimes = QUICK) -> Parts:
    """The vault's parts over a house, its providers at a base URL."""
    providers = Providers(simulators=base_url)
    federation = FederationParts(
        works=house.works,
        envelope=house.envelope,
        net=net,
        keys=ProviderKeys(net),
        registry=Registry(providers),
    )
    return Parts(federation=federation, catalogue=Catalogue(providers), times=times)


@pytest.fixture
async def simulated(house: House) -> AsyncIterator[Simulated]:
    with serving(house.clock) as base_url:
        async with httpx2.AsyncClient() as http:
            yield Simulated(base_url, http)


@pytest.fixture
async def vault(house: House, simulated: Simulated) -> AsyncIterator[Vault]:
    net = Net(Settings(environment="development").net)
    made = Vault(house, simulated, make_parts(house, simulated.base_url, net))

    async def keep(_: Work, event: Event) -> None:
        made.events.append(event)

    house.works.recorders = [audit, keep]

    async def furnish(work: Work) -> None:
        for provider in ("google", "notion"):
            new = NewUpstreamClient(
                provider=provider, client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
            )
            await set_upstream_client(work, house.envelope, new=new)

    await house.run(furnish)
    yield made
    await net.close()
