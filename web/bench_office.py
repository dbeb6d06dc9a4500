"""An office set up to be measured: a database of its own, simulators in this process, the web in another."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import waitress
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import OperationalError

from engine.cases.case import Case
from engine.cases.work import Task
from engine.commands import dispatch, forget_calendar
from engine.commands.cases import CloseNoticeEarly, StartCase
from engine.commands.files import UploadFile
from engine.core import db, idnum
from engine.core.actor import Actor
from engine.core.config import ROOT
from engine.core.db import reading
from engine.core.errors import Refused
from engine.files import uploads
from engine.registers.notices import Notice
from engine.registers.offices import Office, StaffUser, staff_actor
from engine.workers.runner import Runner
from web import app as application
from web import demo_data, migrate

ITEM = "rental/eligibility_application"
PARTIES = ("police", "realestate", "tax", "sms")
PATIENCE_SECONDS = 60.0
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

    def __init__(self, parts: application.Parts) -> None:
        self.parts = parts
        self.url = f"http://127.0.0.1:{parts.config.port}"
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
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anju-bench-")))
        environ = {"ANJU_DATA": str(folder), "ANJU_PORT": str(_free_port())}
        simulators = stack.enter_context(_simulators())
        environ.update({f"ANJU_{party.upper()}_URL": f"{simulators}/{party}" for party in PARTIES})
        if url is not None:
            environ["ANJU_DATABASE_URL"] = stack.enter_context(_database(url))
        forget_calendar()
        parts = application.build(environ)
        stack.callback(lambda: db.engine().dispose())
        migrate.upgrade()
        demo_data.load(parts)
        made = BenchOffice(parts)
        stack.enter_context(_web(environ, made.url))
        yield made


def reachable(url: str) -> str:
    """Why the PostgreSQL of ``url`` cannot be used, or nothing where it can."""
    engine = create_engine(url, connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except OperationalError as error:
        return str(error.orig).splitlines()[0]
    finally:
        engine.dispose()
    return ""


@contextmanager
def _database(url: str) -> Iterator[str]:
    """A database of our own on the server, dropped afterwards."""
    name = f"anju_bench_{uuid4().hex[:12]}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        server.dispose()


@contextmanager
def _simulators() -> Iterator[str]:
    server = waitress.create_server(application.simulators(), host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True, name="bench-simulators").start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()


@contextmanager
def _web(environ: Mapping[str, str], url: str) -> Iterator[None]:
    """The real web server, in a process of its own."""
    around = {name: value for name, value in os.environ.items() if not name.startswith("ANJU_")}
    child = subprocess.Popen(
        [sys.executable, "-m", "web.cli", "serve"],
        cwd=ROOT,
        env={**around, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"{url}/health", child)
        yield
    finally:
        child.terminate()
        child.wait(20)


def _wait_for(url: str, child: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < limit and child.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310  our own address
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise Refused("测量用的网页服务没有启动，请先用 anju serve 查看原因", code="not_started")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
