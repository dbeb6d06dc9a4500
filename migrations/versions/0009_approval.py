"""What colleagues ask of each other about a task, and what they say to each other."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def _of_tasks() -> list[sa.Column[Any]]:
    return [
        sa.Column("kind", sa.String(length=16), nullable=False, server_default="normal"),
        sa.Column("host_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_by", sa.String(length=40), nullable=False, server_default=sa.text("''")),
        sa.Column("owner", sa.String(length=40), nullable=False, server_default=sa.text("''")),
        sa.Column("hold", sa.String(length=8), nullable=False, server_default=sa.text("''")),
        sa.Column("mark", sa.String(length=12), nullable=False, server_default=sa.text("''")),
        sa.Column("back_to", sa.String(length=120), nullable=False, server_default=sa.text("''")),
        sa.Column("urged", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("followed", JSON, nullable=True),
        sa.Column("signature", sa.String(length=64), nullable=False, server_default=sa.text("''")),
    ]


def upgrade() -> None:
    for column in _of_tasks():
        op.add_column("task", column)
    op.create_table(
        "staff_message",
        sa.Column("to_key", sa.String(length=40), nullable=False),
        sa.Column("from_key", sa.String(length=40), nullable=False),
        sa.Column("from_name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_message")),
    )
    op.create_index("ix_staff_message_to", "staff_message", ["to_key", "id"])
    op.create_index("ix_staff_message_case", "staff_message", ["case_id"])
    for name, column, condition in (
        ("ix_staff_message_unread", "to_key", "read_at IS NULL"),
        ("ix_staff_message_task", "task_id", "task_id IS NOT NULL"),
    ):
        only = sa.text(condition)
        op.create_index(name, "staff_message", [column], postgresql_where=only, sqlite_where=only)
    op.create_table(
        "case_comment",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("author_key", sa.String(length=40), nullable=False),
        sa.Column("author_name", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_comment")),
    )
    op.create_index("ix_case_comment_case", "case_comment", ["case_id", "id"])
    op.create_table(
        "phrase",
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phrase")),
    )
    op.create_index("ix_phrase_owner", "phrase", ["owner", "id"])
    op.create_table(
        "kept_signature",
        sa.Column("staff_key", sa.String(length=40), nullable=False),
        sa.Column("sha", sa.String(length=64), nullable=False),
        sa.Column("drawn_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("staff_key", name=op.f("pk_kept_signature")),
    )


def downgrade() -> None:
    for table in ("kept_signature", "phrase", "case_comment", "staff_message"):
        op.drop_table(table)
    for column in _of_tasks():
        op.drop_column("task", column.name)
