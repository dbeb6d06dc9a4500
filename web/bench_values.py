"""A figure of the bench: measured beside a yardstick of the same run, and what it should reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """``ratio`` is value over yardstick; ``aim`` is what should hold (``<= 6 ms``), ``met`` whether it does."""

    value: float
    unit: str
    yardstick: float
    ratio: float
    aim: str = ""
    met: bool | None = None


def of(value: float, unit: str, yardstick: float) -> Value:
    """A value with its ratio."""
    return Value(round(value, 3), unit, round(yardstick, 3), round(value / yardstick, 4) if yardstick else 0.0)


def bounded(
    value: float, unit: str, yardstick: float, *, most: float | None = None, least: float | None = None
) -> Value:
    """A value that should be at most or at least so much."""
    met = (most is None or value <= most) and (least is None or value >= least)
    made = of(value, unit, yardstick)
    return Value(made.value, unit, made.yardstick, made.ratio, _said(most, least, unit), met)


def compared(
    value: float, unit: str, yardstick: float, *, most: float | None = None, least: float | None = None
) -> Value:
    """A value whose ratio to the yardstick should be at most or at least so much."""
    made = of(value, unit, yardstick)
    met = (most is None or made.ratio <= most) and (least is None or made.ratio >= least)
    return Value(made.value, unit, made.yardstick, made.ratio, _said(most, least, "x"), met)


def _said(most: float | None, least: float | None, unit: str) -> str:
    return f"<= {most:g} {unit}" if most is not None else f">= {least:g} {unit}"


def table(found: Mapping[str, Value]) -> list[str]:
    """The figures for a terminal."""
    lines = [f"{'name':<34} {'value':>11} {'unit':<13} {'yardstick':>11} {'ratio':>8}  aim"]
    for name, one in found.items():
        aim = "" if one.met is None else f"{one.aim} {'met' if one.met else 'MISSED'}"
        figures = f"{one.value:>11,.2f} {one.unit:<13} {one.yardstick:>11,.2f} {one.ratio:>8.3f}"
        lines.append(f"{name:<34} {figures}  {aim}")
    return lines
