"""Filters of a search: a value means equal; an object holds operators; ``$or`` is a list of alternatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import ColumnElement, String, and_, case, cast, false, func, literal, not_, or_, true

from engine.core.errors import Refused

Kind = Literal["text", "int", "key", "moment", "bool"]

OPERATORS = ("$eq", "$neq", "$exists", "$in", "$notIn", "$like", "$gt", "$gte", "$lt", "$lte")
LARGEST = 2**63 - 1
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
# What an empty value sorts as: before everything else.
_EMPTY: dict[str, Any] = {"text": "", "int": -(2**63), "key": -(2**63), "moment": _FIRST, "bool": False}


@dataclass(frozen=True)
class Column:
    """What a name of a filter or order stands for.

    ``of`` is a column or expression; ``by`` makes the whole condition of one value instead (no operators then but
    equality and lists). ``choices`` are the values of an enumeration. ``empty`` says that NULL or '' is «no value».
    """

    of: Any
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    sortable: bool = True
    nullable: bool = False
    by: Callable[[Any], ColumnElement[bool]] | None = None

    @cached_property
    def sorted(self) -> Any:
        """The expression rows are ordered by: never NULL nor a truth value, so that cursors can be compared."""
        if self.kind == "bool":
            return case((self.of.is_(True), 1), else_=0)
        return func.coalesce(self.of, literal(_EMPTY[self.kind], self.of.type)) if self.nullable else self.of

    @property
    def is_set(self) -> ColumnElement[bool]:
        """Whether there is a value; an empty text is none."""
        there: ColumnElement[bool] = self.of.is_not(None)
        return and_(there, self.of != "") if self.kind == "text" else there

    def value(self, name: str, given: Any) -> Any:
        """A value from outside, of this column's kind. Raises ``Refused``."""
        try:
            found = _READERS[self.kind](given)
        except (ValueError, TypeError, OverflowError) as error:
            raise Refused(f"筛选条件 {name} 的值类型不对", code="bad_filter") from error
        if self.choices and found not in self.choices:
            raise Refused(f"筛选条件 {name} 只能是 {'、'.join(self.choices)}", code="bad_filter")
        return found

    def from_cursor(self, value: Any) -> Any:
        """A value out of a cursor. Raises ``ValueError`` or ``TypeError``."""
        return _READERS["int" if self.kind == "bool" else self.kind](value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise TypeError
    return value


def key_number(value: Any) -> int:
    """A key as a number. Raises ``Refused``."""
    try:
        return _key(value)
    except (ValueError, TypeError) as error:
        raise Refused("键应为十进制数字", code="bad_filter") from error


def _key(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    number = int(value)
    return number if abs(number) <= LARGEST else -1


def _moment(value: Any) -> datetime:
    found = datetime.fromisoformat(_text(value))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "text": _text, "int": _int, "key": _key, "moment": _moment, "bool": _bool
}  # fmt: skip


def condition(columns: Mapping[str, Column], asked: Mapping[str, Any]) -> ColumnElement[bool]:
    """All of the filters at once. Raises ``Refused`` for a name, operator or value that cannot be."""
    parts: list[ColumnElement[bool]] = [true()]
    for name, given in asked.items():
        if name == "$or":
            parts.append(or_(false(), *(condition(columns, one) for one in given)))
        elif name not in columns:
            raise Refused(f"不能按 {name} 筛选", code="bad_filter")
        elif given is not None:
            parts.append(_one(columns[name], name, given))
    return and_(*parts)


def _one(column: Column, name: str, given: Any) -> ColumnElement[bool]:
    operators = given if isinstance(given, Mapping) and column.by is None else {"$eq": given}
    return and_(true(), *(_apply(column, name, operator, value) for operator, value in operators.items()))


def _apply(column: Column, name: str, operator: str, given: Any) -> ColumnElement[bool]:
    if column.by is not None:
        return column.by(given)
    if operator == "$exists":
        return column.is_set if _bool_or_refuse(name, given) else not_(column.is_set)
    if operator in ("$in", "$notIn"):
        if not isinstance(given, list):
            raise Refused(f"筛选条件 {name} 的 {operator} 应为列表", code="bad_filter")
        among = column.of.in_([column.value(name, one) for one in given])
        return among if operator == "$in" else not_(among)
    if operator == "$like":
        return cast(column.of, String).like(_pattern(name, given), escape="\\")
    value = column.value(name, given)
    compared: dict[str, Callable[[], ColumnElement[bool]]] = {
        "$eq": lambda: column.of == value,
        "$neq": lambda: or_(column.of != value, column.of.is_(None)),
        "$gt": lambda: column.of > value,
        "$gte": lambda: column.of >= value,
        "$lt": lambda: column.of < value,
        "$lte": lambda: column.of <= value,
    }
    if operator not in compared or (column.kind == "bool" and operator not in ("$eq", "$neq")):
        raise Refused(f"筛选条件 {name} 不支持 {operator}，可用：{'、'.join(OPERATORS)}", code="bad_filter")
    return compared[operator]()


def _bool_or_refuse(name: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise Refused(f"筛选条件 {name} 的 $exists 应为 true 或 false", code="bad_filter")
    return given


def literal_like(text: str) -> str:
    """A text as part of a LIKE pattern (escape: backslash), where its signs mean themselves."""
    return "".join(f"\\{sign}" if sign in "%_\\" else sign for sign in text)


def _pattern(name: str, given: Any) -> str:
    """``*`` is any text, ``?`` one sign, a backslash takes the next sign as it is; SQL's own signs mean themselves."""
    if not isinstance(given, str):
        raise Refused(f"筛选条件 {name} 的 $like 应为文字", code="bad_filter")
    out: list[str] = []
    signs = iter(given)
    for sign in signs:
        if sign == "\\":
            sign = next(signs, "\\")
            out.append(f"\\{sign}" if sign in "%_\\" else sign)
        else:
            out.append({"*": "%", "?": "_", "%": r"\%", "_": r"\_"}.get(sign, sign))
    return "".join(out)
