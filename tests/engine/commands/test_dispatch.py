"""Every change goes through dispatch: one transaction, all or nothing, journalled in a chain that shows tampering."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, func, select, update

from engine.cases import record
from engine.cases.case import Case, LiveKey, Sequence, Variable
from engine.cases.record import ElementInstance, JournalEntry, JournalHead, erase
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.admin import SetParameter
from engine.commands.cases import StartCase
from engine.commands.tasks import ClaimTask, CompleteTask
from engine.core import clock
from engine.core.actor import SYSTEM
from engine.core.db import Base, reading, transaction
from engine.core.errors import Duplicate, Forbidden, InvalidAnswers
from tests.support.installation import ITEM, Installation

WATCHED: tuple[type[Base], ...] = (
    Case,
    LiveKey,
    Sequence,
    Variable,
    ElementInstance,
    JournalEntry,
    Task,
)


def counts() -> dict[str, int]:
    with reading() as session:
        found = {one.__tablename__: session.scalar(select(func.count()).select_from(one)) or 0 for one in WATCHED}
        found["numbers given"] = session.scalar(select(func.coalesce(func.sum(Sequence.value), 0))) or 0
        return found


def chain(case_id: int) -> int | None:
    with reading() as session:
        return record.verify(session, case_id)


def test_a_refused_application_leaves_no_trace_and_takes_no_number(anju_both: Installation) -> None:
    anju = anju_both
    anju.apply()
    before = counts()
    with pytest.raises(Duplicate):
        anju.apply()
    assert counts() == before
    with pytest.raises(InvalidAnswers):
        dispatch(StartCase(ITEM, {}, "portal", anju.office()), anju.citizen())
    assert counts() == before


def test_a_refused_submit_leaves_task_and_journal_as_they_were(anju: Installation) -> None:
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    before, version = counts(), anju.case(case_id).version
    with pytest.raises(InvalidAnswers):
        dispatch(CompleteTask(task.id, {"accept_result": "anything"}, task.version), anju.staff("liuyang"))
    assert counts() == before
    assert (anju.case(case_id).version, anju.tasks(case_id)["accept"].version) == (version, task.version)


def test_a_bug_in_the_middle_of_a_command_undoes_all_of_it(anju: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    before = counts()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("engine.commands.casework.Casework._history", broken)
    with pytest.raises(ZeroDivisionError):
        anju.apply()
    assert counts() == before


def test_the_journal_of_a_case_is_numbered_without_gaps_and_chained(anju: Installation) -> None:
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    with reading() as session:
        entries = session.scalars(
            select(JournalEntry).where(JournalEntry.case_id == case_id).order_by(JournalEntry.seq)
        ).all()
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert len({entry.hash for entry in entries}) == len(entries)
    assert {"applied", "operation", "completed"} <= {entry.kind for entry in entries}
    assert chain(case_id) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("title", "什么也没有发生"),
        ("actor_key", "staff:1"),
        ("actor_name", "别人"),
        ("element_id", "elsewhere"),
        ("kind", "nothing"),
        ("form_id", "another"),
        ("task_id", 1),
        ("decision_id", "another"),
        ("payload_digest", "0" * 64),
        ("hash", "0" * 64),
    ],
)
def test_a_line_changed_afterwards_is_found(anju: Installation, column: str, value: object) -> None:
    case_id = changed_case(anju)
    with transaction() as session:
        session.execute(
            update(JournalEntry).where(JournalEntry.case_id == case_id, JournalEntry.seq == 2).values({column: value})
        )
    assert chain(case_id) == 2


def changed_case(anju: Installation) -> int:
    case_id = anju.apply().case_id
    task = anju.tasks(case_id)["accept"]
    dispatch(ClaimTask(task.id), anju.staff("liuyang"))
    assert chain(case_id) is None
    return case_id


def test_a_line_taken_out_or_cut_off_is_found(anju: Installation) -> None:
    case_id = changed_case(anju)
    with transaction() as session:
        last = session.scalar(select(func.max(JournalEntry.seq)).where(JournalEntry.case_id == case_id))
        session.execute(delete(JournalEntry).where(JournalEntry.case_id == case_id, JournalEntry.seq == last))
    assert chain(case_id) == last
    with transaction() as session:
        session.execute(delete(JournalEntry).where(JournalEntry.case_id == case_id, JournalEntry.seq == 1))
    assert chain(case_id) == 1


def test_a_payload_changed_is_found_and_one_erased_by_rule_is_not_missed(anju: Installation) -> None:
    case_id = changed_case(anju)
    first = update(JournalEntry).where(JournalEntry.case_id == case_id, JournalEntry.seq == 1)
    with reading() as session:
        given = session.scalar(
            select(JournalEntry.payload).where(JournalEntry.case_id == case_id, JournalEntry.seq == 1)
        )
    for changed in ({"support_mode": "other"}, None):
        with transaction() as session:
            session.execute(first.values(payload=changed))
        assert chain(case_id) == 1
    with transaction() as session:
        session.execute(first.values(payload=given))
        assert erase(session, case_id) >= 1
    assert chain(case_id) is None


def test_what_belongs_to_no_case_has_a_chain_of_its_own(anju: Installation) -> None:
    for value in (1, 2):
        dispatch(SetParameter(ITEM, "income_line_fen", value, clock.today()), SYSTEM)
    assert chain(0) is None
    with transaction() as session:
        session.execute(update(JournalHead).values(seq=JournalHead.seq - 1))
    assert chain(0) is not None


def test_only_who_holds_the_role_may_change_parameters(anju: Installation) -> None:
    before = counts()
    with pytest.raises(Forbidden):
        dispatch(SetParameter(ITEM, "income_line_fen", 1, clock.today()), anju.staff("wangmin"))
    assert counts() == before
    dispatch(SetParameter(ITEM, "income_line_fen", 1, clock.today()), anju.staff("sunqiang"))


def test_what_a_reader_writes_is_never_kept(anju: Installation) -> None:
    anju.apply()
    before = counts()
    with reading() as session:
        session.execute(delete(Sequence))
    assert counts() == before
