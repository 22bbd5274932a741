"""Alembic's environment: a connection handed in, every capability's tables."""

from __future__ import annotations

from alembic import context

from limen.db.migrate import VERSION_TABLE
from limen.db.schema import load_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=load_tables(),
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=False,
)
context.run_migrations()
