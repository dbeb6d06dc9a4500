"""Breakers, consents, ordered outboxes, what came in, reconciliations; what calls cost, under a seal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
ADDED = {
    "purpose": (sa.String(length=120), ""),
    "consent": (sa.String(length=120), ""),
    "cost_fen": (sa.BigInteger(), "0"),
    "seal": (sa.String(length=64), ""),
}


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    with op.batch_alter_table("call_record") as batch:
        for name, (type_, default) in ADDED.items():
            batch.add_column(sa.Column(name, type_, nullable=False, server_default=default))
        batch.drop_index("ix_call_record_party")
        batch.create_index("ix_call_party_at", ["party", "at"])
    with op.batch_alter_table("call_record") as batch:
        for name, (type_, _default) in ADDED.items():
            batch.alter_column(name, existing_type=type_, server_default=None)
    parked = sa.text("state = 'parked'")
    op.create_index("ix_job_parked", "job", ["party", "id"], postgresql_where=parked, sqlite_where=parked)
    op.create_table(
        "breaker",
        sa.Column("party", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("probes", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("trips", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=True),
        sa.Column("probe_at", MOMENT, nullable=True),
        sa.Column("releasing", sa.Boolean(), nullable=False),
        sa.Column("released_at", MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("calls", JSON, nullable=False),
        sa.PrimaryKeyConstraint("party", name=op.f("pk_breaker")),
    )
    op.create_table(
        "consent",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        _id(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_case_id", "consent", ["case_id"])
    op.create_table(
        "outbox",
        sa.Column("party", sa.String(length=60), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.String(length=200), nullable=False),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        _id(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("case_id", "party", "number", name=op.f("uq_outbox_case_id_party_number")),
    )
    op.create_index("ix_outbox_state", "outbox", ["party", "state"])
    op.create_table(
        "inbound_message",
        sa.Column("party", sa.String(length=60), nullable=False),
        sa.Column("message_id", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("repeats", sa.BigInteger(), nullable=False),
        sa.Column("result", JSON, nullable=False),
        _id(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_message")),
        sa.UniqueConstraint("party", "message_id", name=op.f("uq_inbound_message_party_message_id")),
    )
    op.create_table(
        "reconciliation",
        sa.Column("party", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("compared", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.Column("ran_at", MOMENT, nullable=False),
        _id(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
        sa.UniqueConstraint("name", "day", name=op.f("uq_reconciliation_name_day")),
    )
    op.create_index("ix_reconciliation_party", "reconciliation", ["party"])
    op.create_table(
        "difference",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("theirs", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("settled_by", sa.String(length=60), nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        _id(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_difference")),
    )
    op.create_index("ix_difference_state", "difference", ["party", "state"])
    op.create_index("ix_difference_run", "difference", ["run_id"])


def downgrade() -> None:
    for table in ("difference", "reconciliation", "inbound_message", "outbox", "consent", "breaker"):
        op.drop_table(table)
    op.drop_index("ix_job_parked", "job")
    op.execute("DELETE FROM job WHERE kind = 'report'")
    op.execute("UPDATE job SET state = 'ready' WHERE state = 'parked'")
    with op.batch_alter_table("call_record") as batch:
        for name in ADDED:
            batch.drop_column(name)
        batch.drop_index("ix_call_party_at")
        batch.create_index("ix_call_record_party", ["party"])
