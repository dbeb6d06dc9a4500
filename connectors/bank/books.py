"""How the simulated banks read and write: bytes by hand, from the descriptions in wire/README.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# number, account, amount in 分, fate ("" paid), the bank's serial
Outcome = tuple[int, str, int, str, str]
# serial, direction, amount in 分, holder, account, batch, number, reversal mark, note
Movement = tuple[str, str, int, str, str, str, int, str, str]


class Malformed(ValueError):
    """The bank cannot take the file as it is."""


@dataclass(frozen=True)
class Order:
    """An order as the bank reads it: lines are number, account, holder, amount in 分."""

    batch: str
    kind: str
    day: str
    lines: tuple[tuple[int, str, str, int], ...]


@dataclass(frozen=True)
class Bank:
    """What a bank can read and write. ``result`` takes by how much its total is to be wrong."""

    order: Callable[[bytes], Order]
    ack: Callable[[str, str, str], bytes]
    result: Callable[[Order, Sequence[Outcome], int], bytes]
    movements: Callable[[str, str, Sequence[Movement]], bytes]


def _sums(lines: Sequence[Outcome]) -> tuple[int, int, int, int]:
    paid = [fen for _, _, fen, fate, _ in lines if not fate]
    return len(lines), sum(fen for _, _, fen, _, _ in lines), len(paid), sum(paid)


def _checked(order: Order, count: int, amount: int) -> Order:
    if count != len(order.lines) or amount != sum(line[3] for line in order.lines):
        raise Malformed("合计不符")
    return order


# --- bank jia: fixed bytes, GB18030, 分 -------------------------------------------------------------------------

_JIA = dict(
    zip(
        ("", "insufficient_funds", "no_account", "name_mismatch", "account_closed", "no_mandate", "over_limit"),
        ("0000", "1001", "1002", "1003", "1004", "1005", "1006"),
        strict=True,
    )
)


def _left(text: str, width: int) -> bytes:
    content = text.encode("gb18030")
    return content + b" " * (width - len(content))


def _jia_order(content: bytes) -> Order:
    rows = content.split(b"\r\n")
    head = rows[0]
    if head[:1] != b"H" or len(head) != 54 or rows[-1] != b"":
        raise Malformed("文件头不正确")
    lines = []
    for row in rows[1:-1]:
        if row[:1] != b"D" or len(row) != 156:
            raise Malformed("明细行长度不正确")
        lines.append(
            (int(row[1:9]), row[9:41].decode().strip(), row[41:101].decode("gb18030").strip(), int(row[101:116]))
        )
    order = Order(head[1:21].decode().strip(), head[21:23].decode(), head[23:31].decode(), tuple(lines))
    return _checked(order, int(head[31:39]), int(head[39:54]))


def _jia_ack(batch: str, code: str, text: str) -> bytes:
    return _left(batch, 20) + code.encode() + _left(text, 60) + b"\r\n"


def _jia_result(order: Order, lines: Sequence[Outcome], wrong: int) -> bytes:
    count, amount, paid, paid_amount = _sums(lines)
    head = (
        b"H"
        + _left(order.batch, 20)
        + f"{order.day}{count:08d}{amount + wrong:015d}{paid:08d}{paid_amount:015d}".encode()
    )
    rows = [
        b"D" + f"{number:08d}".encode() + _left(account, 32) + f"{fen:015d}{_JIA[fate]}".encode() + _left(serial, 20)
        for number, account, fen, fate, serial in lines
    ]
    return b"".join(row + b"\r\n" for row in (head, *rows))


def _jia_movements(own: str, day: str, rows: Sequence[Movement]) -> bytes:
    head = b"H" + _left(own, 32) + f"{day}{len(rows):08d}".encode()
    body = [
        b"D" + _left(serial, 20) + way.encode() + f"{fen:015d}".encode() + _left(holder, 60) + _left(account, 32)
        + _left(batch, 20) + f"{number:8d}".encode() + _left(mark, 1) + _left(note, 40)
        for serial, way, fen, holder, account, batch, number, mark, note in rows
    ]  # fmt: skip
    return b"".join(row + b"\r\n" for row in (head, *body))


# --- banks yi and bing: separated text, 元 with two places -------------------------------------------------------


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _fen(yuan: str) -> int:
    whole, _, part = yuan.partition(".")
    if len(part) != 2:
        raise Malformed("金额应带两位小数")
    return int(whole) * 100 + int(part)


_YI = {"": "S", "insufficient_funds": "F01", "no_account": "F02", "name_mismatch": "F03", "account_closed": "F04"}
_YI |= {"no_mandate": "F05", "over_limit": "F06"}
_BING = {"": "00", "insufficient_funds": "51", "no_account": "14", "name_mismatch": "15", "account_closed": "45"}
_BING |= {"no_mandate": "57", "over_limit": "61"}


def _yi_order(content: bytes) -> Order:
    rows = content.decode("gb18030").split("\n")
    if not rows[0].startswith("#") or not rows[-2].startswith("%") or rows[-1]:
        raise Malformed("缺少首行或尾行")
    batch, kind, day = rows[0][1:].split("|")
    count, amount = rows[-2][1:].split("|")
    lines = tuple(_separated(row.split("|")) for row in rows[1:-2])
    return _checked(Order(batch, kind, day, lines), int(count), _fen(amount))


def _separated(parts: list[str]) -> tuple[int, str, str, int]:
    if len(parts) != 5:
        raise Malformed("明细行列数不正确")
    return int(parts[0]), parts[1], parts[2], _fen(parts[3])


def _yi_ack(batch: str, code: str, text: str) -> bytes:
    return f"{batch}|{code}|{text}\n".encode("gb18030")


def _yi_result(order: Order, lines: Sequence[Outcome], wrong: int) -> bytes:
    count, amount, paid, paid_amount = _sums(lines)
    rows = [f"#{order.batch}|{order.day}"]
    rows += [f"{number}|{account}|{_yuan(fen)}|{_YI[fate]}|{serial}" for number, account, fen, fate, serial in lines]
    rows.append(f"%{count}|{_yuan(amount + wrong)}|{paid}|{_yuan(paid_amount)}")
    return "".join(row + "\n" for row in rows).encode("gb18030")


def _yi_movements(own: str, day: str, rows: Sequence[Movement]) -> bytes:
    return "".join(row + "\n" for row in (f"#{own}|{day}|{len(rows)}", *_moved(rows, "|"))).encode("gb18030")


def _moved(rows: Sequence[Movement], between: str) -> list[str]:
    return [
        between.join((serial, way, _yuan(fen), holder, account, batch, str(number), mark, note))
        for serial, way, fen, holder, account, batch, number, mark, note in rows
    ]


def _bing_order(content: bytes) -> Order:
    rows = [row.split("@|$") for row in content.decode("utf-8").split("\n")]
    if len(rows[0]) != 5:
        raise Malformed("首行列数不正确")
    batch, kind, day, count, amount = rows[0]
    order = Order(batch, kind, day, tuple(_separated(row) for row in rows[1:]))
    return _checked(order, int(count), _fen(amount))


def _bing_ack(batch: str, code: str, text: str) -> bytes:
    return "@|$".join((batch, code, text)).encode()


def _bing_result(order: Order, lines: Sequence[Outcome], wrong: int) -> bytes:
    count, amount, paid, paid_amount = _sums(lines)
    rows = ["@|$".join((order.batch, order.day, str(count), _yuan(amount + wrong), str(paid), _yuan(paid_amount)))]
    rows += [
        "@|$".join((str(number), account, _yuan(fen), _BING[fate], serial))
        for number, account, fen, fate, serial in lines
    ]
    return "\n".join(rows).encode()


def _bing_movements(own: str, day: str, rows: Sequence[Movement]) -> bytes:
    return "\n".join(["@|$".join((own, day, str(len(rows)))), *_moved(rows, "@|$")]).encode()


BANKS = {
    "jia": Bank(_jia_order, _jia_ack, _jia_result, _jia_movements),
    "yi": Bank(_yi_order, _yi_ack, _yi_result, _yi_movements),
    "bing": Bank(_bing_order, _bing_ack, _bing_result, _bing_movements),
}
