"""Every call leaves a line; what was said is sealed, and a digest shows that it was not changed."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import select, text

from engine.core.db import engine, reading
from engine.outside.ledger import CallRecord
from tests.support.installation import Installation


def checked(anju: Installation) -> int:
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    return case_id


def test_every_check_leaves_its_evidence_with_a_digest_over_question_and_answer(anju_both: Installation) -> None:
    case_id = checked(anju_both)
    with reading() as session:
        lines = session.scalars(
            select(CallRecord).where(CallRecord.case_id == case_id, CallRecord.party.in_(["police", "realestate"]))
        ).all()
    assert len(lines) == 5
    for line in lines:
        assert line.outcome == "answered"
        assert line.verdict == "pass"
        assert line.request
        assert line.response
        assert line.digest == sha256(line.request + b"\0" + line.response).hexdigest()
        assert line.latency_ms >= 0
    assert any("330106198803121014" in line.request.decode() for line in lines if line.request)


def test_the_evidence_lies_sealed(anju: Installation) -> None:
    checked(anju)
    with engine().connect() as connection:
        rows = connection.execute(text("SELECT request, response, subject, summary FROM call_record")).all()
    assert rows
    for row in rows:
        for value in row:
            raw = value.encode() if isinstance(value, str) else bytes(value or b"")
            assert "林秋实".encode() not in raw
            assert b"330106198803121014" not in raw


def test_a_call_without_answer_leaves_a_line_without_evidence(anju: Installation) -> None:
    anju.simulators.state.switch("realestate", "*", "outage")
    case_id = checked(anju)
    with reading() as session:
        line = session.scalars(
            select(CallRecord).where(CallRecord.case_id == case_id, CallRecord.party == "realestate")
        ).one()
    assert (line.outcome, line.verdict, line.response, line.attempt) == ("unreachable", "", None, 1)
    assert line.error
