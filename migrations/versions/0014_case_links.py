"""Cases about cases; what became of an eligibility after it was granted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")
LINKED = sa.text("about_case_id IS NOT NULL")


def upgrade() -> None:
    """A review points at the case it is about; each change of an eligibility keeps what was before."""
    op.add_column("case_file", sa.Column("about_case_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_case_file_about", "case_file", ["about_case_id"], postgresql_where=LINKED, sqlite_where=LINKED)
    op.create_table(
        "eligibility_change",
        sa.Column("eligibility_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["eligibility_id"], ["eligibility.id"], name=op.f("fk_eligibility_change_eligibility_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eligibility_change")),
    )
    op.create_index(op.f("ix_eligibility_change_eligibility_id"), "eligibility_change", ["eligibility_id"])


def downgrade() -> None:
    """Back to cases that know nothing of each other."""
    op.drop_table("eligibility_change")
    op.drop_index("ix_case_file_about", table_name="case_file")
    with op.batch_alter_table("case_file") as batch:
        batch.drop_column("about_case_id")
