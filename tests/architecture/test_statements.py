from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from limen.db.schema import load_tables
from limen.db.statements import SQLITE
from limen.db.types import Beside
from tests.architecture.source import SOURCE, imported, modules, relative
from tests.architecture.statements import (
    ACROSS_TENANTS,
    KEEPERS,
    SCANS,
    Kept,
    built_per_call,
    kept,
)
from tests.databases import Services

EVERY = [pytest.param(found, id=str(found)) for found in kept()]
PLANNED = [
    pytest.param(found, id=str(found))
    for found in kept()
    if not (isinstance(found.statement, sa.Insert) and found.statement.select is None)
]


def test_there_are_statements_to_judge() -> None:
    assert len(kept()) > 5


@pytest.mark.parametrize("found", EVERY)
def test_every_statement_names_the_tenant_of_every_table(found: Kept) -> None:
    if ACROSS_TENANTS.search(found.comments):
        return
    assert found.unconstrained == [], "compare tenant_id, or write `# tenant: all, why`"


def test_statements_are_built_once_and_not_per_call() -> None:
    stores = [
        Path(str(module.__file__)) for module in imported(KEEPERS) if ".db." not in module.__name__
    ]
    assert [place for path in stores for place in built_per_call(path)] == []


def test_no_sql_stands_outside_a_store() -> None:
    allowed = {"store", "tables", "listing"}  # also as the last word of a longer name
    outside = [
        relative(path)
        for path in modules()
        if not allowed & {path.stem.split("_")[-1], path.parent.name}
        and SOURCE / "db" not in path.parents
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\bsa\.(?:select|insert|update|delete|text)\(", line)
    ]
    assert outside == []


@pytest.mark.parametrize("found", EVERY)
def test_no_subquery_in_returning_loses_the_names_of_its_tables(found: Kept) -> None:
    assert bare_subqueries(found.statement) == [], "put it into db.types.Beside"


def bare_subqueries(statement: Any) -> list[str]:
    """Find the subqueries of a RETURNING that SQLite would be told without table names."""
    text = str(statement.compile(dialect=SQLITE))
    _, _, returning = text.partition(" RETURNING ")
    return re.findall(r"(?:WHERE|AND) ([a-z_]+) (?:=|>|<|IS)", returning)


def test_a_bare_subquery_is_found() -> None:
    tables = load_tables().tables
    codes, clients = tables["limen_codes"], tables["limen_clients"]
    query = sa.select(clients.c.version).where(clients.c.client_id == codes.c.client_id)
    one = query.correlate(codes).scalar_subquery()
    taken = sa.delete(codes)
    assert bare_subqueries(taken.returning(one)) == ["client_id"]
    assert bare_subqueries(taken.returning(Beside(one).label("version"))) == []


def test_a_forgotten_tenant_is_found() -> None:
    table = load_tables().tables["limen_outbox"]
    other = table.alias("other")
    tenant = table.c.tenant_id == sa.bindparam("tenant_id")
    joined = table.join(other, table.c.id == other.c.id)

    def judged(statement: Any) -> list[str]:
        return Kept(Path(__file__), "_X", statement, "").unconstrained

    assert judged(sa.select(table.c.id).where(tenant)) == []
    assert judged(sa.select(table.c.id)) == ["limen_outbox"]
    assert judged(sa.select(table.c.tenant_id).where(table.c.id == sa.bindparam("id")))
    assert judged(sa.delete(table)) == ["limen_outbox"]
    assert judged(sa.update(table).values(kind="x").where(tenant)) == []
    assert judged(sa.select(table.c.id).select_from(joined).where(tenant)) == ["other"]
    assert judged(sa.select(other.c.id).where(other.c.tenant_id == sa.bindparam("tenant_id"))) == []
    assert judged(sa.select(other.c.id)) == ["other"]
    assert judged(sa.select(table.c.id).where(tenant, sa.exists().where(other.c.id == table.c.id)))


# -- every statement uses an index ------------------------------------------------------------


def sqlite_scans(found: Kept, plan: list[str]) -> list[str]:
    """Return the steps of a plan that read a whole table, or a tenant's whole share of one."""
    sorts = any("TEMP B-TREE" in step for step in plan)
    scans = []
    for step in plan:
        verb, name, *_ = step.split()
        table = found.table(name)
        if table is None:  # a subquery's rows, a constant
            continue
        by_tenant_alone = step.endswith("(tenant_id=?)") and len(table.primary_key) > 1
        stops_early = found.is_limited and not sorts
        if verb == "SCAN" or (by_tenant_alone and not stops_early):
            scans.append(step)
    return scans


@pytest.fixture(scope="module")
def sqlite(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    services = next(v for v in pytestconfig.stash._storage.values() if isinstance(v, Services))
    url = services.sqlite_database(tmp_path_factory.mktemp("plans"))
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
        yield raw


@pytest.mark.parametrize("found", PLANNED)
def test_every_statement_uses_an_index_on_sqlite(found: Kept, sqlite: sqlite3.Connection) -> None:
    sql, values = found.sql("sqlite")
    plan = [row[3] for row in sqlite.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    if not SCANS.search(found.comments):
        assert sqlite_scans(found, plan) == [], "give it an index, or write `# scans: why`"


def postgresql_scans(node: dict[str, Any]) -> list[str]:
    """Return the nodes of a plan that read a whole table or a whole index."""
    kind = node["Node Type"]
    whole = kind == "Seq Scan" or ("Index" in kind and "Index Cond" not in node and "Scan" in kind)
    found = [f"{kind} {node.get('Relation Name', '')}"] if whole else []
    return found + [step for child in node.get("Plans", []) for step in postgresql_scans(child)]


async def test_every_statement_uses_an_index_on_postgresql(services: Services) -> None:
    scanning = {}
    async with services.postgres_database() as url:
        connection = await asyncpg.connect(url)
        # An empty table is cheapest read whole: only where no index serves is that left.
        await connection.execute(
            "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan"
        )
        for number, parameter in enumerate(PLANNED):
            found = parameter.values[0]
            assert isinstance(found, Kept)
            sql, values = found.sql("postgresql")
            await connection.execute(f"PREPARE s{number} AS {sql}")
            nulls = f"({', '.join(['NULL'] * len(values))})" if values else ""
            plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE s{number}{nulls}")
            steps = postgresql_scans(json.loads(plan)[0]["Plan"])
            if steps and not SCANS.search(found.comments):
                scanning[str(found)] = steps
        await connection.close()
    assert scanning == {}
