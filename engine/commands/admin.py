"""What administrators change: parameters, the demo's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from engine.catalog.parameters import ParameterValue
from engine.commands import Unit, handles
from engine.core import demo_clock, ids
from engine.core.errors import Refused

ADMIN = "admin"


@dataclass(frozen=True)
class SetParameter:
    """Put a parameter's value in force from a day."""

    item: str
    name: str
    value: Any
    valid_from: date


@dataclass(frozen=True)
class MoveClock:
    """Move the demo's clock forward."""

    by: timedelta


@handles(SetParameter)
def set_parameter(command: SetParameter, unit: Unit) -> None:
    """Add the value; older ones stay for older dates."""
    unit.require(ADMIN)
    unit.session.add(
        ParameterValue(
            id=ids.new(),
            item=command.item,
            name=command.name,
            value=command.value,
            valid_from=command.valid_from,
            set_at=unit.now,
            set_by=unit.actor.name,
        )
    )
    unit.record(None, "parameter", f"参数 {command.name} 自 {command.valid_from} 起调整", {"value": command.value})
    unit.session.flush()


@handles(MoveClock)
def move_clock(command: MoveClock, unit: Unit) -> None:
    """Only forward: what happened cannot come after what is to come."""
    if command.by <= timedelta():
        raise Refused("演示时钟只能向前拨", code="clock_backwards")
    unit.record(None, "clock", f"演示时钟向前拨 {command.by}")
    demo_clock.move(unit.session, command.by)
