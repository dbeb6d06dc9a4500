"""Batches that a bank collects or pays: what was sent, what became of every line, and what does not agree.

A line moves one way: waiting → paid | failed, and paid → reversed when the bank takes it back. The database itself
keeps a bill from standing in two batches at once (``ux_bank_line_subject``), and a file from being booked twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Date, Index, String, Text, UniqueConstraint, bindparam, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import ids
from engine.core.db import Base, WithId, for_update, insert_rows, where
from engine.core.payment_list import Payment
from engine.core.types import Sealed

KINDS = {"deduction": "批量代扣", "payment": "批量代付"}
STATES = {
    "draft": "待复核",
    "approved": "待送出",
    "sent": "已送出",
    "accepted": "银行已受理",
    "refused": "银行整批退回",
    "answered": "已有结果，待核对",
    "closed": "已办结",
    "dropped": "已作废",
}
WAITING, PAID, FAILED, REVERSED = "waiting", "paid", "failed", "reversed"
LINE_STATES = {WAITING: "等待结果", PAID: "成功", FAILED: "失败", REVERSED: "已冲正"}
DIFFERENCES = {
    "missing": "送出的一笔没有结果",
    "duplicate": "同一笔的结果再次出现",
    "contradiction": "同一笔先后有不同的结果",
    "unknown": "结果中有一笔不是我方送出的",
    "amount": "结果的金额与送出的不同",
    "account": "结果的账号与送出的不同",
    "total": "文件申报的合计与明细不符",
    "unmapped": "银行的结果码没有约定含义",
    "unreadable": "文件读不懂",
    "no_batch": "文件所说的批次不存在",
    "reversal": "银行冲正了一笔",
}


class BankBatch(WithId, Base):
    """One batch. ``number`` is the bank's key of it, ours too; ``list_file`` the stored list. Money in 分."""

    __tablename__ = "bank_batch"
    __table_args__ = (UniqueConstraint("number"), Index("ix_bank_batch_office", "office_id", "state"))

    office_id: Mapped[int]
    bank: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(12))
    number: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(12), index=True)
    day: Mapped[date] = mapped_column(Date)
    list_file: Mapped[str] = mapped_column(String(80))
    lines: Mapped[int]
    amount: Mapped[int]
    note: Mapped[str] = mapped_column(String(300), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(40))
    made_by_name: Mapped[str] = mapped_column(String(60))
    approved_by_name: Mapped[str] = mapped_column(String(60), default="")
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]


class BankLine(WithId, Base):
    """One payer or payee. ``subject`` is the bill it is for; ``code``, ``text`` and ``serial`` are the bank's."""

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint("batch_id", "number"),
        # One bill is collected once: it may stand in another batch only after it failed or was taken back.
        Index("ux_bank_line_subject", "subject", unique=True, **where("state IN ('waiting', 'paid')")),
    )

    batch_id: Mapped[int]
    number: Mapped[int]
    subject: Mapped[str] = mapped_column(String(60))
    holder: Mapped[str] = mapped_column(Sealed)
    account: Mapped[str] = mapped_column(Sealed)
    amount: Mapped[int]
    note: Mapped[str] = mapped_column(String(80), default="")
    state: Mapped[str] = mapped_column(String(12))
    code: Mapped[str] = mapped_column(String(40), default="")
    text: Mapped[str] = mapped_column(String(120), default="")
    serial: Mapped[str] = mapped_column(String(40), default="")
    changed_at: Mapped[datetime | None]


class BankFile(WithId, Base):
    """A file of a bank, booked once by its content. ``state``: booked, repeated, refused."""

    __tablename__ = "bank_file"
    __table_args__ = (UniqueConstraint("bank", "sha"),)

    bank: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    sha: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(20))
    batch_id: Mapped[int] = mapped_column(default=0, index=True)
    state: Mapped[str] = mapped_column(String(12))
    lines: Mapped[int] = mapped_column(default=0)
    came_at: Mapped[datetime]


class BankDifference(WithId, Base):
    """Something that does not agree; ``state``: open, settled. ``expected`` and ``found``: 分, or lines of a total."""

    __tablename__ = "bank_difference"
    __table_args__ = (Index("ix_bank_difference_batch", "batch_id", "state"), Index("ix_bank_difference_bank", "state"))

    bank: Mapped[str] = mapped_column(String(20))
    batch_id: Mapped[int] = mapped_column(default=0)
    file_name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[int] = mapped_column(default=0)
    field: Mapped[str] = mapped_column(String(40), default="")
    expected: Mapped[int | None]
    found: Mapped[int | None]
    text: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(12), default="open")
    note: Mapped[str] = mapped_column(String(300), default="")
    settled_by: Mapped[str] = mapped_column(String(60), default="")
    came_at: Mapped[datetime]


@dataclass(frozen=True)
class Sent:
    """A line as it stands with us when a result comes."""

    id: int
    number: int
    account: str
    amount: int
    state: str
    code: str


@dataclass(frozen=True)
class Result:
    """A line as a bank's file gives it. ``outcome``: ok, failed, or anything that is not mapped."""

    number: int
    account: str
    amount: int
    outcome: str
    code: str
    text: str
    serial: str


@dataclass(frozen=True)
class Finding:
    """A difference before it is kept."""

    kind: str
    number: int = 0
    field: str = ""
    expected: int | None = None
    found: int | None = None
    text: str = ""


@dataclass(frozen=True)
class Matched:
    """``booked``: line id → its result. Whatever leaves room for doubt is in ``findings`` and not booked."""

    booked: Mapping[int, Result]
    findings: Sequence[Finding]


def match(sent: Iterable[Sent], results: Iterable[Result], totals: Iterable[Sequence[Any]]) -> Matched:
    """Hold a bank's results against what was sent. ``totals``: (field, declared, counted).

    A wrong total alone books nothing: nobody knows which line is wrong. A line that was booked before is left alone.
    """
    findings = [
        Finding("total", field=str(field), expected=counted, found=declared)
        for field, declared, counted in totals
        if declared != counted
    ]
    trusted = not findings
    waiting = {one.number: one for one in sent}
    seen: dict[int, Result] = {}
    doubtful: set[int] = set()
    for result in results:
        ours = waiting.get(result.number)
        if ours is None:
            findings.append(Finding("unknown", result.number, found=result.amount))
        elif result.number in seen:
            same = seen[result.number] == result
            findings.append(Finding("duplicate" if same else "contradiction", result.number))
            if not same:
                doubtful.add(result.number)
        else:
            seen[result.number] = result
            wrong = _differing(ours, result)
            if wrong is not None:
                findings.append(wrong)
                doubtful.add(result.number)
    findings += [
        Finding("missing", number, expected=one.amount) for number, one in waiting.items() if number not in seen
    ]
    booked = {
        waiting[number].id: result
        for number, result in seen.items()
        if trusted and number not in doubtful and waiting[number].state == WAITING
    }
    return Matched(booked, findings)


def _differing(ours: Sent, result: Result) -> Finding | None:
    """What speaks against booking this line, if anything."""
    if result.amount != ours.amount:
        return Finding("amount", result.number, "amount", ours.amount, result.amount)
    if result.account != ours.account:
        return Finding("account", result.number, "account")
    if result.outcome not in ("ok", "failed"):
        return Finding("unmapped", result.number, "code", text=result.code)
    if ours.state != WAITING and (ours.state == FAILED) != (result.outcome == "failed"):
        return Finding("contradiction", result.number, text=result.text)
    return None


# --- rows -------------------------------------------------------------------------------------------------------


def add_lines(session: Session, batch_id: int, payments: Sequence[Payment]) -> None:
    """All lines of a new batch in one statement."""
    rows = [
        {
            "id": ids.new(),
            "batch_id": batch_id,
            "number": one.number,
            "subject": one.subject,
            "holder": one.holder,
            "account": one.account,
            "amount": one.amount_fen,
            "note": one.note,
            "state": WAITING,
            "code": "",
            "text": "",
            "serial": "",
        }
        for one in payments
    ]
    insert_rows(session, BankLine, rows)


def lines_of(session: Session, batch_id: int) -> list[Sent]:
    """Every line of a batch as it stands."""
    of = BankLine
    query = select(of.id, of.number, of.account, of.amount, of.state, of.code).where(of.batch_id == batch_id)
    return [Sent(*row) for row in session.execute(query.order_by(of.number))]


_TOLD = ("state", "code", "text", "serial")
_ROW = (
    update(BankLine)
    .where(BankLine.id == bindparam("line"))
    .values({name: bindparam(f"new_{name}") for name in _TOLD} | {"changed_at": bindparam("at")})
)
_COLUMNS = (
    func.unnest(
        bindparam("lines", type_=ARRAY(BigInteger)), *(bindparam(f"new_{name}", type_=ARRAY(String)) for name in _TOLD)
    )
    .table_valued("line", *_TOLD, name="told")
    .render_derived()
)
# PostgreSQL takes a column of values at a time: thousands of lines are one statement.
_ROWS = (
    update(BankLine)
    .where(BankLine.id == _COLUMNS.c.line)
    .values({name: _COLUMNS.c[name] for name in _TOLD} | {"changed_at": bindparam("at")})
    .execution_options(synchronize_session=False)
)


def book(session: Session, booked: Mapping[int, Result], at: datetime) -> None:
    """Write the results of lines."""
    if not booked:
        return
    told = [
        (PAID if one.outcome == "ok" else FAILED, one.code[:40], one.text[:120], one.serial[:40])
        for one in booked.values()
    ]
    names = [f"new_{name}" for name in _TOLD]
    if for_update(session):
        columns = dict(zip(names, map(list, zip(*told, strict=True)), strict=True))
        session.connection().execute(_ROWS, {"lines": list(booked), "at": at, **columns})
    else:
        rows = [
            {"line": line, "at": at, **dict(zip(names, one, strict=True))}
            for line, one in zip(booked, told, strict=True)
        ]
        session.connection().execute(_ROW, rows)


def keep(
    session: Session, batch: BankBatch | None, bank: str, file: str, findings: Iterable[Finding], at: datetime
) -> int:
    """Keep differences for a person to settle; gives how many."""
    rows = [
        {
            "id": ids.new(),
            "bank": bank,
            "batch_id": batch.id if batch else 0,
            "file_name": file,
            "kind": one.kind,
            "number": one.number,
            "field": one.field,
            "expected": one.expected,
            "found": one.found,
            "text": one.text[:2000],
            "state": "open",
            "note": "",
            "settled_by": "",
            "came_at": at,
        }
        for one in findings
    ]
    insert_rows(session, BankDifference, rows)
    return len(rows)


def tally(session: Session, batch_id: int) -> dict[str, tuple[int, int]]:
    """Lines and 分 of a batch by the state of the line."""
    query = select(BankLine.state, func.count(), func.sum(BankLine.amount)).where(BankLine.batch_id == batch_id)
    found = {state: (count, int(amount)) for state, count, amount in session.execute(query.group_by(BankLine.state))}
    return {state: found.get(state, (0, 0)) for state in LINE_STATES}
