"""How a table is declared: one metadata, prefixed names, tenant first."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.sql.schema import SchemaItem

PREFIX: Final = "limen_"
"""Before every table's name, so that a host's database can hold its own ``users`` beside ours."""

CONDITION: Final = "where"
"""Under this name an index keeps its condition."""

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *items: SchemaItem, comment: str = "") -> sa.Table:
    """Declare a table of ours; its name and those its foreign keys point at get the prefix.

    Args:
        name: Without prefix, plural.
        items: Columns, constraints, indexes. The primary key starts with ``tenant_id``.
        comment: One line for ``docs/schema.md``.

    Raises:
        TypeError: If the primary key does not start with the tenant, or a column has a
            Python-side default (statements run on raw drivers, which know none).
    """
    prefixed = [_prefixed(item) for item in items]
    made = sa.Table(PREFIX + name, metadata, *prefixed, comment=comment or None)
    if next(iter(made.primary_key.columns)).name != "tenant_id":
        raise TypeError(f"the primary key of {name} does not start with tenant_id")
    if any(column.default is not None or column.onupdate is not None for column in made.columns):
        raise TypeError(f"{name} has a Python-side default; give the value in the statement")
    return made


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """Declare an index of the rows that satisfy a condition.

    The condition for PostgreSQL is put in by ``limen.db.schema``, when a schema is made: naming
    that engine here would load its dialect into every process on SQLite.

    Args:
        name: Of the index; there is no convention for these.
        columns: Their names.
        where: SQL both engines understand.
        unique: Whether no two of those rows may be alike.
    """
    condition = sa.text(where)
    return sa.Index(
        name, *columns, unique=unique, sqlite_where=condition, info={CONDITION: condition}
    )


def _prefixed(item: SchemaItem) -> SchemaItem:
    if not isinstance(item, sa.ForeignKeyConstraint):
        return item
    targets = [PREFIX + str(element._colspec) for element in item.elements]  # noqa: SLF001 -- the only place it is kept
    return sa.ForeignKeyConstraint(item.column_keys, targets, ondelete=item.ondelete)
