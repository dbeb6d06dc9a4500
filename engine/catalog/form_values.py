"""One marshmallow field per form-js type: is the answer of its kind, and which value does it stand for.

Emptiness, options and limits are decided by the caller (they may depend on the other answers); what is loaded here is
never empty. Messages are sentences to the person who fills the form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from marshmallow import ValidationError, fields

from engine.catalog.form_tree import MAX_TEXT, Field, truth, whole
from engine.core import clock

# What String.prototype.trim removes.
BLANKS = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
MAX_CHOICES = 500
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}", re.ASCII)
_PHONE = re.compile(r"(?:\+|00)\d{6,20}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"(\d{2}:\d{2})(?::\d{2}(?:\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)


class Answer(fields.Field[Any]):
    """Base: the form's field is at hand, a missing answer says what to do."""

    def __init__(self, field: Field) -> None:
        self.field = field
        if field.required:
            super().__init__(required=True, error_messages={"required": field.ask, "null": field.ask})
        else:
            super().__init__(load_default=lambda: field.empty)

    def hold_pattern(self, text: str) -> None:
        """Refuse a text that the field's own pattern does not accept."""
        pattern = self.field.pattern
        if pattern is None:
            return
        if len(text) > pattern.limit:
            raise ValidationError(f"内容过长，最多 {pattern.limit} 个字")
        if not pattern.accepts(text):
            raise ValidationError(str(self.field.validate.get("patternErrorMessage") or "格式不正确"))


def storable_text(value: Any) -> str:
    """Text that may be kept: not too long, no control characters, nothing that poses as one of our sealed values."""
    if not isinstance(value, str):
        raise ValidationError("请填写文字")
    if len(value) > MAX_TEXT:
        raise ValidationError(f"内容过长，最多 {MAX_TEXT} 个字")
    if _UNSTORABLE.search(value):
        raise ValidationError("含有无法保存的字符，请删去后重新填写")
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip(BLANKS)
    if text.startswith("enc:"):
        raise ValidationError("内容不能以 enc: 开头，请重新填写")
    return text


class Text(Answer):
    """textfield, textarea: trimmed; pattern and kind of address on the trimmed text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = storable_text(value)
        self.hold_pattern(text)
        kind = self.field.validate.get("validationType")
        if kind == "email" and (len(text) > 254 or not _EMAIL.fullmatch(text)):
            raise ValidationError("请填写有效的电子邮箱")
        if kind == "phone" and not _PHONE.search(text[:MAX_CHOICES]):
            raise ValidationError("请填写有效的电话号码，以 + 或 00 开头")
        return text


def decimal_of(value: Any) -> Decimal | None:
    """A JSON number or a number typed as text, exactly; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < 10**40 else None
    text = value.strip(BLANKS) if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def plain(number: Decimal) -> str:
    """A number as people write it: no exponent, no zeros at the end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def json_number(number: Decimal) -> int | float:
    """A whole number as int, any other as float."""
    return int(number) if number == number.to_integral_value() else float(number)


class Number(Answer):
    """number: exact decimal places and steps; a JSON number of at most 15 digits, text with ``serializeToString``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | float | str:
        number = decimal_of(value)
        if number is None:
            raise ValidationError("请填写数字")
        as_text = truth(self.field.raw.get("serializeToString"))
        text = plain(number)
        if len(re.sub(r"[-.]", "", text).lstrip("0")) > (30 if as_text else 15):
            raise ValidationError("数字位数过多，请核对是否多输了数字")
        self.hold_digits(text)
        self.hold_step(number)
        return text if as_text else json_number(number)

    def hold_digits(self, text: str) -> None:
        most = whole(self.field.raw.get("decimalDigits"))
        if most is not None and len(text.partition(".")[2]) > most:
            raise ValidationError("请填写整数" if most == 0 else f"最多 {most} 位小数")

    def hold_step(self, number: Decimal) -> None:
        step = decimal_of(self.field.raw.get("increment"))
        if not step or number % step == 0:
            return
        below = number - number % step
        raise ValidationError(f"请填写有效值，最接近的是 {plain(below)} 和 {plain(below + step)}")


class Moment(Answer):
    """datetime: ``YYYY-MM-DD``, ``HH:MM`` or both with a ``T``, kept as sent; no day that does not exist."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        kind = self.field.raw.get("subtype", "date")
        parse: Callable[[Any], date | time | datetime] = {"time": _time_of, "datetime": _datetime_of}.get(
            str(kind), _date_of
        )
        try:
            moment = parse(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValidationError(_MOMENTS.get(str(kind), _MOMENTS["date"])) from error
        if truth(self.field.raw.get("disallowPassedDates")) and _day(moment) < clock.today():
            raise ValidationError("不能早于今天，请重新选择日期")
        return str(value)


_MOMENTS = {"date": "请选择有效的日期", "time": "请选择有效的时间", "datetime": "请选择有效的日期和时间"}


def _date_of(value: Any) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("no date")
    return date.fromisoformat(value)


def _time_of(value: Any) -> time:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("no time")
    return time.fromisoformat(value)


def _datetime_of(value: Any) -> datetime:
    day, mark, clock_part = str(value).partition("T")
    if not mark:
        raise ValueError("no date and time")
    return datetime.combine(_date_of(day), _time_of(clock_part))


def _day(moment: date | time | datetime) -> date:
    """The calendar day in Shanghai; a time alone is never past."""
    if isinstance(moment, datetime):
        return moment.date() if moment.tzinfo is None else clock.local(moment).date()
    return moment if isinstance(moment, date) else date.max


class Tick(Answer):
    """checkbox: true or false."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("请勾选或取消勾选")
        return value


class Choice(Answer):
    """radio, select: one value; whether it is among the options is asked when those are known."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return value


class Choices(Answer):
    """checklist, taglist: a list of values, each once."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError("请重新选择")
        if len(value) > MAX_CHOICES:
            raise ValidationError(f"最多选择 {MAX_CHOICES} 项")
        once: list[Any] = []
        for one in value:
            if not any(same(one, other) for other in once):
                once.append(one)
        return once


def same(one: Any, other: Any) -> bool:
    """JSON equality: 1 is 1.0, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return bool(one == other)


MAKERS: dict[str, Callable[[Field], Answer]] = {
    "textfield": Text,
    "textarea": Text,
    "number": Number,
    "datetime": Moment,
    "checkbox": Tick,
    "radio": Choice,
    "select": Choice,
    "checklist": Choices,
    "taglist": Choices,
}
