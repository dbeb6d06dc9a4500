"""What operators do: migrations of running cases, with a row for each; papers that are no longer valid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "migration_run",
        sa.Column("item", sa.String(length=120), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("processes", JSON, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("created_by_name", sa.String(length=60), nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_run")),
    )
    op.create_index("ix_migration_run_item", "migration_run", ["item", "created_at"])
    op.create_table(
        "migrated_case",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("findings", JSON, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.LargeBinary(), nullable=False),
        sa.Column("variables", sa.LargeBinary(), nullable=True),
        sa.Column("kept_until", MOMENT, nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migrated_case")),
    )
    op.create_index("ix_migrated_case_run", "migrated_case", ["run_id", "state", "id"])
    op.create_index("ix_migrated_case_case", "migrated_case", ["case_id"])
    op.create_index("ix_migrated_case_kept", "migrated_case", ["kept_until"])

    op.add_column("document", sa.Column("standing", sa.String(length=12), nullable=True))
    op.add_column("document", sa.Column("ended_on", sa.Date(), nullable=True))
    op.add_column("document", sa.Column("ended_by", sa.String(length=60), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("document") as batch:
        for name in ("standing", "ended_on", "ended_by"):
            batch.drop_column(name)
    op.drop_table("migrated_case")
    op.drop_table("migration_run")
