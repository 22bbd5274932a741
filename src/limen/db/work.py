"""One unit of work: one transaction, one moment, one actor, one tenant.

``Work`` is what every use case receives; ``Works`` opens and ends them. Use cases never commit.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa

from limen.db.engines import Database
from limen.db.sqlite import SqliteBusy, SqliteConnection
from limen.db.statements import (
    SQLITE,
    DatabaseRetry,
    Prepared,
    Row,
    Rows,
    is_write,
    postgresql,
    prepare,
)
from limen.db.trips.last_rows import LastRow, Write, grouped
from limen.db.trips.look_up_pair import look_up_pair
from limen.kernel import slow_step
from limen.kernel.actor import SYSTEM, Actor
from limen.kernel.clock import Clock
from limen.kernel.errors import Refusal, Unavailable
from limen.kernel.events import Event
from limen.kernel.last_uses import LastUses
from limen.kernel.site import Site, take_turn

if TYPE_CHECKING:
    from limen.db.postgres import PostgresConnection  # drags asyncpg in

T = TypeVar("T")
_LookUp = tuple[sa.Select[Any], dict[str, Any]]
_ATTEMPTS: Final = 6


class Work:
    """What a use case may do: ask the database, record events, know the time and who asks.

    The connection is taken on first use. Reads run in autocommit until the first write, which
    opens the one transaction. The body has no effect outside the database, so that it may be
    run again when the database asks for it.

    Attributes:
        now: The moment of this Work; the same however often it is asked.
        actor: Who asks; an authenticator replaces it.
        site: The tenant's place; ``tenant_id`` is its id and bound into every statement.
    """

    def __init__(self, works: Works, site: Site, *, actor: Actor, now: dt.datetime) -> None:
        self._works = works
        self.site = site
        self.actor = actor
        self.now = now
        self._connection: SqliteConnection | PostgresConnection | None = None
        self._dirty = False
        self._foreseen: _LookUp | None = None
        self._known: tuple[_LookUp, Row | None] | None = None
        self._last: list[LastRow] = []
        self._keeps: list[Callable[[Work], Awaitable[None]]] = []
        self._wakes: list[Callable[[], None]] = []
        self._follow_ups: list[Callable[[], Awaitable[None]]] = []

    @property
    def tenant_id(self) -> str:
        """The tenant every statement of this Work is bound to."""
        return self.site.tenant_id

    @property
    def dirty(self) -> bool:
        """Whether something was written, or will be with the end."""
        return self._dirty or bool(self._last)

    async def execute(self, statement: sa.Executable, **params: Any) -> Rows:
        """Run one statement; ``tenant_id`` is bound by the Work, whoever else names one.

        Args:
            statement: Built at module level with ``bindparam``.
            params: The values of its parameters; of an INSERT without values, its columns.

        Raises:
            Unavailable: If the database can't be reached.
            TypeError: If a parameter is missing, or names another tenant.
        """
        params = self._with_tenant(params)
        prepared = prepare(statement, self._works.dialect, params)
        sql, values = prepared.bind(params)
        connection = await self._ready(statement)
        raw, count = await connection.run(sql, values, returns_rows=prepared.returns_rows)
        return Rows(prepared.rows(raw), count)

    async def find(self, statement: sa.Select[Any], **params: Any) -> Row | None:
        """Run a look-up that gives one row at most; one that was foreseen travels along.

        Args:
            statement: A SELECT by a key, built at module level; it may lock its row.
            params: The values of its parameters.
        """
        wanted: _LookUp = (statement, self._with_tenant(params))
        if self._known is not None and self._known[0] == wanted:
            return self._known[1]
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is None:
            return (await self.execute(statement, **params)).first()
        pair = look_up_pair(
            prepare(statement, self._works.dialect, wanted[1]),
            prepare(foreseen[0], self._works.dialect, foreseen[1]),
        )
        connection = await self._ready(statement)
        values = pair.bind(wanted[1], foreseen[1])
        row, along = pair.split((await connection.run(pair.sql, values, returns_rows=True))[0])
        self._known = (foreseen, along)
        return row

    @property
    def reads_along(self) -> bool:
        """Whether it is worth a guess what is asked next: not where no round trip is saved."""
        return self._works.dialect is not SQLITE

    def foresee(self, statement: sa.Select[Any], **params: Any) -> None:
        """Have a look-up read along with the next one, for who will ``find`` it after that.

        A guess that proves wrong costs little, and is never an answer: only the same statement
        with the same parameters, asked in this Work before it writes or lets go, is.

        Args:
            statement: As of ``find``, but it locks nothing.
            params: The values of its parameters.
        """
        if is_write(statement):
            raise TypeError("what locks a row is no guess")
        guess = (statement, self._with_tenant(params))
        self._foreseen = guess if self.reads_along else None

    async def execute_many(
        self, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Run one statement for each mapping of parameters; all have the same names."""
        if not rows:
            return
        bound = [self._with_tenant(row) for row in rows]
        prepared: Prepared = prepare(statement, self._works.dialect, bound[0])
        texts = [prepared.bind(row) for row in bound]
        connection = await self._ready(statement)
        await connection.run_many(texts[0][0], [values for _, values in texts])

    async def fetch_each(
        self, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]
    ) -> list[Row]:
        """Run one statement for each mapping of parameters, and return the rows of all of them.

        On PostgreSQL they travel in one message, so that many cost one round trip. Which row is
        whose it says itself: some of the statements may return none.

        Args:
            statement: Returns rows; it changes none that another mapping's looks at.
            rows: All with the same names.
        """
        if not rows:
            return []
        bound = [self._with_tenant(row) for row in rows]
        prepared: Prepared = prepare(statement, self._works.dialect, bound[0])
        texts = [prepared.bind(row) for row in bound]
        connection = await self._ready(statement)
        raw = await connection.fetch_each(texts[0][0], [values for _, values in texts])
        return prepared.rows(raw)

    def add_last(self, statement: Write, **row: Any) -> None:
        """Insert or change a row with the end of this transaction; nothing in it sees that.

        Costs no round trip of its own. What is rolled back takes it along.

        Args:
            statement: Built at module level: an INSERT without values, or an UPDATE.
            row: Its columns, or the UPDATE's parameters; the tenant is the Work's.
        """
        self._last.append((statement, self._with_tenant(row)))

    async def record(self, event: Event) -> None:
        """Tell what happened: to the recorders and to whoever reacts, in this transaction."""
        for recorder in self._works.recorders:
            await recorder(self, event)
        for reaction in self._works.reactions.get(type(event), ()):
            await reaction(self, event)

    async def let_go(self) -> None:
        """Give the connection back before a hash or a call outside.

        Raises:
            RuntimeError: If something was written: no transaction waits for a slow step.
        """
        if self.dirty:
            raise RuntimeError("a slow step inside a transaction")
        await self._release()

    def even_if_refused(self, keep: Callable[[Work], Awaitable[None]]) -> None:
        """Do this whether the Work is accepted or ends in a Refusal.

        Accepted: at the end of this transaction. Refused: in one of its own, after the use
        case's writes were rolled back. A crash does neither.

        Args:
            keep: Receives the Work to write with, which need not be this one.
        """
        self._keeps.append(keep)

    def after_commit(self, wake: Callable[[], None]) -> None:
        """Call this once the transaction is durable: a wake-up, nothing that can fail."""
        self._wakes.append(wake)

    def once_durable(self, follow_up: Callable[[], Awaitable[None]]) -> None:
        """Do this after the commit and before whoever ran the Work has their answer.

        For what must not happen inside a transaction and yet can still refuse: others are asked
        whether what was done may stay.

        Args:
            follow_up: What it raises is raised in place of the answer; it undoes, in a Work of
                its own, what then must not stay.
        """
        self._follow_ups.append(follow_up)

    def note_use(self, kind: str, id_: str) -> None:
        """Remember, in memory, that something was used now; a loop writes it down.

        Args:
            kind: ``api_key`` say.
            id_: Which, in this tenant.
        """
        self._works.last_uses.note(kind, self.tenant_id, id_, at=self.now)

    def _with_tenant(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if params.get("tenant_id", self.tenant_id) != self.tenant_id:
            raise TypeError("a statement of this Work names another tenant")
        return {"tenant_id": self.tenant_id, **params}

    async def _ready(self, statement: sa.Executable) -> SqliteConnection | PostgresConnection:
        writes = is_write(statement)
        begins = writes and not self._dirty
        connection = await self._connected(to_write=begins)
        if writes:
            self._known = None
        if begins:
            await connection.begin()
            self._dirty = True
        return connection

    async def _connected(self, *, to_write: bool = False) -> SqliteConnection | PostgresConnection:
        if self._connection is None:
            self._connection = await self._works.database.acquire(to_write=to_write)
        return self._connection

    async def _accept(self) -> None:
        for keep in self._keeps:
            await keep(self)
        if self._last:
            await self._write_last()
        await self._finish(commit=True)
        for wake in self._wakes:
            wake()

    async def _write_last(self) -> None:
        connection = await self._connected()
        self._dirty = True  # from here on there is something to roll back
        for statement, rows in grouped(self._last):
            await connection.add_last(statement, rows)

    async def _finish(self, *, commit: bool) -> None:
        """End in a task of its own: a cancelled caller leaves no lock and no open transaction."""
        if not self._dirty:
            await self._release()
            return
        ending = asyncio.create_task(self._end(commit=commit))
        await asyncio.shield(ending)

    async def _end(self, *, commit: bool) -> None:
        try:
            if self._dirty and self._connection is not None:
                self._dirty = False
                await self._connection.end(commit=commit)
        finally:
            await self._release()

    async def _release(self) -> None:
        connection, self._connection = self._connection, None
        self._known = None
        if connection is not None:
            await connection.release()


Recorder = Callable[[Work, Event], Awaitable[None]]
Reactions = Mapping[type[Event], Sequence[Callable[[Work, Any], Awaitable[None]]]]


class Works:
    """Opens Works and ends them: committed, refused or crashed.

    Args:
        database: Where they run.
        clock: What they are told the time by.

    Attributes:
        halted: The clock is wrong: no Work is opened.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.dialect = SQLITE if database.dialect_name == "sqlite" else postgresql()
        self.recorders: Sequence[Recorder] = ()
        self.reactions: Reactions = {}
        self.last_uses = LastUses()
        self.halted = False

    async def run(
        self,
        site: Site,
        body: Callable[[Work], Awaitable[T]],
        *,
        actor: Actor = SYSTEM,
        although_halted: bool = False,
    ) -> T:
        """Run a body in one transaction, again when the database asks for it.

        Args:
            site: The tenant it runs in.
            body: The use case; it may be called several times.
            actor: Who asks.
            although_halted: For a body that neither reads nor writes what time decides.

        Returns:
            What the body returned; by then it is durable.

        Raises:
            Refusal: As the body raised it; what was asked for ``even_if_refused`` is durable.
            Unavailable: If the database can't be reached or never let the Work through, or this
                machine's clock is wrong.
        """
        if self.halted and not although_halted:
            raise Unavailable("clock_skew", "This server's clock is wrong.")
        take_turn(site)
        for attempt in range(_ATTEMPTS):
            work = Work(self, site, actor=actor, now=self.clock.now())
            try:
                answer = await self._once(work, body)
            except (DatabaseRetry, SqliteBusy):
                await asyncio.sleep(secrets.randbelow(5000 << attempt) / 1e6)
                continue
            for follow_up in work._follow_ups:  # noqa: SLF001 -- Works ends what it opens
                await follow_up()
            return answer
        raise Unavailable("database_busy", "The database is busy.")

    async def _once(self, work: Work, body: Callable[[Work], Awaitable[T]]) -> T:
        mark = slow_step.forbid_while(lambda: work.dirty)
        try:
            answer = await body(work)
            await work._accept()  # noqa: SLF001 -- Works ends what it opens
        except Refusal:
            await work._finish(commit=False)  # noqa: SLF001 -- as above
            await self._keep(work)
            raise
        except BaseException:
            await work._finish(commit=False)  # noqa: SLF001 -- as above
            raise
        finally:
            slow_step.allow(mark)
        return answer

    async def _keep(self, refused: Work) -> None:
        keeps = refused._keeps  # noqa: SLF001 -- Works ends what it opens
        if not keeps:
            return

        async def body(work: Work) -> None:
            for keep in keeps:
                await keep(work)

        await self.run(refused.site, body, actor=refused.actor)
