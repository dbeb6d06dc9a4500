"""Connections to PostgreSQL: used at once without a question, looked at after a rest, replaced when they are gone."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from engine.core import db
from tests.support.installation import Installation


@pytest.mark.postgres
def test_a_connection_that_was_cut_while_it_rested_is_replaced_unseen(
    anju_postgres: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "_RESTED_SECONDS", 0.0)
    with db.reading() as session:
        cut = session.scalar(text("SELECT pg_backend_pid()"))
    server = db.make_engine(db.engine().url.render_as_string(hide_password=False))
    with server.connect() as other:
        assert other.scalar(text("SELECT pg_terminate_backend(:pid)"), {"pid": cut})
    server.dispose()
    with db.reading() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != cut


@pytest.mark.postgres
def test_reading_begins_no_transaction(anju_postgres: Installation) -> None:
    with db.reading() as session:
        first = session.scalar(text("SELECT now()"))
        assert session.scalar(text("SELECT now()")) != first


@pytest.mark.postgres
def test_a_change_after_a_reading_is_a_transaction_again(anju_postgres: Installation) -> None:
    with db.reading() as session:
        session.scalar(text("SELECT 1"))
    with db.transaction() as session:
        first = session.scalar(text("SELECT now()"))
        assert session.scalar(text("SELECT now()")) == first
