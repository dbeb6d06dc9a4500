"""The simulators on a real port, a place for their callbacks, and settings that point at both."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from connectors import load_all, manifests
from connectors._kit import workbench
from connectors._kit.sandbox import State
from connectors._kit.simulation import create_all
from connectors._kit.workbench import PATIENCE, QUICK, served
from engine.core import inbound
from engine.core.errors import Refused
from engine.core.operations import Answer, Call, Pending, find

__all__ = ["PATIENCE", "QUICK", "Inbox", "World", "served"]


@dataclass
class Inbox:
    """Our side of the callbacks: what the reader made of each."""

    taken: list[Any] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        reader = inbound.reader(request.path.removeprefix("/inbound/"))
        assert reader is not None
        with self.arrived:
            try:
                came = reader.read(request.get_data(), dict(request.headers))
                self.taken.extend(came if isinstance(came, list | tuple) else [came])
                answer = Response("ok")
            except Refused as error:
                self.refused.append(error.code)
                answer = Response(error.code, 401)
            self.arrived.notify_all()
        return answer(environ, start)

    def wait(self, *, taken: int = 0, refused: int = 0) -> bool:
        """Whether so many came within ten seconds."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.taken) >= taken and len(self.refused) >= refused, 10)


@dataclass
class World:
    """Running simulators, our inbox, and where they are."""

    state: State
    url: str
    inbox: Inbox
    environ: Mapping[str, str]

    def run(self, operation_name: str, *, key: str = "key-1", attempt: int = 1, **inputs: Any) -> Answer | Pending:
        """Run an operation the way the engine does: load, run, check."""
        operation = find(operation_name)
        call = Call(
            case_id=1,
            case_number="BZSQ-2026-000001",
            item="rental/eligibility_application",
            office_id=1,
            token="t",
            element_id="check",
            idempotency_key=key,
            inputs=operation.load_inputs(inputs, {}),
            attempt=attempt,
        )
        answer = operation.run(call)
        assert isinstance(answer, Answer | Pending)
        if isinstance(answer, Answer):
            operation.check_outputs(answer.variables)
        return answer


@pytest.fixture(scope="session")
def running() -> Iterator[World]:
    found = manifests()
    with served(simulators := create_all(State(QUICK), found)) as url, served(inbox := Inbox()) as ours:
        environ = {"ANJU_CALLBACK_URL": ours, "ANJU_ESIGN_NOTIFY_URL": ours}
        for one in found:
            environ |= workbench.environ(one, simulators.state, url)
        yield World(simulators.state, url, inbox, environ)


@pytest.fixture
def world(running: World, tmp_path: Path) -> World:
    """Fresh books and switches; settings filled for this test."""
    running.state.reset()
    running.inbox.taken.clear()
    running.inbox.refused.clear()
    load_all({**running.environ, "ANJU_SEAL_DIR": str(tmp_path / "seal")})
    return running
