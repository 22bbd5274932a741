"""What providers say of people, their pictures, and accounts that were proven elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _profile()
    _providers()
    op.create_table(
        "limen_proven_identities",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("binding_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("sealed_identity", sa.LargeBinary(), nullable=False),
        sa.Column("detail", limen.db.types.Json(), nullable=False),
        sa.Column("code_mac", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("mails", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('ticket', 'proof')", name=op.f("ck_limen_proven_identities_kind")
        ),
        sa.CheckConstraint(
            "length(token_hash) = 32", name=op.f("ck_limen_proven_identities_token_hash")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "token_hash", name=op.f("pk_limen_proven_identities")),
        comment="Accounts at providers, just proven: on the way to a front end, or to a mailbox",
    )
    op.create_index(
        op.f("ix_limen_proven_identities_tenant_id_expires_at"),
        "limen_proven_identities",
        ["tenant_id", "expires_at"],
        unique=False,
    )


def _profile() -> None:
    op.create_table(
        "limen_profile_sources",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("changed_at", limen.db.types.Moment(), nullable=False),
        _of_user("profile_sources"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "user_id", "field", name=op.f("pk_limen_profile_sources")
        ),
        comment="What a profile's field follows: own, none, or an identity at a provider",
    )
    op.create_table(
        "limen_user_pictures",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("origin_hash", sa.LargeBinary(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint("length(image) <= 262144", name=op.f("ck_limen_user_pictures_image")),
        _of_user("user_pictures"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "user_id", "source", name=op.f("pk_limen_user_pictures")
        ),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_limen_user_pictures_tenant_id_id")),
        comment="Pictures as we made them, WebP, one per source; id names the very image in its URL",
    )


def _providers() -> None:
    op.create_table(
        "limen_provider_profiles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("sealed_profile", sa.LargeBinary(), nullable=False),
        sa.Column("mapped_roles", limen.db.types.Json(), nullable=False),
        sa.Column("access_generation", sa.BigInteger(), nullable=False),
        sa.Column("sealed_access", sa.LargeBinary(), nullable=True),
        sa.Column("last_sync_at", limen.db.types.Moment(), nullable=False),
        sa.Column("changed_at", limen.db.types.Moment(), nullable=False),
        sa.Column("next_sync_at", limen.db.types.Moment(), nullable=True),
        _of_identity("provider_profiles"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "issuer", "subject", name=op.f("pk_limen_provider_profiles")
        ),
        comment="What a provider last said of a person, sealed; when it is asked again",
    )
    for column in ("user_id", "next_sync_at"):
        op.create_index(
            op.f(f"ix_limen_provider_profiles_tenant_id_{column}"),
            "limen_provider_profiles",
            ["tenant_id", column],
            unique=False,
        )
    op.create_table(
        "limen_profile_changes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("members", limen.db.types.Json(), nullable=False),
        sa.Column("sealed_before", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", limen.db.types.Moment(), nullable=False),
        _of_identity("profile_changes"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_profile_changes")),
        comment="What changed of it: the members' names, and sealed what they were before",
    )
    op.create_index(
        op.f("ix_limen_profile_changes_tenant_id_issuer_subject_id"),
        "limen_profile_changes",
        ["tenant_id", "issuer", "subject", "id"],
        unique=False,
    )


def _of_user(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "user_id"],
        ["limen_users.tenant_id", "limen_users.id"],
        name=op.f(f"fk_limen_{name}_tenant_id_user_id"),
        ondelete="CASCADE",
    )


def _of_identity(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "issuer", "subject"],
        ["limen_identities.tenant_id", "limen_identities.issuer", "limen_identities.subject"],
        name=op.f(f"fk_limen_{name}_tenant_id_issuer_subject"),
        ondelete="CASCADE",
    )
