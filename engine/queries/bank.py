"""Bank batches as the money desk sees them: a line each, one batch whole, and what does not agree."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.core import masks, parties
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import day, stamp
from engine.registers import bank_batches
from engine.registers.bank_batches import (
    DIFFERENCES,
    KINDS,
    LINE_STATES,
    STATES,
    BankBatch,
    BankDifference,
    BankFile,
    BankLine,
)

TITLES = {"jia": "甲银行", "yi": "乙银行", "bing": "丙银行"}
MOST_LINES = 200
MOST_BATCHES = 100
TONES = {"closed": "ok", "refused": "bad", "answered": "warn", "dropped": "", "draft": "warn"}


@dataclass(frozen=True)
class BatchRow:
    """One batch of the list. ``amount`` in 元."""

    id: int
    number: str
    title: str
    bank: str
    kind: str
    state: str
    tone: str
    lines: int
    amount: Decimal
    made: str
    open_differences: int


@dataclass(frozen=True)
class LineRow:
    """One payer or payee, masked."""

    number: int
    subject: str
    holder: str
    account: str
    amount: Decimal
    state: str
    tone: str
    text: str


@dataclass(frozen=True)
class DifferenceRow:
    """Something that does not agree."""

    id: int
    what: str
    number: int
    file: str
    expected: str
    found: str
    text: str
    state: str
    note: str
    settled_by: str
    at: str


@dataclass(frozen=True)
class BatchPage:
    """One batch whole. ``tally``: (title, tone, lines, 元) by the state of a line; ``may``: what can be done now."""

    row: BatchRow
    note: str
    day: str
    steps: list[tuple[str, str]]
    tally: list[tuple[str, str, int, Decimal]]
    lines: list[LineRow]
    shown: str
    differences: list[DifferenceRow]
    files: list[tuple[str, str, str]]
    may: frozenset[str]


def batches(session: Session, actor: Actor) -> list[BatchRow]:
    """The newest batches of the actor's offices."""
    query = select(BankBatch).where(BankBatch.office_id.in_(actor.offices)).order_by(BankBatch.id.desc())
    found = list(session.scalars(query.limit(MOST_BATCHES)))
    counts = _open_counts(session, [one.id for one in found])
    return [_row(one, counts.get(one.id, 0)) for one in found]


def stray(session: Session) -> list[DifferenceRow]:
    """Open differences that belong to no batch: files nobody can read, batches nobody knows."""
    query = select(BankDifference).where(BankDifference.batch_id == 0, BankDifference.state == "open")
    return [_difference(one) for one in session.scalars(query.order_by(BankDifference.id.desc()).limit(MOST_BATCHES))]


def batch(session: Session, actor: Actor, batch_id: int, state: str = "") -> BatchPage:
    """One batch; ``state`` shows only lines in that state. Raises ``NotFound``."""
    found = session.get(BankBatch, batch_id)
    if found is None or found.office_id not in actor.offices:
        raise NotFound("没有这个批次，或不在您的查看范围内")
    tallied = bank_batches.tally(session, batch_id)
    tones = {"paid": "ok", "failed": "bad", "reversed": "warn"}
    differences = list(
        session.scalars(
            select(BankDifference)
            .where(BankDifference.batch_id == batch_id)
            .order_by(BankDifference.state, BankDifference.number, BankDifference.id)
            .limit(MOST_LINES)
        )
    )
    row = _row(found, _open_counts(session, [found.id]).get(found.id, 0))
    steps = [
        (title, who)
        for title, who in (
            ("制作", f"{found.made_by_name} {stamp(found.made_at)}"),
            ("复核", found.approved_by_name),
            ("送出", stamp(found.sent_at)),
            ("结果", stamp(found.answered_at)),
        )
        if who
    ]
    return BatchPage(
        row=row,
        note=found.note,
        day=day(found.day),
        steps=steps,
        tally=[
            (title, tones.get(key, ""), tallied[key][0], Decimal(tallied[key][1]) / 100)
            for key, title in LINE_STATES.items()
        ],
        lines=_lines(session, batch_id, state, tones),
        shown=state if state in LINE_STATES else "",
        differences=[_difference(one) for one in differences],
        files=[
            (one.name, one.kind, stamp(one.came_at))
            for one in session.scalars(select(BankFile).where(BankFile.batch_id == batch_id).order_by(BankFile.id))
        ],
        may=_may(actor, found, row.open_differences, tallied["waiting"][0]),
    )


def banks() -> dict[str, str]:
    """The banks one may choose: key → name; none where no bank is connected."""
    return TITLES if any(one.key == "bank" for one in parties.all_parties()) else {}


def _may(actor: Actor, one: BankBatch, open_differences: int, waiting: int) -> frozenset[str]:
    desk = actor.has("finance") or actor.has("finance_review")
    rules = {
        "approve": actor.has("finance_review") and one.state == "draft" and one.made_by != actor.key,
        "drop": (desk and one.state in ("draft", "refused")) or (desk and one.state == "approved" and not one.attempts),
        "close": desk and one.state == "answered" and not open_differences and not waiting,
        "settle": desk,
    }
    return frozenset(name for name, allowed in rules.items() if allowed)


def _lines(session: Session, batch_id: int, state: str, tones: dict[str, str]) -> list[LineRow]:
    query = select(BankLine).where(BankLine.batch_id == batch_id)
    if state in LINE_STATES:
        query = query.where(BankLine.state == state)
    return [
        LineRow(
            one.number,
            one.subject,
            masks.mask_name(one.holder),
            f"尾号 {one.account[-4:]}",
            Decimal(one.amount) / 100,
            LINE_STATES[one.state],
            tones.get(one.state, ""),
            one.text,
        )
        for one in session.scalars(query.order_by(BankLine.number).limit(MOST_LINES))
    ]


def _open_counts(session: Session, batch_ids: list[int]) -> dict[int, int]:
    query = (
        select(BankDifference.batch_id, func.count())
        .where(BankDifference.batch_id.in_(batch_ids), BankDifference.state == "open")
        .group_by(BankDifference.batch_id)
    )
    return dict(session.execute(query).all())


def _row(one: BankBatch, open_differences: int) -> BatchRow:
    return BatchRow(
        one.id,
        one.number,
        one.title,
        TITLES.get(one.bank, one.bank),
        KINDS[one.kind],
        STATES[one.state],
        TONES.get(one.state, "info"),
        one.lines,
        Decimal(one.amount) / 100,
        f"{one.made_by_name} {stamp(one.made_at)}",
        open_differences,
    )


def _difference(one: BankDifference) -> DifferenceRow:
    counts = one.kind == "total" and "count" in one.field

    def told(value: int | None) -> str:
        if value is None:
            return ""
        return f"{value} 笔" if counts else f"{value // 100}.{value % 100:02d} 元"

    return DifferenceRow(
        one.id,
        DIFFERENCES[one.kind],
        one.number,
        one.file_name,
        told(one.expected),
        told(one.found),
        one.text,
        one.state,
        one.note,
        one.settled_by,
        stamp(one.came_at),
    )
