"""Electronic invoices: one row for each request, blue or red."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

LIVE = sa.text("red_of = 0 AND state NOT IN ('dropped', 'red')")
TAKEN_BACK = sa.text("red_of <> 0 AND state <> 'dropped'")


def upgrade() -> None:
    """A paid order has one live blue invoice, a blue one at most one red one."""
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("red_of", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("request_number", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Boolean(), nullable=False),
        sa.Column("tax_number", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("lease", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("check_code", sa.String(length=20), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pdf", sa.String(length=80), nullable=False),
        sa.Column("ofd", sa.String(length=80), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("made_by_name", sa.String(length=60), nullable=False),
        sa.Column("approved_by_name", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("request_number", name=op.f("uq_invoice_request_number")),
    )
    op.create_index("ix_invoice_office", "invoice", ["office_id", "state"])
    op.create_index("ix_invoice_next", "invoice", ["state", "next_at"])
    op.create_index(op.f("ix_invoice_case_id"), "invoice", ["case_id"])
    op.create_index(op.f("ix_invoice_number"), "invoice", ["number"])
    for name, columns, live in (("ux_invoice_order", ["order_id"], LIVE), ("ux_invoice_red", ["red_of"], TAKEN_BACK)):
        op.create_index(name, "invoice", columns, unique=True, sqlite_where=live, postgresql_where=live)


def downgrade() -> None:
    """Back to orders that nobody invoices."""
    op.drop_table("invoice")
