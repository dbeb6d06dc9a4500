"""Cases that a service platform handed down."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """A row per case; the platform's number of it is unique within the platform."""
    op.create_table(
        "handed_down",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=120), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("step", sa.String(length=30), nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_handed_down")),
        sa.UniqueConstraint("party", "number", name=op.f("uq_handed_down_party_number")),
    )
    op.create_index("ix_handed_down_day", "handed_down", ["party", "received_on"])


def downgrade() -> None:
    """Back to cases whose number elsewhere nobody keeps."""
    op.drop_table("handed_down")
