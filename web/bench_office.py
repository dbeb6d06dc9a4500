"""An office set up to be measured: a database of its own, simulators in this process, the web in another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import waitress
from sqlalchemy import select

from engine.cases.case import Case
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.cases import CloseNoticeEarly, StartCase
from engine.commands.files import UploadFile
from engine.core import idnum
from engine.core.actor import Actor
from engine.core.db import reading
from engine.core.errors import Refused
from engine.files import uploads
from engine.registers.notices import Notice
from engine.registers.offices import Office, StaffUser, staff_actor
from engine.workers.runner import Runner
from web import app as application
from web import bench_site, demo_data

ITEM = "rental/eligibility_application"
MATERIALS = ("id_card", "household_book", "income_proof", "marriage_proof")
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"

# A seeded household within all lines, so that a case runs straight to its end.
FAMILY: dict[str, Any] = {
    "support_mode": "public_rental",
    "applicant": {
        "name": "林秋实",
        "marital_status": "20",
        "id_kind": "resident_id",
        "id_number": "330106198803121014",
        "phone": "19900000001",
        "region": "浙江省/杭州市/西湖区",
        "residence": "local",
    },
    "co_applicants": [
        {"name": "周雨桐", "relation": "spouse", "id_kind": "resident_id", "id_number": "330106199007251023"}
    ],
    "housing": {"situation": "with_family", "address": "安居市西湖区文二路 100 号 1 幢 301 室", "homes": []},
    "declared_income_fen": "126000.00",
    "consent": True,
}


class BenchOffice:
    """One office with its staff; ``url`` is where its web answers."""

    def __init__(self, parts: application.Parts, port: int) -> None:
        self.parts = parts
        self.url = f"http://127.0.0.1:{port}"
        self.runner = Runner(parts.files, name="bench")
        self.people = 0
        with reading() as session:
            self.office_id = session.scalars(select(Office.id).where(Office.code == "330106")).one()
            users = session.execute(select(StaffUser.login, StaffUser.id)).all()
            found = {login: staff_actor(session, user_id) for login, user_id in users}
        self.staff: dict[str, Actor] = {login: actor for login, actor in found.items() if actor is not None}

    def _upload(self, actor: Actor, code: str) -> list[dict[str, Any]]:
        upload = uploads.Upload("application/pdf", "pdf", len(_PDF), name=f"{code}.pdf")
        file_id = dispatch(UploadFile(self.parts.store.put(_PDF), upload, code), actor)
        return [{"id": str(file_id), "name": upload.name, "size": upload.size}]

    def answers(self, *, seeded: bool) -> dict[str, Any]:
        """An application with fresh uploads: of the seeded family, or of the same with numbers nobody has."""
        clerk = self.staff["liuyang"]
        answers = {**FAMILY, **{f"material_{code}": self._upload(clerk, code) for code in MATERIALS}}
        if not seeded:
            answers["applicant"] = {**FAMILY["applicant"], "id_number": self._number()}
            answers["co_applicants"] = [{**one, "id_number": self._number()} for one in FAMILY["co_applicants"]]
        return answers

    def _number(self) -> str:
        self.people += 1
        day, serial = divmod(self.people, 900)
        first = f"33010619{60 + day // 336:02d}{1 + day // 28 % 12:02d}{1 + day % 28:02d}{serial:03d}"
        return first + idnum.check_char(first)

    def start(self, answers: Mapping[str, Any]) -> int:
        """A case handed in at the counter; gives its id."""
        command = StartCase(ITEM, answers, "counter", self.office_id)
        case_id: int = dispatch(command, self.staff["liuyang"]).case_id
        return case_id

    def open_task(self, case_id: int) -> Task:
        """The one open task of a case, after the worker did what was due."""
        self.runner.drain()
        with reading() as session:
            notice = session.scalar(select(Notice.id).where(Notice.case_id == case_id, Notice.state == "open"))
        if notice is not None:
            dispatch(CloseNoticeEarly(notice), self.staff["zhaoling"])
            self.runner.drain()
        with reading() as session:
            return session.scalars(select(Task).where(Task.case_id == case_id, Task.state == "open")).one()

    def finish(self, case_id: int) -> None:
        """Let the worker do the rest. Raises ``Refused`` where the case did not come to its end."""
        self.runner.drain()
        with reading() as session:
            case = session.get_one(Case, case_id)
        if case.outcome != "granted":
            raise Refused(f"测量用的办件 {case.number} 没有走到底，停在「{case.stage}」", code="bench_stuck")


@contextmanager
def office(url: str | None) -> Iterator[BenchOffice]:
    """An office on a fresh database: SQLite, or the PostgreSQL server of ``url``; all of it is removed afterwards."""
    with _simulators() as simulators:
        settings = application.simulator_addresses(simulators)
        with bench_site.fresh(url, settings) as site:
            demo_data.load(site.parts)
            with bench_site.serving(site) as web:
                yield BenchOffice(site.parts, web.port)


@contextmanager
def _simulators() -> Iterator[str]:
    server = waitress.create_server(application.simulators(), host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True, name="bench-simulators").start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
