"""After a whole walk nothing personal lies in clear: not in the database's bytes, not in the files, not in the log."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from engine.commands import dispatch
from engine.commands.cases import FileObjection
from engine.commands.tasks import SaveDraft
from engine.core.db import engine, reading
from engine.registers.notices import Notice
from tests.support.installation import FAMILY, Installation

PASS = {"review_result": "pass", "review_opinion": "同意上报"}
NEIGHBOUR = ("孙伯年", "330106196511091117", "19900000005")


def personal() -> list[str]:
    people = [FAMILY["applicant"], *FAMILY["co_applicants"]]
    found = [str(one[key]) for one in people for key in ("name", "id_number", "phone") if key in one]
    return [*found, *NEIGHBOUR, FAMILY["housing"]["address"]]


def walked(anju: Installation) -> None:
    """Application, draft, 补件, checks, an incident, objection, notice, register, papers."""
    citizen = anju.citizen()
    dispatch(SaveDraft("apply:rental/eligibility_application", anju.family(citizen)), citizen)
    case_id = anju.apply().case_id
    supplement = {
        "accept_result": "supplement",
        "supplement_items": ["income_proof"],
        "supplement_note": "请补充收入证明",
    }
    anju.do(case_id, "accept", "liuyang", supplement)
    reply = {"supplement_reply": "已补齐", "material_income_proof": anju.upload(citizen, "income_proof")}
    anju.do(case_id, "supplement", citizen, reply)
    anju.simulators.state.switch("tax", "*", "outage")
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    anju.simulators.state.switch("tax", "*", "recovery")
    anju.move(timedelta(minutes=5))
    anju.do(case_id, "first_review", "wangmin", PASS)
    anju.do(case_id, "second_review", "chenhao", PASS)
    anju.do(case_id, "approve", "zhaoling", PASS)
    with reading() as session:
        notice = session.query(Notice).filter_by(case_id=case_id).one().id
    dispatch(FileObjection(notice, NEIGHBOUR[0], NEIGHBOUR[2], "听说另有住房"), anju.citizen(NEIGHBOUR[2]))
    anju.do(
        case_id,
        "investigate",
        "zhaoling",
        {"investigation_finding": "dismissed", "investigation_reply": "经核实，异议不成立"},
    )
    anju.move(timedelta(days=40))
    anju.do(case_id, "confirm", "zhaoling", {"publicity_confirmed": True})
    assert anju.case(case_id).outcome == "granted", anju.stuck(case_id)


def found_in(content: bytes) -> list[str]:
    """Personal values in clear: as UTF-8, or as JSON escapes them."""
    return [
        value
        for value in personal()
        if value.encode() in content or (not value.isascii() and value.encode("unicode_escape") in content)
    ]


def test_nothing_personal_lies_in_clear_after_a_whole_walk(
    anju: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("werkzeug").disabled = True
    caplog.set_level(logging.DEBUG)
    walked(anju)
    logging.getLogger("werkzeug").disabled = False
    # The write-ahead log lies beside the database and is looked at like every other file.
    data = anju.parts.config.data
    checked = [path for path in data.rglob("*") if path.is_file()]
    assert {"anju.db", "files"} <= {path.relative_to(data).parts[0] for path in checked}
    bad = {str(path.relative_to(data)): found_in(path.read_bytes()) for path in checked}
    assert not {path: values for path, values in bad.items() if values}, where(anju, bad["anju.db"])
    told = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "done" in told
    assert not found_in(told.encode())


def where(anju: Installation, values: list[str]) -> str:
    """Which columns hold them, for the failure's message."""
    from sqlalchemy import text

    from engine.core.db import Base

    places = []
    with engine().connect() as connection:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                for value in values:
                    query = text(f'SELECT count(*) FROM "{table}" WHERE CAST("{column.name}" AS TEXT) LIKE :it')  # noqa: S608
                    if connection.scalar(query, {"it": f"%{value}%"}):
                        places.append(f"{table}.{column.name}: {value}")
    return "; ".join(places)


def test_the_search_itself_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("姓名：林秋实，电话 19900000001")
    assert found_in((tmp_path / "x").read_bytes()) == ["林秋实", "19900000001"]
    assert found_in(b'{"name": "\\u6797\\u79cb\\u5b9e"}') == ["林秋实"]
