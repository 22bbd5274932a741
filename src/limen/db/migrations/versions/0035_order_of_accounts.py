"""Accounts at providers in the order of their characters, in whatever language a database sorts.

All accounts of one workspace, and all parts of one account, are found by how they begin. In the
order of a language ``;`` comes before ``:``, and nothing was found.
"""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            'ALTER TABLE limen_upstream_grants ALTER COLUMN live_subject TYPE TEXT COLLATE "C"'
        )
