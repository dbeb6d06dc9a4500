"""Declares built-in functions by their FEEL signature, and calls functions of any kind.

A parameter's kind is one of ``KINDS``; ``?`` behind its name makes it optional, ``...`` before it takes the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from typing import Any

from engine.feel.errors import too_much
from engine.feel.far import Far
from engine.feel.limits import MAX_CALLS, Run
from engine.feel.types import coerce
from engine.feel.values import Exactly, FeelFunction, Range, YearsMonths, kind_name


class Null(Exception):
    """Raised by a built-in that has no answer: the result is null and ``reason`` becomes a warning."""

    def __init__(self, reason: str = "参数不符合要求") -> None:
        super().__init__(reason)
        self.reason = reason


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


def _temporal(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: (value.kind if type(value) is Far else type(value)) in kinds


def _is_function(value: Any) -> bool:
    return isinstance(value, FeelFunction | BuiltIn)


KINDS: dict[str, Callable[[Any], bool]] = {
    "any": lambda _value: True,
    "number": _is(Decimal),
    "string": _is(str),
    "boolean": _is(bool),
    "date": _temporal(date),
    "moment": _temporal(datetime),
    "day": _temporal(date, datetime),
    "time": _temporal(time),
    "clock": _temporal(time, datetime),
    "workday": _is(date, datetime),
    "duration": _is(timedelta, YearsMonths),
    "days": _is(timedelta),
    "list": _is(list),
    "context": _is(dict),
    "range": _is(Range, Exactly),
    "function": _is_function,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a built-in."""

    name: str
    kind: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature of a built-in; ``run`` asks for the running evaluation as first argument."""

    parameters: tuple[Parameter, ...]
    rest: bool
    body: Callable[..., Any]
    run: bool

    def positional(self, values: Sequence[Any]) -> list[Any] | None:
        """The arguments fitted to the parameters, or None."""
        wanted = self.parameters
        if self.rest:
            wanted = wanted + (wanted[-1],) * (len(values) - len(wanted))
        if len(values) > len(wanted):
            return None
        fitted: list[Any] = []
        for index, parameter in enumerate(wanted):
            if index >= len(values):
                if not parameter.optional:
                    return None
                fitted.append(None)
                continue
            value, fits = _fit(values[index], parameter)
            if not fits:
                return None
            fitted.append(value)
        return fitted

    def named(self, values: dict[str, Any]) -> list[Any] | None:
        """As ``positional``, by parameter names."""
        known = [parameter.name for parameter in self.parameters]
        if not values.keys() <= set(known):
            return None
        if any(not parameter.optional and parameter.name not in values for parameter in self.parameters):
            return None
        fitted: list[Any] = []
        for parameter in self.parameters:
            value, fits = _fit(values[parameter.name], parameter) if parameter.name in values else (None, True)
            if not fits:
                return None
            fitted.append(value)
        return fitted


def _fit(value: Any, parameter: Parameter) -> tuple[Any, bool]:
    test = KINDS[parameter.kind]
    if test(value) or (value is None and parameter.optional):
        return value, True
    if value is None:
        return None, False
    if parameter.kind == "list":
        return [value], True
    if type(value) is list and len(value) == 1 and test(value[0]):
        return value[0], True
    return None, False


@dataclass(eq=False)
class BuiltIn:
    """A built-in function with its overloads, in the order they are tried."""

    name: str
    overloads: list[Overload] = field(default_factory=list)
    feel_function = True


FUNCTIONS: dict[str, BuiltIn] = {}
_SIGNATURE = re.compile(r"([^(]+)\((.*)\)")


def built_in(signature: str, *, run: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function, e.g. ``@built_in("substring(string: string, start position: number, length?: number)")``."""
    match = _SIGNATURE.fullmatch(signature)
    if match is None:
        raise ValueError(signature)
    parts = [part.strip() for part in match[2].split(",") if part.strip()]
    rest = bool(parts) and parts[-1].startswith("...")

    def register(body: Callable[..., Any]) -> Callable[..., Any]:
        overload = Overload(tuple(_parameter(part) for part in parts), rest, body, run)
        FUNCTIONS.setdefault(match[1], BuiltIn(match[1])).overloads.append(overload)
        return body

    return register


def _parameter(text: str) -> Parameter:
    name, _, kind = (part.strip() for part in text.removeprefix("...").partition(":"))
    if kind not in KINDS:
        raise ValueError(text)
    return Parameter(name.removesuffix("?"), kind, name.endswith("?"))


def call(run: Run, target: Any, values: list[Any], names: tuple[str, ...] = ()) -> Any:
    """Call a built-in or a FEEL function. Anything else, or unfitting arguments, is null with a warning."""
    if type(target) is BuiltIn:
        return _call_built_in(run, target, values, names)
    if type(target) is FeelFunction:
        return _call_function(run, target, values, names)
    run.warn(f"{kind_name(target)} 不是函数，结果为 null")
    return None


def _call_built_in(run: Run, target: BuiltIn, values: list[Any], names: tuple[str, ...]) -> Any:
    run.tick()
    given = dict(zip(names, values, strict=True)) if names else {}
    for overload in target.overloads:
        fitted = overload.named(given) if names else overload.positional(values)
        if fitted is None:
            continue
        try:
            return overload.body(run, *fitted) if overload.run else overload.body(*fitted)
        except Null as none:
            run.warn(f"{target.name}：{none.reason}，结果为 null")
        except (DecimalException, OverflowError, ValueError) as error:
            run.warn(f"{target.name}：超出可计算的范围（{type(error).__name__}），结果为 null")
        return None
    kinds = "、".join(kind_name(value) for value in values)
    run.warn(f"{target.name} 不接受这些参数（{kinds}），结果为 null")
    return None


def _call_function(run: Run, target: FeelFunction, values: list[Any], names: tuple[str, ...]) -> Any:
    if names:
        given = dict(zip(names, values, strict=True))
        if given.keys() != set(target.parameters):
            run.warn("函数的参数名称不符，结果为 null")
            return None
        values = [given[name] for name in target.parameters]
    if len(values) != len(target.parameters):
        run.warn(f"函数需要 {len(target.parameters)} 个参数，给了 {len(values)} 个，结果为 null")
        return None
    if target.types:
        values = list(values)
        for index, kind in enumerate(target.types):
            values[index], fits = coerce(values[index], kind)
            if not fits:
                run.warn(f"函数的参数 {target.parameters[index]} 类型不符，结果为 null")
                return None
    run.tick()
    run.calls += 1
    if run.calls > MAX_CALLS:
        raise too_much(f"函数调用过深（上限 {MAX_CALLS} 层）", "请检查函数是否没有尽头地调用自己")
    try:
        result = target.invoke(run, values)
    finally:
        run.calls -= 1
    return _fit_result(run, result, target)


def _fit_result(run: Run, result: Any, target: FeelFunction) -> Any:
    if target.result is None:
        return result
    value, fits = coerce(result, target.result)
    if not fits:
        run.warn("函数的结果类型不符，结果为 null")
    return value
