"""The demo's clock: there in demo mode alone, and only forward."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.core import clock
from engine.core.db import reading
from engine.core.demo_clock import DemoClock
from tests.support.installation import Installation


@pytest.fixture
def demo(anju: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """The installation in demo mode; the clock's offset is put back afterwards."""
    monkeypatch.setattr(clock, "_offset", timedelta())
    parts = replace(anju.parts, config=replace(anju.parts.config, demo=True))
    monkeypatch.setitem(anju.app.extensions, "anju", parts)
    return anju


def test_outside_the_demo_there_is_no_clock_to_move(anju: Installation) -> None:
    client = anju.client(anju.staff("liuyang"))
    assert client.get("/demo/clock").status_code == 404
    assert client.post("/demo/clock", data={"csrf_token": "token", "days": "3"}).status_code == 404
    assert "演示时钟" not in client.get("/inbox").get_data(as_text=True)


def test_in_the_demo_days_are_moved_forward(demo: Installation) -> None:
    client = demo.client(demo.staff("liuyang"))
    assert "演示时钟" in client.get("/inbox").get_data(as_text=True)
    assert client.post("/demo/clock", data={"csrf_token": "token", "days": "3"}).status_code == 303
    with reading() as session:
        assert session.get_one(DemoClock, 1).offset_seconds == 3 * 24 * 3600
    assert "早走 3 天" in client.get("/demo/clock").get_data(as_text=True)


@pytest.mark.parametrize("days", ["0", "-1", "367", "", "drei"])
def test_back_nowhere_and_too_far_are_refused(demo: Installation, days: str) -> None:
    client = demo.client(demo.staff("liuyang"))
    assert client.post("/demo/clock", data={"csrf_token": "token", "days": days}).status_code == 422
    with reading() as session:
        assert session.get(DemoClock, 1) is None
