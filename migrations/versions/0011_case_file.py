"""The project a case is about, looks at what is masked, links for phones, whole cases as zip, versions of materials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "case_project",
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("code", "case_id", name=op.f("pk_case_project")),
    )
    op.create_index("ix_case_project_case_id", "case_project", ["case_id"])
    op.create_table(
        "reveal",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_key", sa.String(length=40), nullable=False),
        sa.Column("actor_name", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        _id(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reveal")),
    )
    op.create_index("ix_reveal_case", "reveal", ["case_id", "actor_key"])
    op.create_index("ix_reveal_office", "reveal", ["office_id", "id"])
    op.create_table(
        "phone_link",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("replaces", sa.BigInteger(), nullable=True),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("files", JSON, nullable=False),
        _id(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_link")),
    )
    op.create_index("ix_phone_link_case", "phone_link", ["case_id", "id"])
    op.create_table(
        "case_bundle",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("sha", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        _id(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_bundle")),
    )
    op.create_index("ix_case_bundle_case", "case_bundle", ["case_id", "id"])
    op.create_index("ix_case_bundle_until", "case_bundle", ["until"])
    op.add_column("attachment", sa.Column("replaces", sa.BigInteger(), nullable=True))
    op.add_column("attachment", sa.Column("via", sa.String(length=10), nullable=False, server_default=sa.text("''")))
    closed = sa.text("closed_at IS NOT NULL")
    op.create_index(
        "ix_case_file_closed", "case_file", ["item", "closed_at"], postgresql_where=closed, sqlite_where=closed
    )


def downgrade() -> None:
    op.drop_index("ix_case_file_closed", "case_file")
    op.drop_column("attachment", "via")
    op.drop_column("attachment", "replaces")
    for table in ("case_bundle", "phone_link", "reveal", "case_project"):
        op.drop_table(table)
