"""What an installation of the first release wrote is still there, and still proven, after the upgrade."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from alembic import command
from sqlalchemy import Boolean, Connection, Date, DateTime, Engine, LargeBinary, MetaData, Numeric, select
from sqlalchemy.types import TypeEngine

from engine.cases import record
from engine.cases.case import Case
from engine.cases.record import ElementInstance, JournalEntry
from engine.cases.work import Task
from engine.core import secrets
from engine.core.db import reading
from web import migrate

WHOLE, TAMPERED, CUT = 7_000_000_001, 7_000_000_002, 7_000_000_003
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MODEL = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="old">
<startEvent id="start"/><sequenceFlow id="to_review" sourceRef="start" targetRef="review"/><userTask id="review"/>
</process></definitions>"""
ITEM = b"process: old\n"
ANSWERS = {"applicant": {"name": "林秋实"}, "household_size": 3}
EXPLANATION = [{"decision": "line", "rules": []}]
STARTED, REVIEW = "0190aaa%d" + "0" * 24, "0190bbb%d" + "0" * 24


@pytest.fixture(autouse=True)
def keys() -> None:
    secrets.use(secrets.Keys({"k1": b"1" * 32, "hash": b"2" * 32}))


def digest(value: Any) -> str:
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def sealed(value: Any) -> bytes:
    return secrets.ring().seal_bytes(orjson.dumps(value))


class Old:
    """The tables of the first release; a column that is not given holds nothing."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.tables, self.ids = connection, MetaData(), 100
        self.tables.reflect(connection)

    def add(self, table: str, **values: Any) -> int:
        columns = self.tables.tables[table].columns
        if "id" in columns:
            self.ids += 1
            values = {"id": self.ids, **values}
        empty = {one.name: nothing(one.type) for one in columns if not one.nullable}
        self.connection.execute(self.tables.tables[table].insert(), {**empty, **values})
        return int(values.get("id", 0))

    def case(self, case_id: int, lines: int = 2) -> None:
        """A case with an application, one review in hand, and a chain as the first release hashed it."""
        before = ""
        for seq, (kind, title, payload) in enumerate((("applied", "提交申请", ANSWERS), ("claimed", "认领", {})), 1):
            said = ("citizen:1", "林秋实", kind, title, "")
            at = AT + timedelta(minutes=seq)
            fields = [before, case_id, seq, at.isoformat(), *said, digest(payload)]
            before = sha256(orjson.dumps(fields)).hexdigest()
            if seq > lines:
                continue
            names = ("actor_key", "actor_name", "kind", "title", "element_id")
            line = dict(zip(names, said, strict=True)) | {"payload_digest": digest(payload), "hash": before}
            entry = self.add("journal_entry", case_id=case_id, seq=seq, at=self.moment(at), **line)
            if payload:
                self.add("journal_payload", entry_id=entry, payload=sealed(payload))
                given = {"element_id": "apply", "form_id": "old_apply", "answers": sealed(payload)}
                self.add("submission", case_id=case_id, at=self.moment(at), actor_key="citizen:1", **given)
        self.add(
            "case_file",
            id=case_id,
            number=str(case_id),
            item="old/item",
            release_id=5,
            state="open",
            due_on=date(2026, 4, 1),
            journal_seq=2,
            journal_hash=before,
            subject_digest="a" * 64,
        )
        reason = self.json(EXPLANATION)
        where = {"case_id": case_id, "at": self.moment(AT)}
        self.add(
            "decision_record",
            **where,
            element_id="line",
            decision_id="line",
            value=self.json("near"),
            explanation=reason,
        )
        for kind, element, token in (
            ("activated", "start", STARTED),
            ("completed", "start", STARTED),
            ("flow", "", STARTED),
            ("activated", "review", REVIEW),
        ):
            flow = "to_review" if kind == "flow" else ""
            place = {"process_id": "old", "element_id": element, "token": token % (case_id % 10)}
            names = {"start": "startEvent", "review": "userTask"}
            self.add("activity", **where, **place, kind=kind, type=names.get(element, ""), flow_id=flow)
        self.add(
            "task",
            case_id=case_id,
            state="open",
            name="审核",
            token=REVIEW % (case_id % 10),
            properties=self.json({"a": "b"}),
        )

    def moment(self, at: datetime) -> datetime:
        return at.replace(tzinfo=None) if self.connection.dialect.name == "sqlite" else at

    def json(self, value: Any) -> Any:
        return orjson.dumps(value).decode() if self.connection.dialect.name == "sqlite" else value


def nothing(type_: TypeEngine[Any]) -> Any:
    if isinstance(type_, DateTime):
        return datetime(2026, 3, 2)  # noqa: DTZ001  SQLite keeps no zone
    if isinstance(type_, Date):
        return date(2026, 3, 2)
    if isinstance(type_, LargeBinary):
        return b""
    if isinstance(type_, Boolean):
        return False
    if "JSON" in str(type_):
        return {}
    return 0 if isinstance(type_, Numeric) or "INT" in str(type_) else ""


@pytest.fixture
def carried(empty_database: Engine) -> Engine:
    config = migrate.alembic_config()
    with empty_database.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        old = Old(connection)
        old.add("catalog_blob", sha="m", content=MODEL)
        old.add("catalog_blob", sha="i", content=ITEM)
        files = {"processes/old/item/old.bpmn": "m", "processes/old/item/item.yaml": "i"}
        old.add("release", id=5, item="old/item", files=old.json(files))
        for case_id in (WHOLE, TAMPERED):
            old.case(case_id)
        old.case(CUT, lines=1)
        changed = old.tables.tables["journal_entry"]
        theirs = changed.update().where(changed.c.case_id == TAMPERED, changed.c.seq == 1)
        connection.execute(theirs.values(title="什么也没有发生"))
    migrate.upgrade()
    return empty_database


def test_a_chain_that_held_still_holds_and_a_broken_one_stays_broken(carried: Engine) -> None:
    with reading() as session:
        assert record.verify(session, WHOLE) is None
        assert record.verify(session, TAMPERED) == 1
        assert record.verify(session, CUT) is not None


def test_answers_and_decisions_stand_in_the_record(carried: Engine) -> None:
    with reading() as session:
        query = select(JournalEntry).where(JournalEntry.case_id == WHOLE).order_by(JournalEntry.seq)
        applied, claimed, decided = session.scalars(query).all()
        assert (applied.payload, applied.form_id, applied.at) == (ANSWERS, "old_apply", AT + timedelta(minutes=1))
        assert (claimed.payload, claimed.form_id) == (None, None)
        assert decided.decision_id == "line"
        told = record.decisions(session, WHOLE)
        assert [(one.value, one.explanation) for one in told] == [("near", EXPLANATION)]


def test_history_is_one_row_an_element_and_tasks_know_their_day(carried: Engine) -> None:
    with reading() as session:
        rows = session.scalars(
            select(ElementInstance).where(ElementInstance.case_id == WHOLE).order_by(ElementInstance.element_id)
        ).all()
        assert [(row.element_id, row.type, row.state, row.via, row.process_id) for row in rows] == [
            ("review", "userTask", "active", "to_review", None),
            ("start", "startEvent", "completed", None, None),
        ]
        case, task = session.get_one(Case, WHOLE), session.scalars(select(Task).where(Task.case_id == WHOLE)).one()
        assert (case.process_id, case.subject_digest, task.due_on) == ("old", "a" * 64, date(2026, 4, 1))


def test_the_way_back_keeps_the_record(carried: Engine) -> None:
    config = migrate.alembic_config()
    with carried.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        old = Old(connection)
        entries, payloads = old.tables.tables["journal_entry"], old.tables.tables["journal_payload"]
        assert len(connection.execute(select(payloads)).all()) == 6
        lines = connection.execute(select(entries).where(entries.c.case_id == WHOLE).order_by(entries.c.seq)).all()
        assert (lines[0].kind, lines[0].payload_digest) == ("applied", digest(ANSWERS))
        before = ""
        for line in lines:
            at = line.at.replace(tzinfo=UTC) if line.at.tzinfo is None else line.at.astimezone(UTC)
            said = (line.actor_key, line.actor_name, line.kind, line.title, line.element_id, line.payload_digest)
            before = sha256(orjson.dumps([before, WHOLE, line.seq, at.isoformat(), *said])).hexdigest()
            assert line.hash == before
    migrate.upgrade()
    with reading() as session:
        assert record.verify(session, WHOLE) is None
