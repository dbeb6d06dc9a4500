"""Our own field types: identity number, phone, amount, region, uploaded files; a place stands in ``form_point``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError

from engine.catalog.form_point import MapPoint
from engine.catalog.form_tree import Field, count_of, truth
from engine.catalog.form_values import Answer, decimal_of, storable_text
from engine.core import idnum

MAX_FEN = 99_999_999_999_999  # as in the browser; far inside BIGINT and inside what JSON numbers carry exactly
MAX_FILES = 50
_PHONE = re.compile(r"1[3-9]\d{9}", re.ASCII)
_CODE = re.compile(r"[1-9]\d{5}(?:\d{3}){0,2}", re.ASCII)
_FILE_ID = re.compile(r"[1-9]\d{0,18}", re.ASCII)
_YUAN = re.compile(r"[+-]?\d{1,12}(?:\.\d{0,2})?", re.ASCII)


def is_masked(value: Any) -> bool:
    """A number the browser shows hidden (``1101**********3417``) or still sealed, sent back as it was."""
    return isinstance(value, str) and ("*" in value or value.startswith("enc:"))


def fits_mask(masked: str, whole_value: Any) -> bool:
    """Whether ``whole_value`` may lie behind ``masked``: the same where no star stands."""
    if not isinstance(whole_value, str):
        return False
    if masked == whole_value:
        return True
    return len(masked) == len(whole_value) and all(a in ("*", b) for a, b in zip(masked, whole_value, strict=True))


def _tidy(value: Any) -> str:
    """Full-width characters and blanks as typed or pasted, made plain."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", storable_text(value)))


class IdNumber(Answer):
    """aj-id: upper case, no blanks; the kind beside it decides the rest (``id_fault``)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        number = idnum.normal(_tidy(value))
        if len(number) > 30:
            raise ValidationError("证件号码过长，请核对")
        self.hold_pattern(number)
        return number


def id_fault(kind: Any, number: str) -> str | None:
    """What is wrong with an identity number of ``kind`` (None or empty: not chosen yet)."""
    if kind in (None, ""):
        return "请先选择证件类型"
    return idnum.check(str(kind), number)


class Phone(Answer):
    """aj-phone: a mainland mobile number, 11 digits; +86, blanks and hyphens are dropped."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        number = re.sub(r"^(?:\+|00)86(?=1)", "", _tidy(value).replace("-", ""))
        if not _PHONE.fullmatch(number):
            raise ValidationError("请填写 11 位手机号码，以 1 开头")
        self.hold_pattern(number)
        return number


class Amount(Answer):
    """aj-amount: integer 分. A JSON number is 分 (what the component holds), text is 元 as a person types it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        fen = fen_of(value)
        if fen is None:
            raise ValidationError("请填写金额，最多两位小数")
        if abs(fen) > MAX_FEN:
            raise ValidationError("金额过大，请核对是否多输了数字")
        if fen < 0 and not truth(self.field.properties.get("signed")):
            raise ValidationError("金额不能为负数")
        return fen


def fen_of(value: Any) -> int | None:
    """分 of an amount: a whole number is 分 already, text like 「1,234.50」 is 元; None where it is no amount."""
    if isinstance(value, str):
        text = re.sub(r"[,\s¥元]", "", unicodedata.normalize("NFKC", value[:40]))
        return int(Decimal(text) * 100) if _YUAN.fullmatch(text) else None
    number = decimal_of(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def yuan(fen: int | Decimal) -> str:
    """「1,234.50 元」 for people."""
    return f"{Decimal(fen) / 100:,.2f} 元"


class Region(Answer):
    """aj-region: a GB/T 2260 code (6 digits; 9 or 12 below the county) or names joined by ``/``.

    ``properties.valueType`` (``code`` or ``path``) narrows it to one of the two.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        kind = self.field.properties.get("valueType")
        text = storable_text(value)
        names = text.split("/")
        is_code = bool(_CODE.fullmatch(text))
        is_path = not is_code and 1 <= len(names) <= 5 and all(0 < len(name.strip()) <= 40 for name in names)
        if (is_code and kind != "path") or (is_path and kind != "code"):
            return text
        raise ValidationError(self.field.ask)


class Files(Answer):
    """aj-file: ``[{id, name, size}]``. Shape and count are held here; whether the ids exist the caller checks."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list):
            raise ValidationError("请重新上传文件")
        least, most = self.bounds()
        if len(value) > most:
            raise ValidationError(f"最多上传 {most} 个文件，请移除多余的")
        if len(value) < least:
            raise ValidationError(f"至少上传 {least} 个文件")
        files = [_file(one) for one in value]
        if len({one["id"] for one in files}) < len(files):
            raise ValidationError("同一个文件上传了两次，请移除一个")
        return files

    def bounds(self) -> tuple[int, int]:
        """Fewest and most files: ``properties.min``, ``max`` (or ``minItems``, ``maxItems``) and ``single``."""
        properties = self.field.properties
        most = 1 if truth(properties.get("single")) else count_of(properties, "max")
        return count_of(properties, "min") or 0, MAX_FILES if most is None else most


def _file(one: Any) -> dict[str, Any]:
    identity = one.get("id") if isinstance(one, dict) else None
    if isinstance(identity, int) and not isinstance(identity, bool) and abs(identity) < 2**63:
        identity = str(identity)
    if not isinstance(identity, str) or not _FILE_ID.fullmatch(identity):
        raise ValidationError("有文件没有传完，请移除后重新上传")
    name, size = one.get("name"), one.get("size")
    kept = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53
    return {"id": identity, "name": storable_text(name)[:255] if name else "", "size": size if kept else 0}


OWN_MAKERS: dict[str, Callable[[Field], Answer]] = {
    "aj-id": IdNumber,
    "aj-phone": Phone,
    "aj-amount": Amount,
    "aj-region": Region,
    "aj-file": Files,
    "aj-point": MapPoint,
}
