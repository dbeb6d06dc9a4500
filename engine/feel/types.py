"""FEEL types: what ``instance of`` asks and what DMN's ``typeRef`` demands at a border."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, time, timedelta
from decimal import Decimal
from typing import Any

from engine.feel.far import combined
from engine.feel.values import Exactly, FeelFunction, Range, YearsMonths, kind_name


@dataclass(frozen=True, slots=True)
class Type:
    """``kind`` is a simple type's FEEL name, or list / context / range / function with their parts.

    ``allowed`` further restricts values (allowed values of an item definition). ``base`` None parts mean Any.
    """

    kind: str
    element: Type | None = None
    fields: tuple[tuple[str, Type], ...] | None = None
    parameters: tuple[Type, ...] | None = None
    result: Type | None = None
    allowed: Callable[[Any], bool] | None = None
    name: str = ""


SIMPLE = {
    "Any": "Any",
    "Null": "null",
    "number": "number",
    "string": "string",
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "date and time": "date and time",
    "dateTime": "date and time",
    "days and time duration": "days and time duration",
    "day-time duration": "days and time duration",
    "dayTimeDuration": "days and time duration",
    "years and months duration": "years and months duration",
    "year-month duration": "years and months duration",
    "yearMonthDuration": "years and months duration",
    "list": "list",
    "context": "context",
    "function": "function",
    "range": "range",
}
ANY = Type("Any")
BUILT_IN = {name: Type(kind) for name, kind in SIMPLE.items()}


def conforms(value: Any, kind: Type, *, allowed: bool = False) -> bool:
    """Whether ``value`` is of the type; allowed values count only when asked. null conforms to Null alone."""
    if kind.kind == "Any":
        return value is not None
    test = _TESTS.get(kind.kind)
    if test is None or not test(value):
        return False
    if kind.kind in _DEEP and not _DEEP[kind.kind](value, kind, allowed):
        return False
    return not allowed or kind.allowed is None or kind.allowed(value)


def _list(value: list[Any], kind: Type, allowed: bool) -> bool:
    return kind.element is None or all(_inner(item, kind.element, allowed) for item in value)


def _inner(value: Any, kind: Type, allowed: bool) -> bool:
    return value is None or conforms(value, kind, allowed=allowed)


def _context(value: dict[str, Any], kind: Type, allowed: bool) -> bool:
    parts = kind.fields or ()
    return all(name in value and _inner(value[name], part, allowed) for name, part in parts)


def _range(value: Range | Exactly, kind: Type, _allowed: bool) -> bool:
    if kind.element is None:
        return True
    ends = (value.value,) if isinstance(value, Exactly) else (value.low, value.high)
    return all(end is None or conforms(end, kind.element) for end in ends)


def _function(value: Any, kind: Type, _allowed: bool) -> bool:
    if kind.parameters is None:
        return True
    if not isinstance(value, FeelFunction):
        return True
    if len(value.parameters) != len(kind.parameters):
        return False
    own = value.types or (None,) * len(value.parameters)
    given = zip(own, kind.parameters, strict=True)
    if not all(_narrower(wanted, mine) for mine, wanted in given):
        return False
    return kind.result is None or kind.result.kind == "Any" or _narrower(value.result, kind.result)


def _narrower(one: Type | None, other: Type | None) -> bool:
    """Whether every value of ``one`` is a value of ``other``; unknown types count as Any."""
    if other is None or other.kind == "Any":
        return True
    if one is None or one.kind == "Any":
        return True
    if one.kind != other.kind:
        return False
    if other.element is not None:
        return _narrower(one.element, other.element)
    if other.fields is not None:
        mine = dict(one.fields or ())
        return all(name in mine and _narrower(mine[name], part) for name, part in other.fields)
    return True


_TESTS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, Decimal),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "date": lambda value: kind_name(value) == "date",
    "time": lambda value: kind_name(value) == "time",
    "date and time": lambda value: kind_name(value) == "date and time",
    "days and time duration": lambda value: isinstance(value, timedelta),
    "years and months duration": lambda value: isinstance(value, YearsMonths),
    "list": lambda value: isinstance(value, list),
    "context": lambda value: isinstance(value, dict),
    "range": lambda value: isinstance(value, Range | Exactly),
    "function": lambda value: kind_name(value) == "function",
}
_DEEP: dict[str, Callable[[Any, Type, bool], bool]] = {
    "list": _list,
    "context": _context,
    "range": _range,
    "function": _function,
}


def coerce(value: Any, kind: Type | None) -> tuple[Any, bool]:
    """``value`` fitted to a typed border: (value, fits). The spec's implicit conversions (DMN 1.4, 10.3.2.9.4):
    one-element list to its element, single value to a list, date to date and time.
    """
    if kind is None or kind.kind == "Any" or value is None:
        return value, True
    if conforms(value, kind, allowed=True):
        return value, True
    if kind.kind == "list":
        element, fits = coerce(value, kind.element)
        return ([element], True) if fits and not isinstance(value, list) else (None, False)
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
        return coerce(value[0], kind)
    if kind.kind == "date and time" and _TESTS["date"](value):
        return combined(value, time(tzinfo=UTC)), True
    return None, False
