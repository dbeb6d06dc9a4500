"""Limits by item and step, the office's own days, stops with their notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
_STOP = (
    ("token", sa.String(length=64), "''"),
    ("notice", sa.String(length=60), "''"),
    ("notice_id", sa.BigInteger(), None),
    ("until_at", MOMENT, None),
)
# What ran in working days before: of the case alone, by what was promised. The migration does not know the calendar's
# midnight in UTC otherwise than by the zone of all offices.
_RUNNING = """
INSERT INTO case_limit (case_id, token, kind, element_id, unit, amount, extended, from_at, due_on, due_at, rung)
SELECT id, '', 'promised', '', 'days', clock_days, 0, COALESCE(accepted_at, opened_at), due_on, {midnight}, 0
FROM case_file WHERE due_on IS NOT NULL AND state IN ('open', 'suspended')
"""
_MIDNIGHT = {
    "postgresql": "(due_on + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'",
    "sqlite": "strftime('%Y-%m-%d', due_on) || ' 16:00:00.000000'",
}


def upgrade() -> None:
    for name, type_, default in _STOP:
        made = sa.Column(name, type_, nullable=default is None, server_default=sa.text(default) if default else None)
        op.add_column("clock_stop", made)
    op.add_column("task", sa.Column("alarm", sa.String(length=6), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "office_day",
        sa.Column("office_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("works", sa.Boolean(), nullable=False),
        sa.Column("hours", JSON, nullable=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "day", "kind", name=op.f("pk_office_day")),
    )
    op.execute(
        "INSERT INTO office_day (office_id, day, kind, works, name) SELECT 0, day, 'day', works, name FROM calendar_day"
    )
    op.drop_table("calendar_day")
    op.create_table(
        "case_limit",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("element_id", sa.String(length=120), nullable=False),
        sa.Column("unit", sa.String(length=6), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("extended", sa.BigInteger(), nullable=False),
        sa.Column("from_at", MOMENT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("rung", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("case_id", "token", "kind", name=op.f("pk_case_limit")),
    )
    running = sa.text("ended_at IS NULL")
    op.create_index("ix_case_limit_due", "case_limit", ["due_at"], postgresql_where=running, sqlite_where=running)
    op.execute(_RUNNING.format(midnight=_MIDNIGHT[op.get_bind().dialect.name]))
    op.create_table(
        "extension",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("unit", sa.String(length=6), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("asked_by", sa.String(length=40), nullable=False),
        sa.Column("asked_by_name", sa.String(length=60), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=40), nullable=False),
        sa.Column("decided_by_name", sa.String(length=60), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension")),
    )
    asked = sa.text("state = 'asked'")
    op.create_index("ix_extension_case", "extension", ["case_id"])
    op.create_index("ix_extension_open", "extension", ["role", "office_id"], postgresql_where=asked, sqlite_where=asked)
    op.create_table(
        "calendar_change",
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by_name", sa.String(length=60), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_change")),
    )


def downgrade() -> None:
    for table in ("calendar_change", "extension", "case_limit"):
        op.drop_table(table)
    op.create_table(
        "calendar_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("works", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_day")),
    )
    op.execute(
        "INSERT INTO calendar_day (day, works, name)"
        " SELECT day, works, name FROM office_day WHERE office_id = 0 AND kind = 'day'"
    )
    op.drop_table("office_day")
    op.execute("DELETE FROM job WHERE kind IN ('clock', 'recount')")
    op.drop_column("task", "alarm")
    for name, _, _ in _STOP:
        op.drop_column("clock_stop", name)
