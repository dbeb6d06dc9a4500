"""A whole installation for tests: database, simulators over real HTTP, the web on a port, a worker run by hand.

The clock stands still at a Monday morning and is moved by the test. A database filled once is copied for every test.
"""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from werkzeug.serving import make_server

from connectors._kit.sandbox import State, Timing
from connectors._kit.simulation import Simulators, create_all
from engine.cases.case import Case
from engine.cases.work import Incident, Task
from engine.commands import dispatch, forget_calendar
from engine.commands.cases import CaseStarted, StartCase
from engine.commands.files import UploadFile
from engine.commands.tasks import CompleteTask
from engine.core import clock, db, secrets
from engine.core.actor import Actor
from engine.core.db import reading
from engine.files import uploads
from engine.registers.accounts import CitizenAccount, citizen_actor
from engine.registers.offices import Office, StaffUser, staff_actor
from engine.workers.runner import Runner
from tests.support.client import Client
from web import app as application
from web import demo_data, migrate

START = datetime(2026, 3, 2, 9, 0, tzinfo=clock.SHANGHAI)
ITEM = "rental/eligibility_application"
# The simulators' pauses, short: what is late or slow still is, but nobody waits for it.
PROMPT = Timing(slow=0.3, timeout=3.0, late=0.05, callback_pauses=(0.0, 0.1, 0.3, 1.0))

# A family that passes every check; tests change what they need.
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
        {"name": "周雨桐", "relation": "spouse", "id_kind": "resident_id", "id_number": "330106199007251023"},
        {
            "name": "林小满",
            "relation": "child",
            "id_kind": "resident_id",
            "id_number": "330106201505011049",
            "minor": True,
        },
        {"name": "何月英", "relation": "parent", "id_kind": "resident_id", "id_number": "330106196002181069"},
    ],
    "housing": {"situation": "with_family", "address": "安居市西湖区文二路 100 号 1 幢 301 室", "homes": []},
    "declared_income_fen": "126000.00",
    "consent": True,
}
FAMILY_MATERIALS = ("id_card", "household_book", "income_proof", "marriage_proof")


def picture(colour: str = "white") -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(buffer, "PNG")
    return buffer.getvalue()


class Installation:
    """One running installation."""

    def __init__(self, parts: application.Parts, simulators: Simulators, url: str) -> None:
        self.parts = parts
        self.simulators = simulators
        self.url = url
        self.app = parts.flask
        self.app.test_client_class = Client
        self.runner = Runner(parts.files, name="test")

    # --- people ---

    def staff(self, login: str) -> Actor:
        """The caseworker of that login."""
        with reading() as session:
            actor = staff_actor(session, session.scalars(select(StaffUser.id).where(StaffUser.login == login)).one())
        assert actor is not None
        return actor

    def citizen(self, phone: str = "19900000001") -> Actor:
        """The citizen of that phone."""
        with reading() as session:
            query = select(CitizenAccount.id).where(CitizenAccount.phone_digest == secrets.digest(phone))
            actor = citizen_actor(session, session.scalars(query).one())
        assert actor is not None
        return actor

    def office(self, code: str = "330106") -> int:
        """The id of the office of that code."""
        with reading() as session:
            return session.scalars(select(Office.id).where(Office.code == code)).one()

    def client(self, actor: Actor | None = None) -> FlaskClient:
        """A browser without JavaScript, signed in as ``actor``; its forms carry the token ``token``."""
        client = self.app.test_client()
        with client.session_transaction() as session:
            session["csrf"] = "token"
            if actor is not None:
                session["actor"] = actor.key
        return client

    # --- cases ---

    def upload(self, actor: Actor, code: str, content: bytes | None = None) -> list[dict[str, Any]]:
        """Upload a file; gives the value of its form field."""
        content = content or picture()
        sha = self.parts.store.put(content)
        upload = uploads.inspect(content, f"{code}.png")
        file_id = dispatch(UploadFile(sha, upload, code), actor)
        return [{"id": str(file_id), "name": upload.name, "size": upload.size}]

    def family(self, actor: Actor, **changes: Any) -> dict[str, Any]:
        """Answers of the apply form, with uploaded materials."""
        answers = deepcopy(FAMILY)
        for code in FAMILY_MATERIALS:
            answers[f"material_{code}"] = self.upload(actor, code)
        answers.update(changes)
        return answers

    def apply(self, actor: Actor | None = None, channel: str = "portal", **changes: Any) -> CaseStarted:
        """Submit an application of the family."""
        actor = actor or self.citizen()
        started: CaseStarted = dispatch(StartCase(ITEM, self.family(actor, **changes), channel, self.office()), actor)
        return started

    def case(self, case_id: int) -> Case:
        """The case as it stands."""
        with reading() as session:
            return session.get_one(Case, case_id)

    def tasks(self, case_id: int) -> dict[str, Task]:
        """Open tasks by element id."""
        with reading() as session:
            rows = session.scalars(select(Task).where(Task.case_id == case_id, Task.state == "open"))
            return {task.element_id: task for task in rows}

    def incidents(self, case_id: int) -> list[Incident]:
        """Open incidents."""
        with reading() as session:
            query = select(Incident).where(Incident.case_id == case_id, Incident.state == "open")
            return list(session.scalars(query))

    def do(self, case_id: int, element_id: str, who: str | Actor, answers: Mapping[str, Any] | None = None) -> None:
        """Complete an open task and let the worker do what follows."""
        actor = self.staff(who) if isinstance(who, str) else who
        tasks = self.tasks(case_id)
        assert element_id in tasks, f"{element_id} is not open; open: {sorted(tasks)}; {self.stuck(case_id)}"
        task = tasks[element_id]
        dispatch(CompleteTask(task.id, dict(answers or {}), task.version), actor)
        self.drain()

    def stuck(self, case_id: int) -> str:
        """Why a case does not go on, for failure messages."""
        case = self.case(case_id)
        told = "; ".join(f"{one.element_id}: {one.message}" for one in self.incidents(case_id))
        return f"case {case.state} {case.stage} {case.outcome} incidents [{told}]"

    # --- time and work ---

    def drain(self) -> int:
        """Let the worker do everything that is due."""
        return self.runner.drain()

    def move(self, by: timedelta) -> None:
        """Move the clock and do what became due."""
        clock.move_frozen(clock.now() + by)
        self.drain()

    def move_to(self, moment: datetime) -> None:
        """Move the clock to a moment and do what became due."""
        clock.move_frozen(moment)
        self.drain()


def template(folder: Path, url: str | None = None) -> Path:
    """Fill a data folder (and database) once: offices, staff, citizens, calendar, published items."""
    folder.mkdir(parents=True, exist_ok=True)
    environ = _environ(folder, url, 1, 1)
    with clock.frozen(START):
        parts = application.build(environ)
        migrate.upgrade()
        demo_data.load(parts)
        db.engine().dispose()
    return folder


@contextmanager
def running(source: Path, folder: Path, url: str | None = None) -> Iterator[Installation]:
    """A copy of the template, running, with the clock held at ``START``."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    simulators = create_all(State(replace(PROMPT)))
    with ExitStack() as stack:
        simulator_port = stack.enter_context(_served(simulators))
        placeholder = _Late()
        web_port = stack.enter_context(_served(placeholder))
        stack.enter_context(clock.frozen(START))
        forget_calendar()
        parts = application.build(_environ(folder, url, web_port, simulator_port))
        placeholder.app = application.create_app(parts=parts)
        parts.flask.testing = True
        stack.callback(lambda: db.engine().dispose())
        yield Installation(parts, simulators, f"http://127.0.0.1:{web_port}")


def _environ(folder: Path, url: str | None, web_port: int, simulator_port: int) -> dict[str, str]:
    environ = {"ANJU_DATA": str(folder), "ANJU_PORT": str(web_port), "ANJU_DEMO": "0"}
    # Longer than a busy machine needs, shorter than a simulator that does not answer sleeps.
    environ |= led_to(simulator_port, timeout_seconds=5)
    if url:
        environ["ANJU_DATABASE_URL"] = url
    return environ


def led_to(simulator_port: int, timeout_seconds: int) -> dict[str, str]:
    """Settings that lead every party to its simulator, which has this long to answer."""
    addresses = application.simulator_addresses(f"http://127.0.0.1:{simulator_port}")
    parties = {name.split("_")[1] for name in addresses}
    return addresses | {f"ANJU_{party}_TIMEOUT": str(timeout_seconds) for party in parties}


class _Late:
    """The port must be known before the application that listens on it is built."""

    app: Any = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


@contextmanager
def _served(app: Any) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.log_startup = False  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Postgres:
    """Throw-away databases on the PostgreSQL of this machine."""

    def __init__(self, host: str, port: str) -> None:
        self.host, self.port = host, port

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql+psycopg://postgres@{self.host}:{self.port}/{name}"

    @contextmanager
    def database(self, of: str = "template1") -> Iterator[str]:
        """A fresh database, copied from ``of``; dropped afterwards. Gives its name."""
        name = f"anju_{uuid4().hex[:12]}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{of}"')
        try:
            yield name
        finally:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(
            host=self.host, port=self.port, dbname="postgres", user="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)  # type: ignore[call-overload]
