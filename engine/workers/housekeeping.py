"""What the scheduler lets run by the clock: forget what expired, sweep files nobody names."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import delete, select, update

from engine.batches.migration_run import MigratedCase
from engine.cases import desk, drafts, retention
from engine.cases.bundles import CaseBundle
from engine.cases.case import Case
from engine.cases.documents import Attachment, Document
from engine.cases.phone_links import PhoneLink
from engine.cases.work import BufferedMessage
from engine.commands import dispatch
from engine.commands.messages import DeliverKept, kept_for_somebody
from engine.commands.retention import EraseCase
from engine.core import clock
from engine.core.actor import SYSTEM
from engine.core.db import reading, transaction
from engine.files.store import FileStore
from engine.registers.accounts import SmsCode
from engine.registers.bank_batches import BankBatch
from engine.registers.invoices import Invoice

log = logging.getLogger("anju.housekeeping")

# An upload waits this long for a form that names it.
ORPHAN_AGE = timedelta(days=2)
# A night's work: what is left over waits for the next one.
ERASED_AT_ONCE = 5_000


def forget_expired() -> int:
    """Delete codes and messages past their time; gives how many rows."""
    now = clock.now()
    with transaction() as session:
        swept = drafts.sweep(session) + desk.sweep(session)
        gone = swept + session.execute(delete(BufferedMessage).where(BufferedMessage.expires_at < now)).rowcount  # type: ignore[attr-defined]
        for table in (CaseBundle, PhoneLink):
            gone += session.execute(delete(table).where(table.until <= now)).rowcount  # type: ignore[attr-defined]
        gone += session.execute(delete(SmsCode).where(SmsCode.expires_at < now - timedelta(days=1))).rowcount  # type: ignore[attr-defined]
        gone += session.execute(
            delete(Attachment).where(Attachment.case_id.is_(None), Attachment.uploaded_at < now - 30 * ORPHAN_AGE)
        ).rowcount  # type: ignore[attr-defined]
    return int(gone)


def deliver_kept_messages() -> int:
    """Messages and subscriptions that came at the same moment find each other; gives how many did."""
    with reading() as session:
        waiting = kept_for_somebody(session)
    return sum(dispatch(DeliverKept(row_id), SYSTEM) for row_id in waiting)


def erase_overdue(limit: int = ERASED_AT_ONCE) -> int:
    """Delete the history of cases whose retention is over, each by itself; gives how many."""
    with reading() as session:
        found = list(retention.overdue(session, limit))[:limit]
    for one in found:
        dispatch(EraseCase(one.case_id), SYSTEM)
    if found:
        log.info("history erased", extra={"count": len(found)})
    return len(found)


def forget_undo() -> int:
    """What a migration could be undone with goes after its time; gives how many cases."""
    old = update(MigratedCase).where(MigratedCase.kept_until < clock.now())
    with transaction() as session:
        gone = session.execute(old.values(tokens=b"", variables=None, kept_until=None))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def sweep_files(store: FileStore) -> list[str]:
    """Remove files that no row names: leftovers of transactions that never committed."""

    def known(shas: list[str]) -> set[str]:
        with reading() as session:
            named = set(session.scalars(select(Attachment.sha).where(Attachment.sha.in_(shas))))
            named |= set(session.scalars(select(CaseBundle.sha).where(CaseBundle.sha.in_(shas))))
            named |= set(session.scalars(select(BankBatch.list_file).where(BankBatch.list_file.in_(shas))))
            for column in (Invoice.pdf, Invoice.ofd):
                named |= set(session.scalars(select(column).where(column.in_(shas))))
            named |= set(session.scalars(select(Document.file_sha).where(Document.file_sha.in_(shas))))
            # A document on its way has its file in a variable only: keep everything while such a case is open.
            if session.scalar(
                select(Document.id)
                .join(Case, Case.id == Document.case_id)
                .where(Document.state != "issued", Case.state.in_(("open", "suspended")))
            ):
                return set(shas)
            return named

    removed = store.sweep(known, ORPHAN_AGE)
    if removed:
        log.info("orphans removed", extra={"count": len(removed)})
    return removed
