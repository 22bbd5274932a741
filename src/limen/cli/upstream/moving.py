"""``limen connection import`` and ``export``: connections as lines of NDJSON, with proof."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer

from limen.cli.inside import find_tenant, opened, read_settings
from limen.cli.say import AsJson, InTenant, complain, progress
from limen.kernel.actor import OPERATOR
from limen.kernel.errors import Refusal

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.tenants.tenant import Tenant
    from limen.vault.moving.line import ConnectionLine
    from limen.vault.moving.outcome import How, TakenIn

_PRIVATE: Final = 0o600
_EVERY: Final = 100

_File = Annotated[str, typer.Argument(metavar="FILE", help="Lines; - is standard input.")]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Connect nothing; tell what would happen.")
]
_ByRefresh = Annotated[
    bool,
    typer.Option(
        "--prove-by-refresh",
        help="Redeem every refresh token, in a dry run too; a successor is kept for the import.",
    ),
]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Also tokens of accounts that work here already.")
]
_FromTables = Annotated[
    str,
    typer.Option(
        "--from-tables",
        metavar="URL",
        help="Instead: the six oauth_* tables of an older application's database.",
    ),
]
_People = Annotated[
    str, typer.Option("--users-table", metavar="TABLE", help="Its people, with id and email.")
]
_Key = Annotated[
    Path | None,
    typer.Option(
        "--older-key-file", metavar="FILE", help="Its OAUTH_ENCRYPTION_KEY; ours if not given."
    ),
]
_Renamed = Annotated[
    list[str] | None,
    typer.Option("--provider", metavar="THERE=HERE", help="A provider of another name here."),
]
_AnyAccount = Annotated[
    bool,
    typer.Option(
        "--any-account", help="Take the account the provider names, whatever the tables call it."
    ),
]


def take_in(  # noqa: PLR0913 -- each argument is an option
    file: _File = "",
    *,
    dry_run: _DryRun = False,
    prove_by_refresh: _ByRefresh = False,
    replace: _Replace = False,
    from_tables: _FromTables = "",
    users_table: _People = "",
    older_key_file: _Key = None,
    provider: _Renamed = None,
    any_account: _AnyAccount = False,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Connect accounts by tokens that another application holds, each proven at its provider.

    Tells what became of each line; the same lines may come again. Exits with 1 if any was refused.
    """
    if bool(file) == bool(from_tables):
        raise typer.BadParameter("give a FILE, or --from-tables")
    from limen.vault.moving.outcome import How  # noqa: PLC0415 -- loaded when it runs

    how = How(dry_run=dry_run, by_refresh=prove_by_refresh, replace=replace)
    told = _Telling(as_json=as_json)

    async def run() -> None:
        async with opened(read_settings()) as runtime:
            importing = _Importing(runtime, await find_tenant(runtime, tenant), how, told)
            if file:
                for number, line in _lines_of(file):
                    await importing.one(f"line {number}", line)
                return
            from limen.cli.upstream.older.take_over import (  # noqa: PLC0415 -- as above
                Source,
                take_over,
            )

            source = Source(
                url=from_tables,
                people=users_table,
                key_file=older_key_file,
                renamed=dict(_renamed(provider or [])),
                any_account=any_account,
            )
            rows = await take_over(runtime, importing.site, source)
            for row_id, line in rows.lines():
                await importing.one(f"integration {_shown(row_id)}", line)
            told.leave([each.to_json() for each in rows.left])

    asyncio.run(run())
    told.sum_up()
    if told.refused:
        raise typer.Exit(1)


def write_out(
    *,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="The tokens too; each is audited.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A new file, for you alone to read.")
    ] = None,
    provider: Annotated[str, typer.Option(metavar="ID", help="Only at this provider.")] = "",
    user: Annotated[str, typer.Option(metavar="USER_ID", help="Only this person's.")] = "",
    tenant: InTenant = "default",
) -> None:
    """Write down connections, a line of JSON each, that another Limen can import.

    Without secrets unless asked for; with them never to a terminal.
    """
    if with_secrets and output is None and sys.stdout.isatty():
        raise typer.BadParameter("secrets are not shown on a terminal: give --output FILE")

    async def run(to: BinaryIO) -> int:
        from limen.vault.moving.write_out import Extent, write_out  # noqa: PLC0415 -- as above

        written = 0
        async with opened(read_settings()) as runtime:
            site = await find_tenant(runtime, tenant)
            extent = Extent(with_secrets=with_secrets, provider=provider, user_id=user)
            lines = write_out(runtime.vault, site, extent=extent, actor=OPERATOR)
            async for line in lines:
                to.write(line)
                written += 1
        return written

    with _opened_output(output) as to:
        written = asyncio.run(run(to))
        to.flush()
    progress(f"{written} connections")


@dataclass(frozen=True, slots=True)
class _Importing:
    runtime: Runtime
    site: Tenant
    how: How
    told: _Telling

    async def one(self, where: str, line: ConnectionLine | Refusal) -> None:
        """Take in one line, or tell why not; the next goes on."""
        from limen.vault.moving.take_in import take_in  # noqa: PLC0415 -- loaded when it runs

        try:
            if isinstance(line, Refusal):
                raise line
            done = await take_in(
                self.runtime.vault, self.site, line=line, how=self.how, actor=OPERATOR
            )
        except Refusal as refusal:
            self.told.refuse(where, refusal)
        else:
            self.told.tell(where, done)


class _Telling:
    """Says what becomes of each line, and counts."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._counts: Counter[str] = Counter()
        self.refused = 0

    def tell(self, where: str, done: TakenIn) -> None:
        """Say what became of one."""
        self._count(done.verdict)
        if self._as_json:
            print(json.dumps({"at": where, **done.to_json()}))
            return
        notes = ["successor kept"] if done.kept else []
        if done.features_missing:
            notes.append(f"not covered: {', '.join(done.features_missing)}")
        if done.verdict == "unproven":
            notes.append("only its refresh token would tell, and using it would end it there")
        words = (where, done.verdict, done.provider, done.user_id, done.connection_id, *notes)
        print("  ".join(word for word in words if word))

    def refuse(self, where: str, refusal: Refusal) -> None:
        """Say why one was refused."""
        self.refused += 1
        self._count("refused")
        field = f"{refusal.field}: " if refusal.field else ""
        complain(f"{where}: {field}{refusal.public}", as_json=self._as_json, code=refusal.code)

    def leave(self, left: list[dict[str, object]]) -> None:
        """Say what of the tables is not taken over."""
        for each in left:
            if self._as_json:
                print(json.dumps(each))
            else:
                row = f" of {_shown(each['integration'])}" if each["integration"] else ""
                print(f"{each['table']}{row}  left out ({each['rows']}): {each['reason']}")

    def sum_up(self) -> None:
        """Say how many of each."""
        progress(", ".join(f"{n} {name}" for name, n in sorted(self._counts.items())) or "nothing")

    def _count(self, what: str) -> None:
        self._counts[what] += 1
        if self._counts.total() % _EVERY == 0:
            progress(f"{self._counts.total()} lines")


def _lines_of(file: str) -> Iterator[tuple[int, ConnectionLine | Refusal]]:
    """Yield the lines of a file, or why one is none; none is held longer than it takes."""
    from limen.vault.moving.line import (  # noqa: PLC0415 -- loaded when it runs
        MOST_BYTES,
        Seen,
        read_connection_line,
    )

    seen = Seen()
    with _opened_input(file) as source:
        number = 0
        while raw := source.readline(MOST_BYTES + 2):
            number += 1
            whole = raw.endswith(b"\n")
            while not whole and (rest := source.readline(MOST_BYTES)):  # too long: to its end
                whole = rest.endswith(b"\n")
            if not raw.strip():
                continue
            try:
                line = read_connection_line(raw.rstrip(b"\r\n"))
                seen.check(line)
            except Refusal as refusal:
                yield number, refusal
            else:
                yield number, line


@contextmanager
def _opened_input(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as source:
        yield source


@contextmanager
def _opened_output(file: Path | None) -> Iterator[BinaryIO]:
    """Open a file that was not there: nobody else has it open, and nobody else may read it."""
    if file is None:
        yield sys.stdout.buffer
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "wb") as to:
        yield to


def _renamed(given: list[str]) -> Iterator[tuple[str, str]]:
    for each in given:
        there, equals, here = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"{each}: write THERE=HERE")
        yield there.strip().lower(), here.strip()


def _shown(id_: object) -> str:
    """Return another's id for a terminal, without what would drive it."""
    return "".join(character for character in str(id_) if character.isprintable())[:100]
