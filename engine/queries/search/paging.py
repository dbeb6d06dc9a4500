"""A page of a search: limit and offset, or a cursor before or after a row. Order is stable: the id breaks every tie."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from engine.core.errors import Refused
from engine.queries.search.filters import Column, condition

USUAL, MOST = 100, 10_000
# Counting goes on no further: beyond it the answer says that there are more.
COUNTED = 10_000


@dataclass(frozen=True)
class Search:
    """What is asked: ``filter`` by name, ``sort`` as (name, descending) pairs, where to begin and how many."""

    filter: Mapping[str, Any] = field(default_factory=dict)
    sort: Sequence[tuple[str, bool]] = ()
    limit: int = USUAL
    begin: int = 0
    after: str = ""
    before: str = ""


@dataclass(frozen=True)
class Found:
    """One page: ``rows`` in order, how many there are in all (at most ``COUNTED``), and the cursors of its ends."""

    rows: Sequence[Any]
    total: int
    more: bool
    start: str | None
    end: str | None


def page(session: Session, query: Any, columns: Mapping[str, Column], key: Any, search: Search) -> Found:
    """Run ``query`` (a select) with the filters, order and cursor of ``search``.

    ``key`` is the column that is unique, or a list of ``Column`` that are unique together.

    Raises ``Refused`` for unknown names, values of the wrong kind and cursors that are not ours.
    """
    asked = query.where(condition(columns, search.filter))
    total = session.scalar(select(func.count()).select_from(asked.order_by(None).limit(COUNTED + 1).subquery())) or 0
    keys = key if isinstance(key, list) else [Column(key, "key")]
    order = _order(columns, keys, search.sort)
    backwards = bool(search.before)
    paged = asked
    if cursor := search.after or search.before:
        paged = paged.where(_beyond(order, _read(cursor, order), backwards))
    elif search.begin:
        paged = paged.offset(search.begin)
    for column, descending in order:
        paged = paged.order_by(column.sorted.desc() if descending != backwards else column.sorted.asc())
    # The values of the order are selected beside the row: cursors are made of them.
    ends = [column.sorted.label(f"end_{number}") for number, (column, _) in enumerate(order)]
    rows = session.execute(paged.add_columns(*ends).limit(search.limit)).all()
    rows = rows[::-1] if backwards else rows
    width = len(order)
    return Found(
        rows=[row[0] if len(row) == width + 1 else row[:-width] for row in rows],
        total=min(total, COUNTED),
        more=total > COUNTED,
        start=_cursor(rows[0][-width:]) if rows else None,
        end=_cursor(rows[-1][-width:]) if rows else None,
    )


Order = list[tuple[Column, bool]]


def _order(columns: Mapping[str, Column], keys: Sequence[Column], sort: Sequence[tuple[str, bool]]) -> Order:
    order: Order = []
    for name, descending in sort:
        column = columns.get(name)
        if column is None or not column.sortable:
            known = "、".join(sorted(one for one, each in columns.items() if each.sortable))
            raise Refused(f"不能按 {name} 排序，可用：{known}", code="bad_sort")
        order.append((column, descending))
    return [*order, *((key, False) for key in keys)]


def _beyond(order: Order, values: Sequence[Any], backwards: bool) -> ColumnElement[bool]:
    """Rows after (or before) the one with these values, as an or-chain that both databases can use an index for."""
    ways: list[ColumnElement[bool]] = []
    for depth, (column, descending) in enumerate(order):
        same = [one.sorted == value for (one, _), value in zip(order[:depth], values, strict=False)]
        further = column.sorted < values[depth] if descending != backwards else column.sorted > values[depth]
        ways.append(and_(*same, further))
    return or_(*ways)


def _cursor(values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.b64encode(orjson.dumps(plain)).decode()


def _read(cursor: str, order: Order) -> list[Any]:
    try:
        values = orjson.loads(base64.b64decode(cursor, validate=True))
        if not isinstance(values, list) or len(values) != len(order):
            raise ValueError("of another search")
        return [column.from_cursor(value) for (column, _), value in zip(order, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise Refused("翻页游标无效或不属于这次查询，请从第一页重新开始", code="bad_cursor") from error
