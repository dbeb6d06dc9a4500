"""FEEL values and the borders: from Python in, to JSON out.

number = Decimal (34 digits), string, boolean, null = None, list, context = dict, date, time, date and time = datetime
(each a ``Far`` where Python's calendar ends), days and time duration = timedelta, years and months duration =
YearsMonths, Range, functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from enum import Enum
from typing import Any

from engine.feel.errors import too_much
from engine.feel.far import Far
from engine.feel.limits import MAX_EXPONENT

NUMBERS = Context(
    prec=34,
    rounding=ROUND_HALF_EVEN,
    Emin=-MAX_EXPONENT,
    Emax=MAX_EXPONENT,
    traps=[DivisionByZero, InvalidOperation, Overflow],
)
ZERO, ONE = Decimal(0), Decimal(1)
_AS_IS = frozenset({str, bool, type(None), date, datetime, time, timedelta})
_MAX_NESTING = 50


@dataclass(frozen=True, slots=True, order=True)
class YearsMonths:
    """A years and months duration, as a signed number of months."""

    months: int

    @property
    def years(self) -> int:
        return int(self.months / 12)

    @property
    def rest(self) -> int:
        """Months beyond full years, with the sign of the duration."""
        return self.months - 12 * self.years


@dataclass(frozen=True, slots=True)
class Range:
    """``half``: written with one operator (``< 5``), so that the end that is None is open, not unknown."""

    low: Any
    high: Any
    low_in: bool = True
    high_in: bool = True
    half: bool = False


@dataclass(frozen=True, slots=True)
class Exactly:
    """``(= x)`` and ``(!= x)`` as values of type range."""

    value: Any
    equal: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class FeelFunction:
    """A function written in FEEL or a model. ``invoke`` takes (run, positional values)."""

    parameters: tuple[str, ...]
    invoke: Callable[[Any, list[Any]], Any]
    types: tuple[Any, ...] = ()
    result: Any = None


def from_python(value: Any, depth: int = 0) -> Any:
    """A value from outside as FEEL sees it. Numbers become Decimal; unknown kinds raise FeelError."""
    kind = type(value)
    if kind in _AS_IS:
        return value
    if kind is Decimal:
        return value if value.is_finite() else None
    if kind is int:
        return Decimal(value) if -(10**33) < value < 10**33 else _big(value)
    if kind is float:
        return _big(repr(value))
    if depth > _MAX_NESTING:
        raise too_much("读取的数据嵌套过深", "请检查变量是否循环引用")
    if isinstance(value, Mapping):
        return {str(key): from_python(item, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [from_python(item, depth + 1) for item in value]
    return _rare(value, depth)


def _rare(value: Any, depth: int) -> Any:
    if isinstance(value, Enum):
        return from_python(value.value, depth + 1)
    if isinstance(value, YearsMonths | Range | Exactly | FeelFunction | Far | date | time | timedelta):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return from_python(int(value))
    if isinstance(value, set | frozenset):
        return [from_python(item, depth + 1) for item in value]
    if getattr(value, "feel_function", False):
        return value
    raise too_much(f"不能使用 {kind_name(value)} 类型的数据", "变量只能是文本、数字、真假、日期、列表或对象")


def _big(value: int | str) -> Decimal | None:
    try:
        number = NUMBERS.create_decimal(value)
    except (InvalidOperation, Overflow):
        return None
    return number if number.is_finite() else None


def kind_name(value: Any) -> str:
    """The FEEL name of a value's type."""
    if isinstance(value, Far):
        value = value.near
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return "function" if isinstance(value, FeelFunction) or getattr(value, "feel_function", False) else "unknown"


_KINDS: tuple[tuple[Any, str], ...] = (
    (type(None), "null"),
    (bool, "boolean"),
    (Decimal, "number"),
    (str, "string"),
    (datetime, "date and time"),
    (date, "date"),
    (time, "time"),
    (timedelta, "days and time duration"),
    (YearsMonths, "years and months duration"),
    (list, "list"),
    (dict, "context"),
    ((Range, Exactly), "range"),
)
