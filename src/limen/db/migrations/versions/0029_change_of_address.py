"""A third kind of mailed link: the one that gives a person another address."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_NAME = "ck_limen_account_tokens_purpose"
_CHECK = "purpose IN ('verify', 'reset', 'change')"


def upgrade() -> None:
    # SQLite changes no check in place: the table is made anew.
    with op.batch_alter_table("limen_account_tokens") as table:
        table.drop_constraint(op.f(_NAME), type_="check")
        table.create_check_constraint(op.f(_NAME), _CHECK)
