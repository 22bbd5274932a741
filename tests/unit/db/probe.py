"""What the tests of the database layer run on: a table outside the product's schema."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.schema import CreateTable

from limen.db.leases import claim_due, lease_columns
from limen.db.types import DbNow, Json, Moment, insert_or_nothing, upsert
from limen.db.work import Works

probe = sa.Table(
    "probe",
    sa.MetaData(),
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment()),
    sa.Column("data", Json()),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("number", sa.Integer),
    sa.Column("used_at", Moment()),
    *lease_columns(),
)

_MINE = probe.c.tenant_id == bindparam("tenant_id")
_THIS = (_MINE, probe.c.id == bindparam("probe_id"))

ADD = sa.insert(probe)
ADD_ONCE = insert_or_nothing(probe, conflict=("tenant_id", "id"), returning=(probe.c.id,))
COUNT = upsert(
    probe,
    conflict=("tenant_id", "id"),
    changes={"number": probe.c.number + 1},
    returning=(probe.c.number,),
)
FIND = sa.select(probe).where(*_THIS)
AMONG = sa.select(probe.c.id).where(_MINE, probe.c.id.in_(bindparam("ids", expanding=True)))
IDS = sa.select(probe.c.id).where(_MINE).order_by(probe.c.id)
SET = sa.update(probe).where(*_THIS).values(number=bindparam("number"))
MORE = sa.update(probe).where(*_THIS).values(number=probe.c.number + 1, raw=bindparam("raw"))
TAKE = (
    sa.update(probe)
    .where(*_THIS, probe.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
    .returning(probe.c.id)
)
TAKE_ALL = sa.update(probe).where(_MINE).values(used_at=bindparam("at")).returning(probe.c.id)
DUE = (
    sa.update(probe)
    .where(_MINE)
    .values(due_at=DbNow(bindparam("delay", type_=sa.Float)), lease_until=None)
)
CLAIM = claim_due(probe)


async def create_probe(works: Works) -> None:
    """Make the table in this database."""
    connection = await works.database.acquire()
    try:
        sql = str(CreateTable(probe).compile(dialect=works.dialect))
        await connection.run(sql, (), returns_rows=False)
    finally:
        await connection.release()
