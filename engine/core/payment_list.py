"""A list of payments as an office keeps it: one CSV file, a line for each payer or payee.

Columns (in the first line, in any order): 业务编号, 户名, 账号, 金额 (元), 摘要 (may be missing). UTF-8 or GB18030.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from engine.core.errors import Refused

COLUMNS = {"业务编号": "subject", "户名": "holder", "账号": "account", "金额": "amount", "摘要": "note"}
MOST_LINES = 200_000
MOST_FEN = 10**12
_SHOWN = 10


@dataclass(frozen=True)
class Payment:
    """One line. ``number`` counts from 1; ``subject`` is what is paid for (a bill); money in 分."""

    number: int
    subject: str
    holder: str
    account: str
    amount_fen: int
    note: str = ""


def read(content: bytes) -> list[Payment]:
    """Every line. Raises ``Refused`` (``bad_list``) that names the first faulty lines; nothing is taken in part."""
    rows = csv.DictReader(io.StringIO(_text(content), newline=""))
    missing = [title for title in COLUMNS if title != "摘要" and title not in (rows.fieldnames or [])]
    if missing:
        raise Refused(f"名单首行缺少列：{'、'.join(missing)}", code="bad_list")
    found: list[Payment] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        if number > MOST_LINES:
            raise Refused(f"一份名单最多 {MOST_LINES} 行，请分开办理", code="bad_list")
        payment, wrong = _payment(number, {COLUMNS[key]: (row.get(key) or "").strip() for key in COLUMNS})
        if payment is not None and payment.subject in seen:
            wrong = f"业务编号与第 {seen[payment.subject]} 行相同"
        if wrong:
            faults.append(f"第 {number} 行：{wrong}")
        elif payment is not None:
            seen[payment.subject] = number
            found.append(payment)
    if faults:
        more = f"等 {len(faults)} 处" if len(faults) > _SHOWN else ""
        raise Refused(f"名单有误，请改正后重新上传。{'；'.join(faults[:_SHOWN])}{more}", code="bad_list")
    if not found:
        raise Refused("名单里没有明细行", code="bad_list")
    return found


def write(payments: Iterator[Payment] | list[Payment]) -> bytes:
    """The list as a file of this kind."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for one in payments:
        yuan = f"{one.amount_fen // 100}.{one.amount_fen % 100:02d}"
        table.writerow((one.subject, one.holder, one.account, yuan, one.note))
    return out.getvalue().encode("utf-8-sig")


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Refused("名单不是文本文件，请另存为 CSV 后上传", code="bad_list")


def _payment(number: int, row: dict[str, str]) -> tuple[Payment | None, str]:
    if not re.fullmatch(r"[\w./-]{1,60}", row["subject"]):
        return None, "业务编号应为 1 至 60 位字母、数字或汉字"
    if not row["holder"] or len(row["holder"]) > 60:
        return None, "户名应为 1 至 60 个字"
    if not re.fullmatch(r"[0-9]{6,32}", row["account"].replace(" ", "")):
        return None, "账号应为 6 至 32 位数字"
    try:
        yuan = Decimal(row["amount"].replace(",", ""))
    except InvalidOperation:
        return None, "金额不是数字"
    fen = yuan * 100
    if not yuan.is_finite() or fen != fen.to_integral_value() or not 0 < fen <= MOST_FEN:
        return None, "金额应大于零，最多两位小数"
    account = row["account"].replace(" ", "")
    return Payment(number, row["subject"], row["holder"], account, int(fen), row["note"][:80]), ""
