"""Batch files: reading and matching beside a bare loop over the same lines, storing beside one bare update of them."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from sqlalchemy import func, select, text

from engine.commands import dispatch
from engine.commands.bank import CHECKER, MAKER, ApproveBatch, BuildBatch
from engine.commands.inbound import ReceiveEvent
from engine.core import db, payment_list
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading
from engine.core.inbound import NoticeCame
from engine.core.payment_list import Payment
from engine.registers.bank_batches import PAID, BankBatch, BankLine
from web import bench_site

ROUNDS = 3
LINES = 18_000
RENT = 52_500


def yardstick(lines: int) -> float:
    """Lines a second of Python itself: decode and split ``lines`` lines of the usual length, best of three."""
    content = b"|".join(b"%019d" % number for number in range(8)) + b"\n"
    whole = content * lines
    best = 0.0
    for _ in range(ROUNDS):
        begun = perf_counter()
        found = sum(len(line.decode("gb18030").split("|")) for line in whole.split(b"\n")[:-1])
        best = max(best, found / 8 / (perf_counter() - begun))
    return best


def measure(speeds: Callable[[int], dict[str, float]], lines: int = LINES) -> dict[str, tuple[float, str, float]]:
    """``{"files.fixed.match": (lines a second, "lines/s", yardstick), …}``.

    ``speeds`` is ``connectors._kit.files.bench.measure``, handed in: only ``web.app`` may import connectors.
    """
    bare = yardstick(lines)
    return {f"files.{name}": (value, "lines/s", bare) for name, value in speeds(lines).items()}


def stored(server: str, lines: int = LINES) -> tuple[float, float]:
    """Results of a bank a second, from the read file to the commit, and bare updates of rows; best of three each.

    Every line is matched, written and counted; the books are looked at afterwards.
    """
    best = bare = 0.0
    with bench_site.fresh(server):
        for number in range(ROUNDS):
            batch = _batch(lines, number)
            told = _result(batch, lines)
            begun = perf_counter()
            taken = dispatch(ReceiveEvent(NoticeCame("bank", f"jia/{number}", "bank_result", told)), SYSTEM)
            best = max(best, lines / (perf_counter() - begun))
            if taken.result["booked"] != lines or _paid(batch.id) != lines:
                raise RuntimeError("not every line was booked")
            bare = max(bare, _bare(batch.id, lines))
    return best, bare


def _batch(lines: int, number: int) -> BankBatch:
    """An approved batch."""
    payments = [
        Payment(line, f"ZD-{number}-{line}", "林秋实", f"62220210{line:011d}", RENT, "租金")
        for line in range(1, lines + 1)
    ]
    maker, checker = (
        Actor("staff", place, role, office_id=1, roles=frozenset({role}), offices=(1,))
        for place, role in ((1, MAKER), (2, CHECKER))
    )
    batch_id = dispatch(BuildBatch("jia", "deduction", "", payment_list.write(payments), "list"), maker)
    dispatch(ApproveBatch(batch_id), checker)
    with reading() as session:
        return session.get_one(BankBatch, batch_id)


def _result(batch: BankBatch, lines: int) -> dict[str, Any]:
    """What the connector makes of the bank's file."""
    told = [[one, f"62220210{one:011d}", RENT, "ok", "paid", "扣款成功", f"{one:016d}"] for one in range(1, lines + 1)]
    totals = [["count", lines, lines], ["amount", lines * RENT, lines * RENT]]
    day = batch.day.isoformat()
    name = f"JG{batch.number}.txt"
    return {
        "bank": "jia",
        "name": name,
        "sha": name,
        "batch": batch.number,
        "day": day,
        "lines": told,
        "totals": totals,
    }


def _paid(batch_id: int) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).where(BankLine.batch_id == batch_id, BankLine.state == PAID)) or 0


def _bare(batch_id: int, lines: int) -> float:
    """Rows a second of one statement that touches all of them."""
    begun = perf_counter()
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE bank_line SET note = note || '.' WHERE batch_id = :batch"), {"batch": batch_id})
    return lines / (perf_counter() - begun)
