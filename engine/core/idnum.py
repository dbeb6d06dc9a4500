"""Identity numbers: GB 11643-1999 resident IDs and the other kinds an application may carry.

python-stdnum refuses genuine numbers of renamed divisions, so checksum and date are checked here and an unknown
division is nobody's fault.
"""

from __future__ import annotations

import re
from datetime import date

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARS = "10X98765432"

# GB/T 31000 and the practice of housing registers: code → Chinese name.
KINDS = {
    "resident_id": "居民身份证",
    "hkmt_permit": "港澳台居民居住证",
    "foreign_permit": "外国人永久居留身份证",
    "passport": "护照",
    "officer": "军官证",
}


def check_char(first17: str) -> str:
    """The eighteenth character for seventeen digits (ISO 7064 MOD 11-2)."""
    return CHECK_CHARS[sum(int(digit) * weight for digit, weight in zip(first17, WEIGHTS, strict=True)) % 11]


def birth_of(number: str) -> date | None:
    """The birth date inside an 18-character number, or None where it names no real day."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def check_resident_id(number: str) -> str | None:
    """None where the number holds, else a Chinese sentence that says what is wrong."""
    number = normal(number)
    if not re.fullmatch(r"\d{17}[\dX]", number):
        return "身份证号应为 18 位：17 位数字加 1 位数字或 X"
    birth = birth_of(number)
    if birth is None or birth.year < 1900:
        return "身份证号中的出生日期不存在，请核对第 7 至 14 位"
    if check_char(number[:17]) != number[17]:
        return "身份证号校验位不正确，请核对是否输错"
    return None


def check(kind: str, number: str) -> str | None:
    """None where ``number`` can be an identity number of ``kind``, else what is wrong."""
    if kind not in KINDS:
        return "请选择证件类型"
    if kind in ("resident_id", "hkmt_permit"):
        wrong = check_resident_id(number)
        if wrong is None and kind == "hkmt_permit" and normal(number)[:2] not in ("81", "82", "83"):
            return "港澳台居民居住证号应以 81、82 或 83 开头"
        return wrong
    if not re.fullmatch(r"[A-Z0-9]{5,20}", normal(number)):
        return f"{KINDS[kind]}号应为 5 至 20 位字母或数字"
    return None


def normal(number: str) -> str:
    """The stored form: no blanks, upper case."""
    return re.sub(r"\s", "", number).upper()
