"""One of the two invoice channels, asked the way the engine asks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import connectors
from connectors import load, manifests
from connectors.invoice import simulator
from connectors.invoice.house import House
from engine.core.operations import Answer, Call, Pending, find

from .conftest import World

WIRE = Path(connectors.__file__).parent / "invoice" / "wire"
CHANNEL = pytest.mark.parametrize("channel", ["tax", "fiscal"])
PAYER = {"name": "林秋实", "tax_number": "330106198803121014", "phone": "19900000001"}
ITEM = {"name": "公共租赁住房租金", "amount": "525.00"}
LEASE = {
    "address": "广东省江门市蓬江区惠民里 3 幢 2 单元 203",
    "begins_on": "2026-03-01",
    "ends_on": "2026-03-31",
}
OURS = "FP20260302000001"
RED = "FP20260302000002"


class Files:
    """Kept files by number."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, bytes]] = []

    def read(self, file_id: str) -> bytes:
        return self.kept[int(file_id)][2]

    def write(self, content: bytes, *, name: str, media_type: str) -> str:
        self.kept.append((name, media_type, content))
        return str(len(self.kept) - 1)


class Desk:
    """One of the two channels, asked the way the engine asks."""

    def __init__(self, world: World, channel: str) -> None:
        self.world, self.channel, self.files = world, channel, Files()
        manifest = next(one for one in manifests() if one.party == "invoice")
        own = simulator.settings(world.state, f"{world.url}/invoice")
        load(manifest, {**world.environ, **own, "ANJU_INVOICE_NOTIFY_URL": world.environ["ANJU_CALLBACK_URL"]})

    @property
    def house(self) -> House:
        return simulator.house(self.world.state)

    def run(self, name: str, attempt: int = 1, key: str = "", **inputs: Any) -> Answer | Pending:
        key = key or f"key-{inputs['request_number']}"
        operation = find(f"invoice.{name}")
        loaded = operation.load_inputs({"channel": self.channel, **inputs}, {})
        answer = operation.run(Call(1, "BZ-1", "x", 1, "t", "e", key, loaded, attempt=attempt, files=self.files))
        assert isinstance(answer, Answer | Pending)
        if isinstance(answer, Answer):
            operation.check_outputs(answer.variables)
        return answer

    def issue(self, number: str = OURS, attempt: int = 1, **more: Any) -> Answer | Pending:
        return self.run("issue", attempt, request_number=number, payer=PAYER, items=[ITEM], lease=LEASE, **more)

    def issued(self, number: str = OURS) -> dict[str, Any]:
        """A blue invoice that went through the queue."""
        self.issue(number)
        self.house.finish(self.channel, number)
        return dict(self.query(number).variables)

    def query(self, number: str = OURS) -> Answer:
        found = self.run("query", request_number=number)
        assert isinstance(found, Answer)
        return found

    def red(self, blue: dict[str, Any], **more: Any) -> Answer | Pending:
        told = {"code": blue["code"], "number": blue["number"], "amount": blue["amount"], "reason": "开错了"}
        return self.run("red", request_number=RED, **told, **more)

    def switch(self, scenario: str, subject: str = OURS, times: int | None = None) -> None:
        self.world.state.switch("invoice", subject, scenario, times)

    def deliver(self) -> None:
        """Every notice, now."""
        self.house.deliver(time.time() + 3600)
