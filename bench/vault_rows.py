"""A vault with so many connections that it shows: most of them rows, some that can be refreshed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import asyncpg
import httpx2
import sqlalchemy as sa

from limen.accounts.create_user import NewUser, create_user
from limen.accounts.user import User
from limen.app.notices import with_notices
from limen.audit.record import record as audit
from limen.crypto.envelope import Envelope
from limen.crypto.kms import LocalKey, WrappingKeys
from limen.db.engines import open_database
from limen.db.work import Work, Works
from limen.federation.finish import Callback
from limen.federation.parts import Parts as FederationParts
from limen.federation.provider_keys import ProviderKeys
from limen.federation.registry import Catalogue, Providers, Registry
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.actor import SYSTEM, Actor
from limen.kernel.clock import SystemClock
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.net import Net
from limen.protocol.params import parse_params
from limen.sessions.start import start
from limen.settings import Settings
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.tenants.store import ensure_tenant_row
from limen.testing.processes import answers, free_port
from limen.vault.connect import WantedConnection, begin_connect, finish_connect
from limen.vault.model import Grant, Tokens
from limen.vault.parts import Parts, RefreshTimes
from limen.vault.sealing import key_name, open_access, open_refresh, seal_tokens
from limen.vault.store.connections import list_connections
from limen.vault.tables import connections, upstream_grants
from limen.webhooks.publish import Webhooks
from tests.databases import schema_sql
from tests.simulated import Simulated

T = TypeVar("T")
LIVE: Final = 1000
"""Connections whose tokens are real: they are refreshed again and again."""
SITE: Final = Site(tenant_id="bench", slug="default", issuer="http://localhost:8000", path="")
_PEOPLE_EACH: Final = 10
"""Connections of one person among those that are only rows."""

# Copies of the one real row of each table; nothing of them is ever opened.
_COPIES: Final = (
    (
        "limen_users",
        {"id": "'u' || n", "email": "'p' || n || '@rows.example'"},
        f"generate_series($1::bigint / {_PEOPLE_EACH}, ($2::bigint - 1) / {_PEOPLE_EACH}) n",
    ),
    (
        "limen_sealing_keys",
        {"id": "'k' || n", "name": "'upstream-grant/g' || n"},
        "generate_series($1::bigint, $2::bigint - 1) n",
    ),
    (
        "limen_upstream_grants",
        {
            "id": "'g' || n",
            "live_subject": "'s' || n",
            "next_refresh_at": "now() + interval '1 day' + n * interval '1 millisecond'",
        },
        "generate_series($1::bigint, $2::bigint - 1) n",
    ),
    (
        "limen_connections",
        {
            "id": "'c' || n",
            "user_id": f"'u' || n / {_PEOPLE_EACH}",
            "grant_id": "'g' || n",
            "live_grant_id": "'g' || n",
        },
        "generate_series($1::bigint, $2::bigint - 1) n",
    ),
)


@dataclass
class Rows:
    """The vault, and how many connections it holds.

    Args:
        dsn: Of the database, for what no use case does.
        live: Ids of grants that can be refreshed, and of their connections.
        ada: Whose those are.
        one: The rows that are copied, by table.
    """

    works: Works
    parts: Parts
    envelope: Envelope
    simulated: Simulated
    dsn: str
    count: int = 0
    live: tuple[str, ...] = ()
    ada: Actor = SYSTEM
    one: dict[str, str] = dataclasses.field(default_factory=dict)

    async def run(self, body: Callable[[Work], Awaitable[T]], *, actor: Actor = SYSTEM) -> T:
        """Run one Work at the tenant."""
        return await self.works.run(SITE, body, actor=actor)

    async def site_of(self, tenant_id: str) -> Site:
        """There is one tenant."""
        assert tenant_id == SITE.tenant_id
        return SITE

    def with_times(self, times: RefreshTimes) -> Parts:
        """The vault's parts with other times."""
        return dataclasses.replace(self.parts, times=times)

    async def person(self, name: str) -> Actor:
        """Make somebody who is signed in."""
        new = NewUser(email=f"{name}@bench.example", password=None, verified=True)

        async def add(work: Work) -> User:
            return await create_user(work, new=new, hasher=None)  # type: ignore[arg-type]  # none

        user = await self.run(add)
        started = await self.run(lambda work: start(work, user_id=user.id, amr=("pwd",)))
        session = started.session
        return Actor(
            "user",
            id=user.id,
            session_id=session.id,
            authenticated_at=session.authenticated_at,
            amr=("pwd",),
        )

    async def make_due(self, most: int) -> None:
        """Have so many of the live ones, and no others of them, want a refresh now."""
        ids = self.live[:most]

        async def body(work: Work) -> None:
            await work.execute(_NOT_DUE, ids=list(self.live))
            await work.execute(_DUE, ids=list(ids), then=work.now)

        await self.run(body)

    async def generations(self) -> int:
        """Return the sum of the live ones' generations: each refresh adds one."""
        count = sa.select(sa.func.sum(upstream_grants.c.generation)).where(
            upstream_grants.c.id.in_(sa.bindparam("ids", expanding=True))
        )

        async def body(work: Work) -> int:
            return int((await work.execute(count, ids=list(self.live))).scalar())

        return await self.run(body)

    async def grow(self, count: int) -> None:
        """Have so many connections, as fast as the database copies rows."""
        connection = await asyncpg.connect(self.dsn)
        try:
            for table, changed, series in _COPIES:
                sql = await _copying(connection, table, changed=changed, series=series)
                await connection.execute(sql, self.count, count, self.one[table], timeout=3600)
            # The server's own work on so many new rows is over before anything is measured.
            await connection.execute("VACUUM ANALYZE", timeout=3600)
            await connection.execute("CHECKPOINT", timeout=3600)
        finally:
            await connection.close()
        self.count = count


async def _copying(connection: Any, table: str, *, changed: dict[str, str], series: str) -> str:
    """Return the statement that copies one row of a table, with what is another's in each."""
    told = "SELECT column_name FROM information_schema.columns WHERE table_name = $1"
    columns = [row["column_name"] for row in await connection.fetch(told, table)]
    chosen = ", ".join(changed.get(name, f't."{name}"') for name in columns)
    named = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({named}) SELECT {chosen} FROM {series}, {table} t WHERE t.id = $3"


def new_envelope(*, most_cached: int = 10_000) -> Envelope:
    """Return what opens everything here, as a process that just started has it."""
    keys = WrappingKeys(LocalKey(Secret(bytes(range(32)))))
    return Envelope(keys, most_cached=most_cached)


@asynccontextmanager
async def vault_rows(dsn: str) -> AsyncIterator[Rows]:
    """Make the tables, a person with one connection, and as many as ``LIVE`` to be refreshed."""
    raw = await asyncpg.connect(dsn)
    for statement in schema_sql("postgresql+asyncpg://"):
        await raw.execute(statement)
    await raw.close()
    database = open_database(dsn)
    await database.open()
    works = Works(database, SystemClock())
    works.recorders = (audit,)
    works.reactions = with_notices({}, Webhooks())
    envelope = new_envelope()
    net = Net(Settings(environment="development").net)
    try:
        with _simulators() as base_url:
            async with httpx2.AsyncClient() as http:
                providers = Providers(simulators=base_url)
                federation = FederationParts(
                    works=works,
                    envelope=envelope,
                    net=net,
                    keys=ProviderKeys(net),
                    registry=Registry(providers),
                )
                parts = Parts(federation=federation, catalogue=Catalogue(providers))
                made = Rows(works, parts, envelope, Simulated(base_url, http), dsn)
                await _furnish(made)
                yield made
    finally:
        await net.close()
        await database.close()


async def _furnish(made: Rows) -> None:
    async def begin(work: Work) -> None:
        await ensure_tenant_row(work)
        await made.envelope.create_keys(work)

    async def register(work: Work) -> None:
        new = NewUpstreamClient(
            provider="google", client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
        )
        await set_upstream_client(work, made.envelope, new=new)

    await made.run(begin)
    await made.run(register)
    ada = await made.person("ada")
    made.ada = ada
    await come_back(made, ada, await made.simulated.approve(await leave(made, ada)))
    (listed,) = await made.run(lambda work: list_connections(work, owner_id=ada.id, most=1))
    grant = listed.grant

    async def read(work: Work) -> Tokens:
        raw_access = await open_access(work, made.envelope, grant)
        assert raw_access is not None
        raw_refresh = await open_refresh(work, made.envelope, grant)
        return Tokens(raw_access=raw_access, raw_refresh=raw_refresh)

    tokens = await made.run(read)
    made.live = tuple(
        [await _add_live(made, grant, tokens=tokens, number=number) for number in range(LIVE)]
    )
    raw = await asyncpg.connect(made.dsn)
    key = "SELECT id FROM limen_sealing_keys WHERE name = $1"
    made.one = {
        "limen_users": ada.id,
        "limen_upstream_grants": grant.id,
        "limen_connections": listed.id,
        "limen_sealing_keys": await raw.fetchval(key, key_name(grant.id)),
    }
    await raw.close()


async def _add_live(made: Rows, grant: Grant, *, tokens: Tokens, number: int) -> str:
    """Add a grant like the first one: the provider takes its refresh token as often as it comes."""
    id_ = f"live{number}"

    async def add(work: Work) -> None:
        await made.envelope.create_key(work, name=key_name(id_))
        access, refresh = await seal_tokens(
            work, made.envelope, grant_id=id_, generation=1, tokens=tokens
        )
        row = (await work.execute(_ONE_GRANT, id=grant.id)).first()
        assert row is not None
        own = {"id": id_, "live_subject": id_, "generation": 1}
        sealed = {"sealed_access": access, "sealed_refresh": refresh, "next_refresh_at": None}
        await work.execute(_ADD_GRANT, **(row._asdict() | own | sealed))
        held = (await work.execute(_ONE_CONNECTION, whose=grant.id)).first()
        assert held is not None
        mine = {"id": id_, "user_id": made.ada.id, "grant_id": id_, "live_grant_id": id_}
        await work.execute(_ADD_CONNECTION, **(held._asdict() | mine))

    await made.run(add)
    return id_


async def leave(made: Rows, actor: Actor) -> str:
    """Begin to connect; return where the person is sent."""
    wanted = WantedConnection(provider="google")
    return await made.run(lambda work: begin_connect(work, made.parts, wanted=wanted), actor=actor)


async def come_back(made: Rows, actor: Actor, url: str) -> None:
    """Finish connecting, as the callback does."""
    params = parse_params(url.partition("?")[2].encode())
    callback = Callback(params=params, provider="google", purpose="connect", actor=actor)
    await finish_connect(made.parts, SITE, callback=callback)


@contextmanager
def _simulators() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.simulated", str(port)])
    try:
        while not answers(port):
            if process.poll() is not None:
                raise RuntimeError("the simulators ended")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)


_LIVE = upstream_grants.c.id.in_(sa.bindparam("ids", expanding=True))
_NOT_DUE = (
    sa.update(upstream_grants)
    .where(_LIVE)
    .values(next_refresh_at=None, retry_at=None, lease_until=None)
)
_DUE = sa.update(upstream_grants).where(_LIVE).values(next_refresh_at=sa.bindparam("then"))
_ONE_GRANT = sa.select(upstream_grants).where(upstream_grants.c.id == sa.bindparam("id"))
_ADD_GRANT = sa.insert(upstream_grants)
_ONE_CONNECTION = sa.select(connections).where(connections.c.grant_id == sa.bindparam("whose"))
_ADD_CONNECTION = sa.insert(connections)
