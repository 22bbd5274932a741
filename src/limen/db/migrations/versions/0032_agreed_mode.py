"""What a connection's owner agreed to: that a client is given tokens, or has them used for it.

Consents of before say nothing of it. One counts for tokens only where that can be proved: the
client's policy was ``raw`` before its owner agreed and was not set again since, so that tokens are
what they agreed to. Every other one is for the proxy: its owner is asked again before a token leaves.
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None

PROVEN = (
    "UPDATE limen_connection_consents SET mode = 'raw' WHERE EXISTS ("
    "SELECT 1 FROM limen_release_policies AS policy"
    " WHERE policy.tenant_id = limen_connection_consents.tenant_id"
    " AND policy.client_id = limen_connection_consents.client_id"
    " AND policy.mode = 'raw'"
    " AND policy.updated_at < limen_connection_consents.given_at)"
)


def upgrade() -> None:
    # Spelled out: SQLite takes a check of a new column in this form alone.
    op.execute(
        "ALTER TABLE limen_connection_consents ADD COLUMN mode TEXT DEFAULT 'proxy' NOT NULL "
        "CONSTRAINT ck_limen_connection_consents_mode CHECK (mode IN ('raw', 'proxy'))"
    )
    op.execute(PROVEN)
