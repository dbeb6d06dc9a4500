"""The yearly notice of holidays as people have it: the text of the circular, a table (CSV), or a calendar file (ICS).

Gives day → (works, name), of those days alone that depart from Monday to Friday.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from engine.core.errors import Refused

Days = dict[date, tuple[bool, str]]
LONGEST = 200_000
_DATE = re.compile(
    r"(?:(\d{4})\s*年)?\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日(?:（[^）]*）|\([^)]*\))?"
    r"(?:\s*[至—\-–~到]\s*(?:(?:(\d{4})\s*年)?\s*(\d{1,2})\s*月)?\s*(\d{1,2})\s*日)?"  # noqa: RUF001  as circulars write
)
_YEAR = re.compile(r"(20\d{2})\s*年")
_HEAD = re.compile(r"^\s*(?:[一二三四五六七八九十]+、|\d+[.、])?\s*(?:\d{4}\s*年)?\s*([^：:。0-9]{2,14})[：:]")
_WORKS = ("班", "work", "1", "true", "是")
_CLOSED = ("休", "假", "节", "off", "holiday", "0", "false", "否")


def parse(content: str | bytes, year: int | None = None) -> Days:
    """Whatever was pasted or uploaded. ``year`` where a text names none. Raises ``Refused``: nothing can be read."""
    text = _decoded(content)
    if len(text) > LONGEST:
        raise Refused("内容太长，一次请只导入一份通知", code="notice_too_long")
    if "BEGIN:VCALENDAR" in text:
        found = dict(_of_events(text))
    elif re.search(r"^\s*\"?\d{4}[-/.]\d{1,2}[-/.]\d{1,2}", text, re.MULTILINE):
        found = dict(_of_table(text))
    else:
        found = dict(_of_text(text, year))
    days = {day: one for day, one in found.items() if one[0] != (day.weekday() < 5)}
    if not days:
        raise Refused("没有读到放假或上班的日期，请粘贴通知全文，或上传 CSV、ICS 文件", code="notice_empty")
    return dict(sorted(days.items()))


def _decoded(content: str | bytes) -> str:
    if isinstance(content, str):
        return content.lstrip("\ufeff")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("文件不是文本，请上传 CSV 或 ICS 文件", code="notice_unreadable")


def _of_text(text: str, year: int | None) -> Iterator[tuple[date, tuple[bool, str]]]:
    """The circular: 「二、春节：2月15日（周日）至23日（周一）放假调休。2月14日（周六）上班。」"""
    named = _YEAR.search(text)
    own = year or (int(named[1]) if named else None)
    if own is None:
        raise Refused("通知里没有写明年份，请选择年份后再导入", code="notice_year")
    name = "节假日"
    for line in text.splitlines():
        if head := _HEAD.match(line):
            name = head[1].strip()
        for clause in re.split(r"[。；;]", line):
            works = "上班" in clause
            if not works and "放假" not in clause and "休息" not in clause:
                continue
            for day in _dates(clause, own):
                yield day, (works, f"{name}调休上班" if works else name)


def _dates(clause: str, year: int) -> Iterator[date]:
    for found in _DATE.finditer(clause):
        first = _date(int(found[1] or year), int(found[2]), int(found[3]))
        if found[6] is None:
            yield first
            continue
        month = int(found[5] or found[2])
        # 「12月30日至1月1日」 runs into the next year.
        last_year = int(found[4] or first.year + (month < first.month))
        yield from _range(first, _date(last_year, month, int(found[6])))


def _of_table(text: str) -> Iterator[tuple[date, tuple[bool, str]]]:
    """Rows of day, 休 or 班, name; a line of headings is passed over."""
    dialect = "excel-tab" if "\t" in text.split("\n", 1)[0] else "excel"
    for number, row in enumerate(csv.reader(io.StringIO(text), dialect), 1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or not re.match(r"\d{4}[-/.]", cells[0]):
            continue
        day = _iso(cells[0], number)
        word = cells[1].lower() if len(cells) > 1 else ""
        works = _word(word)
        if works is None:
            raise Refused(f"第 {number} 行应写明“休”或“班”，现为“{word}”", code="notice_word")
        yield day, (works, (cells[2] if len(cells) > 2 else "")[:60] or ("调休上班" if works else "节假日"))


def _word(word: str) -> bool | None:
    if any(one in word for one in _WORKS):
        return True
    return False if any(one in word for one in _CLOSED) else None


def _of_events(text: str) -> Iterator[tuple[date, tuple[bool, str]]]:
    """All-day events; those whose title speaks of 班 are days that are worked."""
    unfolded = re.sub(r"\r?\n[ \t]", "", text)
    for event in re.findall(r"BEGIN:VEVENT(.*?)END:VEVENT", unfolded, re.DOTALL):
        values = {}
        for line in event.splitlines():
            key, colon, value = line.partition(":")
            if colon:
                values[key.split(";")[0].strip().upper()] = value.strip()
        if "DTSTART" not in values:
            continue
        first = _stamp(values["DTSTART"])
        last = _stamp(values["DTEND"]) - timedelta(days=1) if "DTEND" in values else first
        name = values.get("SUMMARY", "").replace("\\,", "，").replace("\\;", "；").replace("\\n", " ")
        works = "班" in name and "不上班" not in name
        for day in _range(first, max(first, last)):
            yield day, (works, name[:60] or "节假日")


def _range(first: date, last: date) -> Iterator[date]:
    if not timedelta() <= last - first <= timedelta(days=60):
        raise Refused(f"日期 {first} 至 {last} 有误，请核对", code="notice_range")
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Refused(f"没有 {year} 年 {month} 月 {day} 日，请核对", code="notice_date") from error


def _iso(text: str, number: int) -> date:
    try:
        return date(*(int(part) for part in re.split(r"[-/.]", text.split()[0])))
    except (ValueError, TypeError) as error:
        raise Refused(f"第 {number} 行的日期 {text} 无法识别", code="notice_date") from error


def _stamp(text: str) -> date:
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007  a date alone
    except ValueError as error:
        raise Refused(f"日历文件中的日期 {text} 无法识别", code="notice_date") from error
