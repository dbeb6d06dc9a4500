"""Named views of the inbox, what each person has read, drafts that know which device wrote them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
EMPTY = sa.text("''")
OPEN = sa.text("state = 'open'")


def _added() -> list[tuple[str, sa.Column[Any]]]:
    return [
        ("task", sa.Column("item", sa.String(length=120), nullable=False, server_default=EMPTY)),
        ("task", sa.Column("channel", sa.String(length=20), nullable=False, server_default=EMPTY)),
        ("draft", sa.Column("revision", sa.BigInteger(), nullable=False, server_default="1")),
        ("draft", sa.Column("device", sa.String(length=24), nullable=False, server_default=EMPTY)),
    ]


def upgrade() -> None:
    for table, column in _added():
        op.add_column(table, column)
    for name in ("item", "channel"):
        op.execute(
            f"UPDATE task SET {name} = (SELECT {name} FROM case_file WHERE case_file.id = task.case_id) "  # noqa: S608
            "WHERE state <> 'done' AND EXISTS (SELECT 1 FROM case_file WHERE case_file.id = task.case_id)"
        )
    columns = ["office_id", "due_on", sa.text("priority DESC"), "id"]
    op.create_index("ix_task_open", "task", columns, postgresql_where=OPEN, sqlite_where=OPEN)
    as_written = {"number": "varchar_pattern_ops"}
    op.create_index("ix_case_file_number_start", "case_file", ["number"], postgresql_ops=as_written)
    op.create_table(
        "inbox_view",
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("filters", JSON, nullable=False),
        sa.Column("columns", JSON, nullable=False),
        sa.Column("sort", sa.String(length=12), nullable=False),
        sa.Column("colour", sa.String(length=12), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_view")),
    )
    op.create_index("ix_inbox_view_office", "inbox_view", ["office_id", "position"])
    op.create_table(
        "task_seen",
        sa.Column("staff_key", sa.String(length=40), nullable=False),
        sa.Column("task_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("staff_key", "task_id", name=op.f("pk_task_seen")),
    )
    op.create_table(
        "desk_rule",
        sa.Column("office_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("yellow_days", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", name=op.f("pk_desk_rule")),
    )


def downgrade() -> None:
    for table in ("desk_rule", "task_seen", "inbox_view"):
        op.drop_table(table)
    op.drop_index("ix_case_file_number_start", "case_file")
    op.drop_index("ix_task_open", "task")
    for table, column in _added():
        op.drop_column(table, column.name)
