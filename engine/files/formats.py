"""How amounts and dates are written in documents; the filters of document templates."""

from __future__ import annotations

import re
from datetime import date, datetime

from engine.core.clock import local

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_SECTIONS = ("", "万", "亿", "万")  # the fourth section counts ten thousands of 亿
_LARGEST_FEN = 10**18


def yuan(fen: int) -> str:
    """分 as 元 with separators: ``123400`` → ``1,234.00``. Raises ``TypeError`` for anything but an integer."""
    whole, cents = divmod(abs(_integer(fen)), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{cents:02d}"


def cn_amount(fen: int) -> str:
    """分 in capital characters, opened by 人民币.

    Source: 支付结算办法 (银发[1997]393号) 附一《正确填写票据和结算凭证的基本规定》. Where a 零
    may be written or left out, it is written after 元 (harder to add digits to) and left out after 万 and 亿.
    Raises ``TypeError`` for anything but an integer, ``ValueError`` from 一万万亿元 upwards.
    """
    amount = abs(_integer(fen))
    if amount >= _LARGEST_FEN:
        raise ValueError("金额过大，无法写成大写")
    whole, cents = divmod(amount, 100)
    text = _whole_yuan(whole) + "元" if whole or not cents else ""
    return "人民币" + ("负" if fen < 0 else "") + text + _after_yuan(whole, *divmod(cents, 10))


def _whole_yuan(whole: int) -> str:
    text, zero = "", False
    for index in range(len(_SECTIONS) - 1, -1, -1):
        section = whole // 10 ** (4 * index) % 10_000
        if section:
            zero = bool(text) and (zero or section < 1000)
            text += ("零" if zero else "") + _section(section)
            zero = False
        elif text:
            zero = True
        if section or (index == 2 and text):
            text += _SECTIONS[index]
    return text or "零"


def _section(section: int) -> str:
    """Four digits; zeros between count as one 零, zeros at either end as none."""
    text = "".join(
        _DIGITS[digit] + _PLACES[place] if digit else "零"
        for place in range(3, -1, -1)
        for digit in [section // 10**place % 10]
    )
    return re.sub("零+", "零", text).strip("零")


def _after_yuan(whole: int, tenths: int, hundredths: int) -> str:
    if not tenths and not hundredths:
        return "整"
    zero = "零" if whole and (not tenths or whole % 10 == 0) else ""
    jiao = _DIGITS[tenths] + "角" if tenths else ""
    return zero + jiao + (_DIGITS[hundredths] + "分" if hundredths else "")


def cn_date(value: date | str) -> str:
    """A date, moment or ISO text as ``2026年11月22日``; a moment with a zone counts by its day in Asia/Shanghai."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = local(value)
    return f"{value.year}年{value.month}月{value.day}日"


def _integer(fen: int) -> int:
    if isinstance(fen, bool) or not isinstance(fen, int):
        raise TypeError(f"金额应为整数（分），收到 {type(fen).__name__}")
    return fen
