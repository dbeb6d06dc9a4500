"""Rules that need the other answers or the data: options, limits, the kind beside a number, code tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.catalog.form_feel import Expression
from engine.catalog.form_own import id_fault, yuan
from engine.catalog.form_point import point_fault
from engine.catalog.form_tree import MANY_OPTIONS, OPTIONS, TEXT, Field
from engine.catalog.form_values import decimal_of, plain, same

Codes = Callable[[str, str], bool]


@dataclass(frozen=True)
class Surroundings:
    """What a check may look at.

    ``ask`` evaluates at the field's place, ``near`` finds an answer beside it or from the top,
    ``codes(table, value)`` says whether a code table (``region``) knows a value; None: not asked.
    """

    data: Mapping[str, Any]
    ask: Callable[[Expression], Any]
    near: Callable[[str], Any]
    codes: Codes | None = None


def fault_of(field: Field, value: Any, around: Surroundings) -> str | None:
    """The first rule that a loaded value breaks, as a sentence; None where it holds."""
    if field.type in OPTIONS:
        return _option_fault(field, value, around)
    if field.type in TEXT:
        return _length_fault(field, str(value), around)
    if field.type in ("number", "aj-amount"):
        return _range_fault(field, value, around)
    if field.type == "aj-point":
        return point_fault(field, value, around.ask(field.feel["fence"]) if "fence" in field.feel else None)
    if field.type == "aj-id":
        return id_fault(kind_of(field, around), str(value))
    if field.type == "aj-region" and around.codes is not None and not around.codes("region", str(value)):
        return "没有这个行政区划，请重新选择"
    return None


def kind_of(field: Field, around: Surroundings) -> Any:
    """The kind of document: the answer ``properties.kindKey`` names, else ``properties.kind``, else a resident ID."""
    key = field.properties.get("kindKey")
    return around.near(str(key)) if key else field.properties.get("kind") or "resident_id"


def options_of(field: Field, around: Surroundings) -> list[tuple[str, Any]]:
    """(label, value) of every option, as form-js normalises them."""
    if "valuesExpression" in field.feel:
        listed = around.ask(field.feel["valuesExpression"])
    elif field.raw.get("valuesKey"):
        listed = around.data.get(str(field.raw["valuesKey"]))
    else:
        listed = field.raw.get("values")
    found = [_option(one) for one in listed] if isinstance(listed, list) else []
    return [one for one in found if one is not None]


def _option(one: Any) -> tuple[str, Any] | None:
    if _usable(one) and not isinstance(one, dict):
        return str(one), one
    if not isinstance(one, dict):
        return None
    label, value = one.get("label"), one.get("value")
    if isinstance(label, str) and label:
        return (label, value) if _usable(value) else None
    return (str(value), value) if _usable(value) and not isinstance(value, dict) else None


def _usable(value: Any) -> bool:
    """form-js: non-empty text, any number, true and false, a non-empty object."""
    if isinstance(value, str | dict):
        return bool(value)
    return isinstance(value, bool | int | float)


def _option_fault(field: Field, value: Any, around: Surroundings) -> str | None:
    options = options_of(field, around)
    chosen = value if field.type in MANY_OPTIONS else [value]
    if all(any(same(one, option) for _, option in options) for one in chosen):
        return None
    return "所选内容不在选项中，请重新选择" if options else "现在没有可选的选项，请联系管理员"


def _limit(field: Field, name: str, around: Surroundings) -> Decimal | None:
    """A limit of ``validate``; an expression that gives no number sets none, as in form-js."""
    if name in field.feel:
        return decimal_of(around.ask(field.feel[name]))
    return decimal_of(field.validate.get(name))


def _length_fault(field: Field, text: str, around: Surroundings) -> str | None:
    """Counts characters, so that a rare character of a name is one (JavaScript counts it twice)."""
    least, most = _limit(field, "minLength", around), _limit(field, "maxLength", around)
    if least is not None and len(text) < least:
        return f"至少 {plain(least)} 个字"
    if most is not None and len(text) > most:
        return f"最多 {plain(most)} 个字"
    return None


def _range_fault(field: Field, value: Any, around: Surroundings) -> str | None:
    number = decimal_of(value)
    written = yuan if field.type == "aj-amount" else plain
    least, most = _limit(field, "min", around), _limit(field, "max", around)
    if number is not None and least is not None and number < least:
        return f"不得小于 {written(least)}"
    if number is not None and most is not None and number > most:
        return f"不得大于 {written(most)}"
    return None
