"""How long an item may take, as item.yaml says it: limits, reasons to stop, warnings, escalation, extension.

A span is written ``20 working days`` or ``16 working hours`` and counted in the office's calendar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

KINDS = {"promised": "承诺时限", "statutory": "法定时限"}
DAYS, HOURS = "days", "hours"
_SPAN = re.compile(r"^(\d{1,4}) working (days|hours)$")
_WORDS = {DAYS: "个工作日", HOURS: "个工作小时"}


@dataclass(frozen=True)
class Span:
    """So many working days, or working hours."""

    amount: int
    unit: str = DAYS

    @property
    def count(self) -> int:
        """In what is counted: days, or minutes of working time."""
        return self.amount if self.unit == DAYS else self.amount * 60

    def __str__(self) -> str:
        """``10 个工作日``."""
        return f"{self.amount} {_WORDS[self.unit]}"


@dataclass(frozen=True)
class StopRule:
    """Why a clock may stand: ``notice`` is the template of the paper that says so, or ``publicity``."""

    reason: str
    notice: str = ""
    longest: Span | None = None


@dataclass(frozen=True)
class Point:
    """When to warn: after a ``share`` of the limit, or so much ``before`` its end (limits of the same unit alone)."""

    share: float = 0.0
    before: Span | None = None

    def count_of(self, limit: Span) -> int | None:
        """What has been counted of the limit by then; None where it does not speak of such a limit.

        A limit that is no longer than ``before`` is not warned of at its very beginning.
        """
        if self.before is None:
            count = int(limit.count * self.share)
        else:
            count = limit.count - self.before.count if self.before.unit == limit.unit else 0
        return count if count > 0 else None


@dataclass(frozen=True)
class Escalation:
    """So long after the end of a limit ``role`` is told, and the open tasks get at least this priority."""

    after: Span
    role: str = "supervisor"
    priority: int = 80


@dataclass(frozen=True)
class ExtensionRule:
    """Longer by ``longest`` in all, so many ``times``, where somebody of ``role`` agrees."""

    longest: Span
    times: int = 1
    role: str = "approval"


@dataclass(frozen=True)
class ClockRules:
    """All of it; ``steps`` is user task → kind → span."""

    case: Mapping[str, Span] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, Span]] = field(default_factory=dict)
    stops: Mapping[str, StopRule] = field(default_factory=dict)
    warnings: tuple[Point, ...] = ()
    escalation: tuple[Escalation, ...] = ()
    extension: ExtensionRule | None = None

    @property
    def leading(self) -> str:
        """The kind of limit that the due day of a case follows: what was promised, else the law's."""
        return next((kind for kind in KINDS if kind in self.case), "")


def span(text: str) -> Span:
    """Raises ``ValidationError``."""
    found = _SPAN.match(text)
    if found is None or not int(found[1]):
        raise ValidationError(f"时限应写作 “20 working days” 或 “16 working hours”，现为 {text}")
    return Span(int(found[1]), found[2])


class _Span(fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if text:
            span(text)
        return text


class _Kinds(Schema):
    statutory = _Span(load_default="")
    promised = _Span(load_default="")


class Limits(_Kinds):
    """``time_limit`` of an item; ``steps`` names user tasks."""

    steps = fields.Dict(keys=fields.String(), values=fields.Nested(_Kinds), load_default=dict)


class _Stop(Schema):
    notice = fields.String(load_default="")
    longest = _Span(load_default="")


class _Point(Schema):
    share = fields.Float(load_default=0.0, validate=validate.Range(0, 1, min_inclusive=False))
    before = _Span(load_default="")


class _Escalation(Schema):
    after = _Span(required=True)
    role = fields.String(load_default="supervisor")
    priority = fields.Integer(load_default=80, validate=validate.Range(0, 100))


class _Extension(Schema):
    longest = _Span(required=True)
    times = fields.Integer(load_default=1, validate=validate.Range(1, 10))
    role = fields.String(load_default="approval")


class Clock(Schema):
    """``clock`` of an item."""

    stops = fields.Dict(keys=fields.String(), values=fields.Nested(_Stop), load_default=dict)
    warnings = fields.List(fields.Nested(_Point), load_default=list)
    escalation = fields.List(fields.Nested(_Escalation), load_default=list)
    extension = fields.Nested(_Extension)


def rules_of(limits: Mapping[str, Any], clock: Mapping[str, Any]) -> ClockRules:
    """From what the two schemas loaded."""
    extension = clock.get("extension")
    return ClockRules(
        case=_kinds(limits),
        steps={step: _kinds(kinds) for step, kinds in (limits.get("steps") or {}).items()},
        stops={
            reason: StopRule(reason, one["notice"], _maybe(one["longest"]))
            for reason, one in (clock.get("stops") or {}).items()
        },
        warnings=tuple(Point(one["share"], _maybe(one["before"])) for one in clock.get("warnings") or ()),
        escalation=tuple(
            Escalation(span(one["after"]), one["role"], one["priority"]) for one in clock.get("escalation") or ()
        ),
        extension=ExtensionRule(span(extension["longest"]), extension["times"], extension["role"])
        if extension
        else None,
    )


def _kinds(given: Mapping[str, Any]) -> dict[str, Span]:
    return {kind: span(given[kind]) for kind in KINDS if given.get(kind)}


def _maybe(text: str) -> Span | None:
    return span(text) if text else None
