"""The applications that stand in the demo from the start, made through the same commands as real ones."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any

import yaml
from PIL import Image, ImageDraw
from sqlalchemy import func, select

from engine.cases.case import Case
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.cases import StartCase
from engine.commands.files import UploadFile
from engine.commands.tasks import CompleteTask
from engine.core import clock
from engine.core.actor import Actor
from engine.core.db import reading
from engine.files import uploads
from engine.registers.accounts import by_phone, citizen_actor
from engine.registers.calendars import calendars
from engine.registers.offices import Office, StaffUser, staff_actor
from web import demo_data
from web.app import Parts

ITEM = "rental/eligibility_application"
OFFICE, CLERK = "330106", "liuyang"
MATERIALS = ("id_card", "household_book", "income_proof", "marriage_proof", "employment_proof", "lease_contract")
ACCEPTED = {"accept_result": "accepted", "accept_opinion": "材料齐全，符合受理条件"}
SUPPLEMENT = {
    "accept_result": "supplement",
    "supplement_items": ["income_proof"],
    "supplement_note": "收入证明缺单位公章，请盖章后重新上传",
}


def load(parts: Parts) -> int:
    """Make the applications unless there are cases already; gives how many were made."""
    with reading() as session:
        if session.scalar(select(func.count()).select_from(Case)):
            return 0
        calendar = calendars(session).common
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    for row in rows:
        # Nine in the morning, some working days ago: the clock of the case starts there.
        day = calendar.add(clock.today(), -row["days_ago"])
        morning = datetime.combine(day, time(9), clock.SHANGHAI)
        with clock.frozen(min(morning, clock.now())):
            _apply(parts, row)
    return len(rows)


def _apply(parts: Parts, row: Mapping[str, Any]) -> None:
    clerk = _clerk()
    actor = _citizen(row["applicant"]) if row["channel"] == "portal" else clerk
    with reading() as session:
        office_id = session.scalars(select(Office.id).where(Office.code == OFFICE)).one()
    answers = _answers(row)
    for code in MATERIALS:
        answers[f"material_{code}"] = _upload(parts, actor, code)
    case_id = dispatch(StartCase(ITEM, answers, row["channel"], office_id), actor).case_id
    if "then" in row:
        with reading() as session:
            task = session.scalars(select(Task).where(Task.case_id == case_id, Task.element_id == "accept")).one()
        dispatch(CompleteTask(task.id, ACCEPTED if row["then"] == "accepted" else SUPPLEMENT, task.version), clerk)


def _answers(row: Mapping[str, Any]) -> dict[str, Any]:
    people = [{"id_kind": "resident_id", **person} for person in row.get("co_applicants", [])]
    return {
        "support_mode": row["support_mode"],
        "applicant": {"id_kind": "resident_id", "region": "浙江省/杭州市/西湖区", **row["applicant"]},
        "co_applicants": people,
        "housing": {"situation": "with_family", "address": "安居市西湖区文二路 100 号", **row.get("housing", {})},
        "declared_income_fen": row["income_fen"],
        "consent": True,
    }


def _clerk() -> Actor:
    with reading() as session:
        user_id = session.scalars(select(StaffUser.id).where(StaffUser.login == CLERK)).one()
        actor = staff_actor(session, user_id)
    if actor is None:
        raise LookupError(f"the demo has no {CLERK}")
    return actor


def _citizen(person: Mapping[str, Any]) -> Actor:
    with reading() as session:
        account = by_phone(session, person["phone"])
    if account is None:
        demo_data.open_account(person["name"], person["id_number"], person["phone"])
    with reading() as session:
        account = by_phone(session, person["phone"])
        actor = citizen_actor(session, account.id) if account else None
    if actor is None:
        raise LookupError("the demo's citizen has no account")
    return actor


def _upload(parts: Parts, actor: Actor, code: str) -> list[dict[str, Any]]:
    """A page that says what it stands for."""
    page = Image.new("RGB", (420, 594), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((20, 20, 400, 574), outline=(150, 160, 175), width=2)
    draw.text((40, 40), f"DEMO  {code}", fill=(60, 70, 85))
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    content = buffer.getvalue()
    sha = parts.store.put(content)
    upload = uploads.inspect(content, f"{code}.png")
    return [{"id": str(dispatch(UploadFile(sha, upload, code), actor)), "name": upload.name, "size": upload.size}]
