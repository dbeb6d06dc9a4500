"""Functions of our own field: working days, resident identity numbers, 元 and 分.

Identity numbers: GB 11643-1999. Working days: the office's calendar with 调休.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from engine.core import clock
from engine.feel.functions.registry import Null, built_in
from engine.feel.temporal import months_between
from engine.feel.values import NUMBERS


def _day(value: date) -> date:
    return clock.local(value).date() if isinstance(value, datetime) and value.tzinfo else _plain(value)


def _plain(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


@built_in("add working days(date: workday, n: number)")
def add_working_days(day: date, count: Decimal) -> date:
    """The day ``n`` working days later (earlier when negative)."""
    from engine.core import workdays

    if count != count.to_integral_value() or abs(count) > 10_000:
        raise Null("工作日数要是不超过 10000 的整数")
    return workdays.current().add(_day(day), int(count))


@built_in("working days between(a: workday, b: workday)")
def working_days_between(start: date, end: date) -> Decimal:
    """Working days after ``a`` up to and including ``b``."""
    from engine.core import workdays

    return Decimal(workdays.current().between(_day(start), _day(end)))


@built_in("resident id valid(text: string)")
def resident_id_valid(text: str) -> bool:
    from engine.core import idnum

    return idnum.check_resident_id(text) is None


@built_in("resident id birth(text: string)")
def resident_id_birth(text: str) -> date:
    from engine.core import idnum

    born = idnum.birth_of(text)
    if born is None:
        raise Null("不是身份证号码")
    return born


@built_in("resident id age(text: string, on?: workday)")
def resident_id_age(text: str, on: date | None) -> Decimal:
    """Full years on a day; today where none is given."""
    born = resident_id_birth(text)
    day = clock.today() if on is None else _day(on)
    if day < born:
        raise Null("日期早于出生日期")
    return Decimal(months_between(born, day) // 12)


@built_in("fen to yuan(n: number)")
def fen_to_yuan(fen: Decimal) -> Decimal:
    return NUMBERS.divide(fen, Decimal(100))


@built_in("yuan to fen(n: number)")
def yuan_to_fen(yuan: Decimal) -> Decimal:
    fen = NUMBERS.multiply(yuan, Decimal(100))
    if fen != fen.to_integral_value():
        raise Null("金额不足一分")
    return fen.to_integral_value()
