"""Definitions by key, clients of the API, and what they hang on the cases they start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    # Whatever is there was published as an item.
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=12), nullable=False, server_default="item"))
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.alter_column("kind", server_default=None)

    op.create_table(
        "definition",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("definition_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version_tag", sa.String(length=120), nullable=False),
        sa.Column("resource_name", sa.String(length=300), nullable=False),
        sa.Column("sha", sa.String(length=64), nullable=False),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("requirements_key", sa.BigInteger(), nullable=True),
        sa.Column("has_start_form", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definition")),
        sa.UniqueConstraint("kind", "definition_id", "version", name=op.f("uq_definition_kind_definition_id_version")),
    )
    with op.batch_alter_table("definition", schema=None) as batch_op:
        batch_op.create_index("ix_definition_release", ["release_id"], unique=False)
        batch_op.create_index("ix_definition_sha", ["sha"], unique=False)

    op.create_table(
        "release_definition",
        sa.Column("release_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("definition_id", sa.String(length=200), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("release_id", "kind", "definition_id", name=op.f("pk_release_definition")),
    )
    with op.batch_alter_table("release_definition", schema=None) as batch_op:
        batch_op.create_index("ix_release_definition_key", ["key"], unique=False)

    op.create_table(
        "api_client",
        sa.Column("client_id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("secret_hash", sa.String(length=200), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("roles", JSON, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failed_tries", sa.BigInteger(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_api_client_office_id_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_client")),
        sa.UniqueConstraint("client_id", name=op.f("uq_api_client_client_id")),
    )
    with op.batch_alter_table("api_client", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_client_office_id"), ["office_id"], unique=False)

    op.create_table(
        "case_label",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("business_id", sa.String(length=256), nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_label")),
    )
    with op.batch_alter_table("case_label", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_label_business_id"), ["business_id"], unique=False)


def downgrade() -> None:
    op.drop_table("case_label")
    op.drop_table("api_client")
    op.drop_table("release_definition")
    op.drop_table("definition")
    op.execute("DELETE FROM release WHERE kind = 'deployment'")
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.drop_column("kind")
