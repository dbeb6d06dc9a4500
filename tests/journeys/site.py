"""A real installation: processes of their own on free ports, as an operator starts them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import orjson

from web.app import simulator_addresses

PARTS = ("simulators", "serve", "worker")
# The simulators listen this far above the web's port.
SIMULATORS_ABOVE = 10
BANKS = ("jia", "yi", "bing")
# A busy machine may take its time; what falls by itself is told at once.
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Site:
    """Where a running installation is found."""

    url: str
    simulators: str

    def post_to_simulators(self, path: str, **content: str) -> None:
        """Ask the simulators for something, as their page does."""
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{self.simulators}{path}", orjson.dumps(content), headers), timeout=10):
            pass


@contextmanager
def demo(folder: Path, database_url: str = "") -> Iterator[Site]:
    """``anju demo`` on an empty folder: the one command of the README."""
    port = _free_port()
    with _processes(folder, _environ(folder, port, database_url), ["demo"]) as running:
        yield _ready(folder, port, running)


@contextmanager
def started(folder: Path, database_url: str = "") -> Iterator[Site]:
    """Simulators, web and worker on a folder that holds data already; in demo mode, so that the clock can be moved."""
    port = _free_port()
    with _processes(folder, _environ(folder, port, database_url), PARTS) as running:
        yield _ready(folder, port, running)


def _environ(folder: Path, port: int, database_url: str) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ANJU_")}
    environ |= {"ANJU_DATA": str(folder), "ANJU_PORT": str(port), "ANJU_DEMO": "1"}
    environ |= simulator_addresses(f"http://127.0.0.1:{port + SIMULATORS_ABOVE}")
    # Files exchanged with a bank belong to this installation alone, too.
    environ |= {f"ANJU_BANK_{name.upper()}": f"folder:{folder}/simulators/bank_{name}" for name in BANKS}
    return environ | ({"ANJU_DATABASE_URL": database_url} if database_url else {})


@contextmanager
def _processes(folder: Path, environ: dict[str, str], parts: Sequence[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    folder.mkdir(parents=True, exist_ok=True)
    with _log(folder).open("wb") as log:
        running = [
            subprocess.Popen([sys.executable, "-m", "web.cli", part], env=environ, stdout=log, stderr=log)
            for part in parts
        ]
        try:
            yield running
        finally:
            for one in running:
                one.send_signal(signal.SIGTERM)
            for one in running:
                _end(one)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=25)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ready(folder: Path, port: int, running: Sequence[subprocess.Popen[bytes]]) -> Site:
    site = Site(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + SIMULATORS_ABOVE}")
    for address in (f"{site.url}/health", f"{site.simulators}/"):
        _answers(address, folder, running)
    return site


def _answers(address: str, folder: Path, running: Sequence[subprocess.Popen[bytes]]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < limit and all(one.poll() is None for one in running):
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"{address} does not answer:\n{_log(folder).read_text('utf-8')[-3000:]}")


def _log(folder: Path) -> Path:
    return folder / "processes.log"


def _free_port() -> int:
    """A port that is free, and so is the one the simulators take."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + SIMULATORS_ABOVE))
            except OSError:
                continue
            return port
