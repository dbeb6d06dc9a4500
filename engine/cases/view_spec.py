"""What a named view of the inbox may ask: a small closed language of columns. Nothing else reaches the database.

Values of one column are alternatives, columns must all hold. Values that people choose from a fixed list stand in
``CHOICES``; the others are ids and names that the installation knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.core.errors import Refused

FIELDS = {
    "item": "事项",
    "step": "环节",
    "office": "机构",
    "role": "岗位",
    "assignee": "经办人",
    "due": "期限",
    "stage": "阶段",
    "channel": "渠道",
    "created": "到达时间",
    "priority": "优先级",
    "mark": "标记",
}
CHOICES: dict[str, dict[str, str]] = {
    "due": {"late": "已超时", "today": "今日到期", "soon": "临近期限", "later": "期限充裕", "none": "未计时"},
    "created": {"today": "今天", "week": "七天内", "older3": "三天以前", "older7": "七天以前", "older30": "三十天以前"},
    "priority": {"high": "高", "normal": "普通", "low": "低"},
    "mark": {
        "unread": "未读",
        "mention": "@我",
        "copied": "抄送我",
        "warned": "预警或逾期",
        "urged": "被催办",
        "returned": "退回",
        "delegated": "委派",
        "transferred": "转办",
        "added": "加签",
    },
    "channel": {"portal": "网上申请", "counter": "窗口受理", "proxy": "代办"},
}
# Besides single people (``staff:12``).
WHO = {"me": "我", "free": "未领取", "others": "他人"}
COLUMNS = {
    "item": "事项",
    "step": "环节",
    "number": "受理号",
    "office": "机构",
    "stage": "阶段",
    "assignee": "经办人",
    "channel": "渠道",
    "created": "到达时间",
    "priority": "优先级",
}
SORTS = {"due": "按期限", "oldest": "先到先办", "newest": "新到在前", "priority": "按优先级"}
COLOURS = {"due": "按期限（红黄）", "priority": "按优先级", "age": "按等待天数", "none": "不着色"}
USUAL_COLUMNS = ("item", "step", "number", "office")
# A view is read by people: more than this is a mistake, and would slow everybody's counts.
MOST_VALUES, LONGEST = 30, 120


@dataclass(frozen=True)
class Spec:
    """A view that was checked; hashable, so that its statement is made once."""

    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    columns: tuple[str, ...] = USUAL_COLUMNS
    sort: str = "due"
    colour: str = "due"

    def of(self, field: str) -> tuple[str, ...]:
        """The values asked of a column; none: anything."""
        return dict(self.filters).get(field, ())

    def as_json(self) -> dict[str, list[str]]:
        """The filters as they are kept."""
        return {field: list(values) for field, values in self.filters}


USUAL = Spec()


def parse(filters: Mapping[str, Any], columns: Sequence[Any], sort: str, colour: str) -> Spec:
    """The view that was asked for. Raises ``Refused`` for anything outside the language."""
    if not isinstance(filters, Mapping) or not set(filters) <= set(FIELDS):
        raise _refused(f"筛选条件只能是：{'、'.join(FIELDS.values())}")
    kept = {field: _values(field, filters[field]) for field in FIELDS if filters.get(field)}
    if not set(columns) <= set(COLUMNS):
        raise _refused(f"显示的列只能是：{'、'.join(COLUMNS.values())}")
    if sort not in SORTS or colour not in COLOURS:
        raise _refused("排序或着色方式无法识别，请重新选择")
    shown = tuple(name for name in COLUMNS if name in columns)
    return Spec(tuple((field, values) for field, values in kept.items() if values), shown, sort, colour)


@cache
def _fixed(field: str) -> frozenset[str]:
    return frozenset(CHOICES.get(field, {}))


def _values(field: str, given: Any) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(str(one) for one in given)) if isinstance(given, list | tuple) else ()
    wrong = [one for one in values if not _allowed(field, one)]
    if len(values) > MOST_VALUES or wrong:
        raise _refused(f"「{FIELDS[field]}」的条件无法识别或过多，请重新选择")
    return values


def _allowed(field: str, value: str) -> bool:
    if field == "office":
        return _is_id(value)
    if field == "assignee":
        return value in WHO or (value.startswith("staff:") and _is_id(value.removeprefix("staff:")))
    if field in CHOICES:
        return value in _fixed(field)
    return 0 < len(value) <= LONGEST and value.isprintable()


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 2**63


def _refused(message: str) -> Refused:
    return Refused(message, code="bad_view")
