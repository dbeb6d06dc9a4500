"""Rows that are written later: together, in time for whoever asks, and just as they were given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from engine.cases.case import Case, LiveKey, Variable
from engine.cases.record import ElementInstance, JournalEntry
from engine.core.db import engine, reading, transaction
from engine.core.writes import insert_later, insert_rows, update_later
from engine.jobs.queue import Job
from tests.support.installation import Installation

CASE = 77
AT = datetime(2026, 3, 2, 1, 2, 3, 456789, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "text": "西湖区\n\t\"'\\ \\x41 %s %(a)s {}",
    "number": 12,
    "part": 0.1,
    "yes": True,
    "tree": {"a": [1, {"b": None}], "": ""},
    "list": [],
    "nothing": None,
}


def _variables(**values: Any) -> list[dict[str, Any]]:
    return [
        {"case_id": CASE, "scope": "0", "name": name, "value": value, "entry_seq": None}
        for name, value in values.items()
    ]


def _known() -> dict[str, Any]:
    with reading() as session:
        return dict(session.execute(select(Variable.name, Variable.value)).all())


def _line(seq: int, payload: Any) -> dict[str, Any]:
    words = {"actor_key": "staff:1", "actor_name": "李四", "kind": "noted", "title": "记一笔", "element_id": "step"}
    some = {"form_id": None, "task_id": 5, "decision_id": None, "for_key": None, "payload_digest": None}
    return {"case_id": CASE, "seq": seq, "at": AT, "payload": payload, "hash": "0a" * 32, **words, **some}


@pytest.mark.parametrize("write", [insert_later, insert_rows])
def test_values_of_every_kind_come_back_as_they_were_given(anju_both: Installation, write: Any) -> None:
    life = {"case_id": CASE, "parent": None, "process_id": None, "element_id": "step", "via": "a b", "ended_at": None}
    with transaction() as session:
        write(session, Variable, _variables(**VALUES))
        write(session, JournalEntry, [_line(1, {"name": "林秋实", "list": [1, None]}), _line(2, None)])
        write(
            session, ElementInstance, [{"id": 1, "state": "terminated", "type": "endEvent", "started_at": AT, **life}]
        )
        write(
            session,
            Job,
            [{"id": 3, "kind": "timer", "case_id": CASE, "token": "t", "due_at": AT, "leased_until": None}],
        )
    assert _known() == VALUES
    with reading() as session:
        lines = session.scalars(
            select(JournalEntry).where(JournalEntry.case_id == CASE).order_by(JournalEntry.seq)
        ).all()
        assert [(one.payload, one.hash, one.at) for one in lines] == [
            ({"name": "林秋实", "list": [1, None]}, "0a" * 32, AT),
            (None, "0a" * 32, AT),
        ]
        one = session.get_one(ElementInstance, 1)
        assert (one.state, one.type, one.started_at, one.ended_at, one.via) == (
            "terminated",
            "endEvent",
            AT,
            None,
            "a b",
        )
        job = session.get_one(Job, 3)
        assert (job.state, job.payload, job.scopes, job.due_at, job.leased_until) == ("ready", {}, [], AT, None)


def test_a_moment_without_a_zone_is_refused(anju_both: Installation) -> None:
    line = {**_line(1, None), "at": AT.replace(tzinfo=None)}
    with transaction() as session, pytest.raises(Exception, match="without a zone"):
        insert_rows(session, JournalEntry, [line])


def test_what_is_written_later_is_there_for_whoever_asks(anju_both: Installation) -> None:
    with transaction() as session:
        insert_later(session, Variable, _variables(a=1, b=2))
        assert session.scalar(select(func.count()).select_from(Variable)) == 2
        insert_later(session, Variable, _variables(b=3, c=4), over=["value"])
        assert dict(session.execute(select(Variable.name, Variable.value)).all()) == {"a": 1, "b": 3, "c": 4}
        insert_later(session, Variable, _variables(d=5))
        insert_later(session, Variable, _variables(d=6), over=["value"])
    assert _known() == {"a": 1, "b": 3, "c": 4, "d": 6}


def test_only_the_columns_named_are_written_anew(anju_both: Installation) -> None:
    with transaction() as session:
        insert_rows(session, Variable, [{**_variables(a=1)[0], "entry_seq": 7}])
        insert_later(session, Variable, [{**_variables(a=2)[0], "entry_seq": 8}], over=["value"])
    with reading() as session:
        assert session.execute(select(Variable.value, Variable.entry_seq)).one() == (2, 7)


def test_what_was_held_back_before_a_savepoint_outlives_it(anju_both: Installation) -> None:
    with transaction() as session:
        insert_later(session, Variable, _variables(before=1))
        inside = session.begin_nested()
        insert_later(session, Variable, _variables(within=1))
        inside.rollback()
        insert_later(session, Variable, _variables(after=1))
    assert _known() == {"before": 1, "after": 1}


def test_a_transaction_that_fails_writes_nothing_of_what_it_held_back(anju_both: Installation) -> None:
    def fail() -> None:
        with transaction() as session:
            insert_later(session, Variable, _variables(a=1))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert _known() == {}


def test_more_rows_than_one_message_holds_are_all_written(anju_both: Installation) -> None:
    rows = [{"key": f"key {number}", "case_id": CASE} for number in range(4_500)]
    with transaction() as session:
        insert_later(session, LiveKey, rows)
    with reading() as session:
        assert session.scalar(select(func.count()).where(LiveKey.case_id == CASE)) == 4_500


def test_many_tables_and_a_changed_case_are_one_statement(anju_postgres: Installation) -> None:
    case_id, seen = anju_postgres.apply().case_id, list[str]()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    due = (AT + timedelta(days=40)).date()
    with transaction() as session:
        case = session.get_one(Case, case_id)
        event.listen(engine(), "before_cursor_execute", note)
        try:
            insert_later(session, Variable, _variables(a=1, b=2))
            insert_later(session, LiveKey, [{"key": "k", "case_id": CASE}])
            case.stage, case.due_on, case.tokens = "审核", due, b"\x00\xff"
            update_later(session, case)
            session.send()  # type: ignore[attr-defined]
        finally:
            event.remove(engine(), "before_cursor_execute", note)
    assert len(seen) == 1
    found = anju_postgres.case(case_id)
    assert (found.stage, found.due_on, found.tokens, found.number) == ("审核", due, b"\x00\xff", case.number)
