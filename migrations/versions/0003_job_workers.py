"""Jobs for workers of any kind, woken by a notification; start events; whose incident it is."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")

# A claim writes rows too: only what may be taken by now is worth waking anybody.
FUNCTION = """
CREATE FUNCTION anju_job_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('anju_job', fresh.kind) FROM (
        SELECT DISTINCT kind FROM written WHERE state = 'ready' AND (kind <> 'timer' OR due_at <= now())
    ) AS fresh;
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER job_{event}_notify AFTER {event} ON job REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION anju_job_notify()
"""

ADDED = {
    "office_id": (sa.BigInteger(), "0"),
    "process_id": (sa.String(length=200), ""),
    "party": (sa.String(length=60), ""),
    "listener": (sa.String(length=40), ""),
    "scopes": (JSON, "[]"),
    "created_at": (sa.DateTime(timezone=True), "2000-01-01 00:00:00"),
    "error_code": (sa.String(length=120), ""),
}


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    with op.batch_alter_table("job") as batch:
        batch.drop_index("ux_job_token")
        batch.drop_index("ix_job_due")
        for name, (type_, default) in ADDED.items():
            batch.add_column(sa.Column(name, type_, nullable=False, server_default=default))
        batch.alter_column("operation", existing_type=sa.String(length=120), type_=sa.String(length=200))
        batch.alter_column("worker", existing_type=sa.String(length=80), type_=sa.String(length=120))
    with op.batch_alter_table("job") as batch:
        for name, (type_, _default) in ADDED.items():
            batch.alter_column(name, existing_type=type_, server_default=None)
    # Until now a small number went first.
    op.execute("UPDATE job SET priority = 0, created_at = due_at")
    op.create_index("ix_job_due", "job", ["kind", "due_at"], **_where("state = 'ready'"))
    urgent = [sa.text("priority DESC"), "due_at", "id"]
    op.create_index("ix_job_urgent", "job", ["kind", *urgent], **_where("state = 'ready'"))
    op.create_index("ix_job_type", "job", ["operation", *urgent], **_where("kind = 'external' AND state = 'ready'"))
    op.create_index("ix_job_leased", "job", ["leased_until"], **_where("state = 'running'"))
    op.create_index("ix_job_case", "job", ["case_id"])
    op.create_index("ux_job_token", "job", ["case_id", "token", "kind"], unique=True, **_where("kind <> 'signal'"))
    op.create_table(
        "start_event",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("process_id", sa.String(length=200), nullable=False),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.String(length=120), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("timer", JSON, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_start_event")),
        sa.UniqueConstraint("process_id", "element_id", name=op.f("uq_start_event_process_id_element_id")),
    )
    op.create_index("ix_start_event_name", "start_event", ["kind", "name"])
    with op.batch_alter_table("incident") as batch:
        batch.add_column(sa.Column("job_id", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("process_id", sa.String(length=200), nullable=False, server_default=""))
        batch.create_index("ix_incident_party", ["party", "state"])
    with op.batch_alter_table("incident") as batch:
        batch.alter_column("process_id", existing_type=sa.String(length=200), server_default=None)
    with op.batch_alter_table("subscription") as batch:
        batch.add_column(sa.Column("process_id", sa.String(length=200), nullable=False, server_default=""))
    with op.batch_alter_table("subscription") as batch:
        batch.alter_column("process_id", existing_type=sa.String(length=200), server_default=None)
    with op.batch_alter_table("buffered_message") as batch:
        batch.add_column(sa.Column("office_id", sa.BigInteger(), nullable=True))
        batch.drop_constraint("uq_buffered_message_message_id", type_="unique")
        batch.create_unique_constraint("uq_buffered_message_name_key_message_id", ["name", "key", "message_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FUNCTION)
        for event in ("insert", "update"):
            op.execute(TRIGGER.format(event=event))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER job_{event}_notify ON job")
        op.execute("DROP FUNCTION anju_job_notify()")
    with op.batch_alter_table("buffered_message") as batch:
        batch.drop_constraint("uq_buffered_message_name_key_message_id", type_="unique")
        batch.create_unique_constraint("uq_buffered_message_message_id", ["message_id"])
        batch.drop_column("office_id")
    with op.batch_alter_table("subscription") as batch:
        batch.drop_column("process_id")
    with op.batch_alter_table("incident") as batch:
        batch.drop_index("ix_incident_party")
        batch.drop_column("process_id")
        batch.drop_column("job_id")
    op.drop_index("ix_start_event_name", "start_event")
    op.drop_table("start_event")
    for name in ("ux_job_token", "ix_job_case", "ix_job_leased", "ix_job_type", "ix_job_urgent", "ix_job_due"):
        op.drop_index(name, "job")
    op.execute("DELETE FROM job WHERE kind IN ('external', 'start', 'message')")
    op.execute("UPDATE job SET priority = 50")
    with op.batch_alter_table("job") as batch:
        for name in ADDED:
            batch.drop_column(name)
        batch.alter_column("operation", existing_type=sa.String(length=200), type_=sa.String(length=120))
        batch.alter_column("worker", existing_type=sa.String(length=120), type_=sa.String(length=80))
        batch.create_index("ix_job_due", ["state", "due_at", "priority"], unique=False)
        batch.create_index("ux_job_token", ["case_id", "token", "kind"], unique=True)
