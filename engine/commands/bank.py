"""Batches of a bank: made from a list, approved by somebody else, sent, and matched with what the bank brings back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.cases.case import next_number
from engine.commands import Unit, handles
from engine.commands.inbound import takes
from engine.core import clock, ids, payment_list
from engine.core.db import for_update, insert_with_conflict
from engine.core.errors import Duplicate, Forbidden, NotFound, Refused
from engine.core.inbound import NoticeCame
from engine.registers import bank_batches
from engine.registers.bank_batches import (
    KINDS,
    PAID,
    REVERSED,
    BankBatch,
    BankDifference,
    BankFile,
    BankLine,
    Finding,
    Result,
)

MAKER, CHECKER = "finance", "finance_review"
NUMBERS = {"deduction": "KK", "payment": "DF"}


@dataclass(frozen=True)
class BuildBatch:
    """Make a batch of a list (``core.payment_list``); ``list_file`` is the stored file with the same bytes."""

    bank: str
    kind: str
    title: str
    content: bytes
    list_file: str


@dataclass(frozen=True)
class ApproveBatch:
    """Let it go out; whoever made it may not."""

    batch_id: int


@dataclass(frozen=True)
class DropBatch:
    """Take back what was not sent yet; its bills are free again."""

    batch_id: int
    reason: str


@dataclass(frozen=True)
class BatchSent:
    """The file lies at the bank. ``error``: it does not yet, and why."""

    batch_id: int
    error: str = ""


@dataclass(frozen=True)
class SettleBankDifference:
    """A person has dealt with a difference."""

    difference_id: int
    note: str


@dataclass(frozen=True)
class CloseBatch:
    """Every line has its result and nothing is left to settle."""

    batch_id: int


@handles(BuildBatch)
def build_batch(command: BuildBatch, unit: Unit) -> int:
    """The new batch's id. Raises ``Refused`` for a faulty list, ``Duplicate`` for bills already on their way."""
    unit.require(MAKER)
    if command.kind not in KINDS or not command.bank.isalnum():
        raise Refused("请选择银行和业务种类", code="bad_batch")
    payments = payment_list.read(command.content)
    today = clock.today()
    series = f"bank:{command.kind}:{today:%Y%m%d}"
    batch = BankBatch(
        id=ids.new(),
        office_id=unit.actor.office_id,
        bank=command.bank,
        kind=command.kind,
        number=f"{NUMBERS[command.kind]}-{today:%Y%m%d}-{next_number(unit.session, series):03d}",
        title=command.title.strip()[:120] or f"{today:%Y年%m月}{KINDS[command.kind]}",
        state="draft",
        day=today,
        list_file=command.list_file,
        lines=len(payments),
        amount=sum(one.amount_fen for one in payments),
        made_at=unit.now,
        made_by=unit.actor.key,
        made_by_name=unit.actor.shown,
    )
    unit.session.add(batch)
    unit.session.flush()
    try:
        bank_batches.add_lines(unit.session, batch.id, payments)
    except IntegrityError as error:
        raise Duplicate("名单里有账单已在其他批次中，等结果出来或作废那一批后再办") from error
    told = {"batch": batch.number, "lines": batch.lines, "amount": batch.amount}
    unit.record(None, "bank_batch", f"制作{KINDS[batch.kind]}批次 {batch.number}", told)
    return batch.id


@handles(ApproveBatch)
def approve_batch(command: ApproveBatch, unit: Unit) -> None:
    """Four eyes: the maker cannot approve."""
    unit.require(CHECKER)
    batch = _locked(unit, command.batch_id, "draft")
    if batch.made_by == unit.actor.key:
        raise Forbidden("制作批次的人不能复核同一批次，请由其他人复核")
    batch.state, batch.approved_by_name = "approved", unit.actor.shown
    unit.record(None, "bank_batch", f"复核批次 {batch.number}", {"batch": batch.number})
    unit.session.flush()


@handles(DropBatch)
def drop_batch(command: DropBatch, unit: Unit) -> None:
    """Only before it is sent: afterwards the bank alone knows what happened."""
    unit.require(MAKER, CHECKER)
    batch = _locked(unit, command.batch_id, "draft", "approved", "refused")
    if batch.state == "approved" and batch.attempts:
        raise Refused("批次正在送出，请等送出结果", code="batch_on_its_way")
    batch.state, batch.note = "dropped", command.reason[:300]
    unit.session.flush()
    _free(unit, batch, "作废")
    unit.record(None, "bank_batch", f"作废批次 {batch.number}", {"batch": batch.number, "reason": command.reason})


@handles(BatchSent)
def batch_sent(command: BatchSent, unit: Unit) -> None:
    """What came of leaving the file; a failed attempt is made again."""
    batch = unit.session.get_one(BankBatch, command.batch_id, with_for_update=for_update(unit.session) or None)
    batch.attempts += 1
    batch.note = command.error[:300]
    # An acknowledgement may have been quicker than we.
    if not command.error and batch.state == "approved":
        batch.state = "sent"
    if not command.error and batch.sent_at is None:
        batch.sent_at = unit.now
        unit.record(None, "bank_batch", f"送出批次 {batch.number}", {"batch": batch.number})
    unit.session.flush()


@handles(SettleBankDifference)
def settle_difference(command: SettleBankDifference, unit: Unit) -> None:
    """Say what was done about it."""
    unit.require(MAKER, CHECKER)
    found = unit.session.get(BankDifference, command.difference_id)
    if found is None:
        raise NotFound("没有这条差异")
    if found.batch_id:
        _locked(unit, found.batch_id)
    if not command.note.strip():
        raise Refused("请写明如何处理", code="note_missing")
    found.state, found.note, found.settled_by = "settled", command.note.strip()[:300], unit.actor.shown
    unit.record(None, "bank_difference", f"处理差异：{found.file_name} 第 {found.number} 笔", {"note": found.note})
    unit.session.flush()


@handles(CloseBatch)
def close_batch(command: CloseBatch, unit: Unit) -> None:
    """Raises ``Refused`` while a line waits or a difference is open."""
    unit.require(MAKER, CHECKER)
    batch = _locked(unit, command.batch_id, "answered")
    waiting = bank_batches.tally(unit.session, batch.id)[bank_batches.WAITING][0]
    if waiting or _open(unit.session, batch.id):
        raise Refused(f"还有 {waiting} 笔没有结果或有差异未处理，不能办结", code="batch_open")
    batch.state = "closed"
    unit.record(None, "bank_batch", f"办结批次 {batch.number}", {"batch": batch.number})
    unit.session.flush()


# --- what the bank brings -----------------------------------------------------------------------------------------


@takes("bank_ack")
def take_ack(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """Taken or refused as a whole. «Used before» changes nothing: the first one counts."""
    told = notice.content
    file = _file(unit, told, "ack")
    if file is None:
        return {"state": "repeated"}
    for ack in told["acks"]:
        batch = _of_bank(unit, told["bank"], ack["batch"])
        if batch is None:
            bank_batches.keep(unit.session, None, told["bank"], told["name"], [Finding("no_batch")], unit.now)
            continue
        file.batch_id = batch.id
        if ack["code"] == "0000" and batch.state in ("approved", "sent"):
            batch.state = "accepted"
        elif ack["code"] in ("2002", "2003") and batch.state in ("approved", "sent"):
            batch.state, batch.note = "refused", str(ack.get("text") or "")[:300]
            unit.session.flush()
            _free(unit, batch, "银行整批退回")
            unit.record(None, "bank_batch", f"银行退回批次 {batch.number}", {"reason": batch.note})
    unit.session.flush()
    return {"state": "booked"}


@takes("bank_result")
def take_result(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """Match line by line, book what is beyond doubt, list the rest. The same file again books nothing."""
    told = notice.content
    file = _file(unit, told, "result")
    if file is None:
        return {"state": "repeated"}
    batch = _of_bank(unit, told["bank"], told["batch"])
    if batch is None:
        bank_batches.keep(unit.session, None, told["bank"], told["name"], [Finding("no_batch")], unit.now)
        file.state = "refused"
        unit.session.flush()
        return {"state": "refused"}
    results = [Result(*line) for line in told["lines"]]
    matched = bank_batches.match(bank_batches.lines_of(unit.session, batch.id), results, told["totals"])
    bank_batches.book(unit.session, matched.booked, unit.now)
    found = bank_batches.keep(unit.session, batch, told["bank"], told["name"], matched.findings, unit.now)
    file.batch_id, file.lines = batch.id, len(results)
    if batch.state in ("approved", "sent", "accepted", "answered"):
        batch.state, batch.answered_at = "answered", batch.answered_at or unit.now
    unit.session.flush()
    summary = {"batch": batch.number, "booked": len(matched.booked), "differences": found}
    unit.record(None, "bank_result", f"批次 {batch.number}：入账 {len(matched.booked)} 笔，差异 {found} 条", summary)
    return {"state": "booked", **summary}


@takes("bank_movements")
def take_movements(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """What the bank took back is reversed here too, once, and shown to a person."""
    told = notice.content
    if _file(unit, told, "movements") is None:
        return {"state": "repeated"}
    reversed_lines = 0
    for line in told["lines"]:
        if line.get("reversal") != "R" or not line.get("batch"):
            continue
        batch = _of_bank(unit, told["bank"], line["batch"])
        if batch is None:
            missing = Finding("no_batch", int(line.get("number") or 0), found=line["amount"])
            bank_batches.keep(unit.session, None, told["bank"], told["name"], [missing], unit.now)
            continue
        taken_back = (
            update(BankLine)
            .where(
                BankLine.batch_id == batch.id,
                BankLine.number == line["number"],
                BankLine.amount == line["amount"],
                BankLine.state == PAID,
            )
            .values(state=REVERSED, changed_at=unit.now)
        )
        done: Any = unit.session.execute(taken_back)
        finding = Finding(
            "reversal", line["number"], expected=line["amount"] if done.rowcount else 0, found=line["amount"]
        )
        bank_batches.keep(unit.session, batch, told["bank"], told["name"], [finding], unit.now)
        reversed_lines += done.rowcount
        if batch.state == "closed":
            batch.state = "answered"
    unit.session.flush()
    return {"state": "booked", "reversed": reversed_lines}


@takes("bank_unreadable")
def take_unreadable(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """A file that is not as agreed: nothing of it is booked, somebody must ring the bank up."""
    told = notice.content
    file = _file(unit, told, "unreadable")
    if file is None:
        return {"state": "repeated"}
    file.state = "refused"
    finding = Finding("unreadable", text=str(told["fault"]))
    bank_batches.keep(unit.session, None, told["bank"], told["name"], [finding], unit.now)
    unit.session.flush()
    return {"state": "refused"}


# --- inside -------------------------------------------------------------------------------------------------------


def waiting_to_go(session: Session) -> list[BankBatch]:
    """Approved batches that are not at their bank yet, oldest first."""
    return list(session.scalars(select(BankBatch).where(BankBatch.state == "approved").order_by(BankBatch.id)))


def _locked(unit: Unit, batch_id: int, *states: str) -> BankBatch:
    query = select(BankBatch).where(BankBatch.id == batch_id)
    batch = unit.session.scalar(query.with_for_update() if for_update(unit.session) else query)
    if batch is None or (unit.actor.kind == "staff" and batch.office_id not in unit.actor.offices):
        raise NotFound("没有这个批次")
    if states and batch.state not in states:
        raise Refused(f"批次“{bank_batches.STATES[batch.state]}”，不能这样办理，请刷新后查看", code="batch_state")
    return batch


def _of_bank(unit: Unit, bank: str, number: str) -> BankBatch | None:
    query = select(BankBatch).where(BankBatch.number == number, BankBatch.bank == bank)
    return unit.session.scalar(query.with_for_update() if for_update(unit.session) else query)


def _free(unit: Unit, batch: BankBatch, why: str) -> None:
    """Nothing was moved: the bills may go with another batch."""
    of = (BankLine.batch_id == batch.id, BankLine.state == bank_batches.WAITING)
    unit.session.execute(update(BankLine).where(*of).values(state=bank_batches.FAILED, text=why, changed_at=unit.now))


def _open(session: Session, batch_id: int) -> bool:
    of = (BankDifference.batch_id == batch_id, BankDifference.state == "open")
    return session.scalar(select(BankDifference.id).where(*of).limit(1)) is not None


def _file(unit: Unit, told: Mapping[str, Any], kind: str) -> BankFile | None:
    """The file's row, or None where the same bytes of the bank were booked before, under whatever name."""
    row = {
        "id": ids.new(),
        "bank": told["bank"],
        "name": told["name"],
        "sha": told["sha"],
        "kind": kind,
        "batch_id": 0,
        "state": "booked",
        "lines": 0,
        "came_at": unit.now,
    }
    made = insert_with_conflict(unit.session, BankFile).values(row).on_conflict_do_nothing()
    new = unit.session.scalar(made.returning(BankFile.id))
    return unit.session.get_one(BankFile, new) if new is not None else None


def business_day(batch: BankBatch) -> date:
    """The day written into the bank's file: the same at every attempt, so that the bytes are the same."""
    return batch.day
