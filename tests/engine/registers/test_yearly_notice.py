"""A notice is read as people have it: the circular's text, a table, a calendar file."""

from __future__ import annotations

from datetime import date

import pytest

from engine.core.errors import Refused
from engine.registers.yearly_notice import parse

CIRCULAR = """关于2026年部分节假日安排的通知
一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
三、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。
"""


def test_the_text_of_the_circular_gives_closed_and_worked_days() -> None:
    days = parse(CIRCULAR)
    assert days[date(2026, 1, 1)] == (False, "元旦")
    assert days[date(2026, 1, 4)] == (True, "元旦调休上班")
    assert {day for day, (works, _) in days.items() if works} == {
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 9, 20),
        date(2026, 10, 10),
    }
    # Saturdays and Sundays inside a holiday are nothing that departs from the week.
    assert date(2026, 1, 3) not in days
    assert [day for day, (works, _) in days.items() if not works and day.month == 10] == [
        date(2026, 10, number) for number in (1, 2, 5, 6, 7)
    ]


def test_a_holiday_may_be_named_with_its_year() -> None:
    assert parse("2027年元旦：1月1日（周五）放假。") == {date(2027, 1, 1): (False, "元旦")}


def test_a_range_may_run_into_the_next_year() -> None:
    assert parse("2024年12月30日至1月1日放假") == {
        date(2024, 12, 30): (False, "节假日"),
        date(2024, 12, 31): (False, "节假日"),
        date(2025, 1, 1): (False, "节假日"),
    }


@pytest.mark.parametrize("mark", [",", "\t"])
def test_a_table_with_headings_is_read(mark: str) -> None:
    rows = [("日期", "安排", "说明"), ("2026-10-01", "休", "国庆节"), ("2026/10/10", "班", "")]
    text = "\n".join(mark.join(row) for row in rows)
    if mark == ",":
        text = "\ufeff" + text
    assert parse(text.encode()) == {date(2026, 10, 1): (False, "国庆节"), date(2026, 10, 10): (True, "调休上班")}
    assert parse(text.lstrip("\ufeff").encode("gb18030")) == parse(text)


def test_a_calendar_file_is_read_with_its_folded_lines() -> None:
    text = (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261001\r\nDTEND;VALUE=DATE:20261003\r\n"
        "SUMMARY:国庆\r\n 节\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261010\r\n"
        "SUMMARY:国庆节 补班\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    assert parse(text) == {
        date(2026, 10, 1): (False, "国庆节"),
        date(2026, 10, 2): (False, "国庆节"),
        date(2026, 10, 10): (True, "国庆节 补班"),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("没有日期", "年份"),
        ("2026年没有安排", "没有读到"),
        ("2026-10-01,也许,", "休"),
        ("2026年2月30日放假", "没有 2026 年 2 月 30 日"),
        ("2026年1月1日至12月31日放假", "有误"),
        (b"\xff\xff\xff", "不是文本"),
        ("2026-13-41,休,", "无法识别"),
    ],
)
def test_what_cannot_be_read_is_said(text: str | bytes, says: str) -> None:
    with pytest.raises(Refused, match=says):
        parse(text)
