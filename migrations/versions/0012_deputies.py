"""Who stands in for whom, who is away, whose relatives; the people of a case; whose turn it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "deputy",
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("deputy_id", sa.BigInteger(), nullable=True),
        sa.Column("from_at", MOMENT, nullable=False),
        sa.Column("until_at", MOMENT, nullable=False),
        sa.Column("items", JSON, nullable=False),
        sa.Column("roles", JSON, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deputy")),
    )
    op.create_index("ix_deputy_deputy", "deputy", ["deputy_id", "until_at"])
    op.create_index("ix_deputy_principal", "deputy", ["principal_id"])
    op.create_table(
        "relative",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("id_digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("declared_at", MOMENT, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relative")),
    )
    op.create_index("ux_relative", "relative", ["staff_id", "id_digest"], unique=True)
    op.create_table(
        "case_person",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("digest", "case_id", name=op.f("pk_case_person")),
    )
    op.create_index(op.f("ix_case_person_case_id"), "case_person", ["case_id"])
    op.create_table(
        "turn",
        sa.Column("queue", sa.String(length=200), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "staff_id", name=op.f("pk_turn")),
    )
    op.add_column("staff_user", sa.Column("id_digest", sa.String(length=64), nullable=True))
    op.add_column("journal_entry", sa.Column("for_key", sa.String(length=40), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("journal_entry") as batch:
        batch.drop_column("for_key")
    with op.batch_alter_table("staff_user") as batch:
        batch.drop_column("id_digest")
    for table in ("turn", "case_person", "relative", "deputy"):
        op.drop_table(table)
