"""A house of real processes: the test may start them, kill them and look at what is left."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select

from connectors._kit.simulation import create_all
from engine.cases import record
from engine.cases.case import Case
from engine.commands import dispatch, forget_calendar
from engine.commands.admin import MoveClock
from engine.core import clock, db
from engine.core.actor import SYSTEM, Actor
from engine.core.config import ROOT
from engine.core.db import reading
from tests.support.installation import Installation, _served, led_to
from web import app as application

# A busy machine may take its time; a calm one needs a twentieth of it.
PATIENCE = 120.0


class House(Installation):
    """An installation whose clock runs, whose worker and web are processes of their own."""

    environ: dict[str, str]
    port: int
    # The module that is ``anju``; the soak's adds operations of its own.
    entry = "web.cli"

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start ``anju …``; it belongs to this test alone. What it says is kept in a log of its own."""
        with self.log(len(self.children)).open("ab") as log:
            made = subprocess.Popen(
                [sys.executable, "-m", self.entry, *command],
                cwd=ROOT,
                env={**os.environ, **self.environ},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.children.append(made)
        return made

    def log(self, number: int) -> Path:
        """Where the process that was started as number ``number`` says what it does."""
        return self.parts.config.data / f"process-{number}.log"

    def said(self, child: subprocess.Popen[bytes] | None = None) -> str:
        """What one process said, or the last words of all."""
        if child is not None:
            return self.log(self.children.index(child)).read_text()
        told = (self.log(number).read_text()[-1500:] for number in range(len(self.children)))
        return "\n".join(told)[-6000:]

    @property
    def children(self) -> list[subprocess.Popen[bytes]]:
        """Every process started so far."""
        if not hasattr(self, "_children"):
            self._children: list[subprocess.Popen[bytes]] = []
        return self._children

    def start_web(self) -> subprocess.Popen[bytes]:
        """The web, once it answers."""
        made = self.start("serve")
        self.until(lambda: answers(f"http://127.0.0.1:{self.port}/health"))
        return made

    def start_worker(self) -> subprocess.Popen[bytes]:
        """One worker thread in a process of its own."""
        return self.start("worker", "--threads", "1", "--no-scheduler")

    def browser(self, actor: Actor) -> requests.Session:
        """A browser signed in as ``actor``; it stays signed in when the web is started anew."""
        signer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        session = requests.Session()
        session.cookies.set("anju", signer.dumps({"actor": actor.key, "csrf": "token"}), domain="127.0.0.1")
        return session

    def let_lease_run_out(self) -> None:
        """Move the demo's clock past the lease of a job whose worker is dead."""
        dispatch(MoveClock(timedelta(seconds=61)), SYSTEM)

    def until(self, holds: Callable[[], Any], told: Callable[[], str] | None = None) -> None:
        """Wait for something that our processes bring about; not a moment longer when one of them fell by itself."""

        def held() -> bool:
            fallen = [child.args for child in self.children if child.poll() not in (None, -signal.SIGKILL)]
            assert not fallen, f"{fallen} ended by itself: {self.said()}"
            return bool(holds())

        until(held, told or self.said)

    def check_whole(self, case_id: int) -> None:
        """The case is of one piece: its journal holds, its process stands somewhere or is over and leaves nothing."""
        case = self.case(case_id)
        over = case.state == "closed"
        assert bool(case.tokens) is not over
        self.check_journal(case_id)
        assert bool(self.tasks(case_id)) is not over

    def check_journal(self, case_id: int) -> None:
        """The chain of the case holds to its end."""
        with reading() as session:
            assert record.verify(session, case_id) is None

    def cases(self) -> list[Case]:
        """Every case there is."""
        with reading() as session:
            return list(session.scalars(select(Case).order_by(Case.id)))


def kill(child: subprocess.Popen[bytes]) -> None:
    """SIGKILL: nothing can be tidied up."""
    if child.poll() is None:
        os.kill(child.pid, signal.SIGKILL)
    child.wait(PATIENCE)


def until(holds: Callable[[], Any], told: str | Callable[[], str], patience: float = PATIENCE) -> None:
    """Wait for something; the message says what did not come."""
    limit = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < limit, told if isinstance(told, str) else told()
        time.sleep(0.01)


def answers(url: str) -> bool:
    """Whether a page is there."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def house(source: Path, folder: Path, url: str | None = None) -> Iterator[House]:
    """A copy of the filled template with simulators; the clock is the demo's and runs."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    simulators = create_all()
    with ExitStack() as stack:
        simulator_port = stack.enter_context(_served(simulators))
        port = free_port()
        environ = {"ANJU_DATA": str(folder), "ANJU_PORT": str(port), "ANJU_DEMO": "1"}
        environ |= led_to(simulator_port, timeout_seconds=10)
        if url:
            environ["ANJU_DATABASE_URL"] = url
        forget_calendar()
        before = clock.offset()
        stack.callback(lambda: clock.set_offset(before))
        parts = application.build(environ)
        stack.callback(lambda: db.engine().dispose())
        made = House(parts, simulators, f"http://127.0.0.1:{port}")
        made.environ, made.port = environ, port
        stack.callback(lambda: [kill(child) for child in made.children])
        yield made
