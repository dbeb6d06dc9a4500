"""What we fetch from other parties at set times: events that lie ready, and their books to be held against ours.

Safe to run twice, and by several processes: an event is taken once by its message id, a day is reconciled once.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from time import monotonic

from engine.commands import bank, dispatch
from engine.commands.handed_down import AttachHandedFile
from engine.commands.inbound import ReceiveEvent
from engine.commands.reconciliation import FailReconciliation, Reconcile, days_owed
from engine.core import clock, inbound, operations
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import OutsideFault, Refused
from engine.core.operations import FileAccess, LateAnswer
from engine.files import uploads

log = logging.getLogger("anju.rounds")

# A party's list of yesterday is there some hours after midnight; a day missed is made good for a week.
DAYS_BACK = 7
_collected: dict[str, float] = {}


def collect(files: FileAccess) -> int:
    """Fetch what lies ready at each party whose turn it is; gives how many events were new."""
    new = 0
    for one in inbound.collections().values():
        if monotonic() - _collected.get(one.party, float("-inf")) < one.every.total_seconds():
            continue
        _collected[one.party] = monotonic()
        try:
            for event in one.fetch():
                new += _take(event, files)
        except OutsideFault as error:
            log.warning("nothing fetched", extra={"party": one.party, "code": error.code})
    return new


def _take(event: inbound.Collected, files: FileAccess) -> bool:
    try:
        if isinstance(event, inbound.FileCame):
            return _attach(event, files)
        new = not dispatch(ReceiveEvent(event), SYSTEM).repeated
        if isinstance(event, LateAnswer) and event.done is not None:
            event.done()
        return new
    except Refused as error:
        # The next event must not suffer; what was refused stands in the log with its number.
        log.warning("event refused", extra={"party": event.party, "number": event.message_id, "code": error.code})
        return False


def _attach(event: inbound.FileCame, files: FileAccess) -> bool:
    """The content lies in the store before the commit that refers to it."""
    upload = uploads.inspect(event.content, event.name)
    sha = files.write(event.content, name=upload.name, media_type=upload.media_type)
    attach = AttachHandedFile(event.party, event.reference, event.message_id, sha, upload)
    new = bool(dispatch(attach, SYSTEM))
    event.done()
    return new


def send_batches(files: FileAccess) -> int:
    """Leave approved batches at their banks; gives how many lie there now. Twice is once: the bytes are the same."""
    with reading() as session:
        waiting = [(one.id, one.office_id, _order(one)) for one in bank.waiting_to_go(session)]
    sent = 0
    for batch_id, office_id, inputs in waiting:
        found = operations.find("bank.send")
        key = f"bank-batch-{batch_id}"
        call = operations.Call(0, "", "", office_id, key, "", key, found.load_inputs(inputs, {}), files=files)
        try:
            found.run(call)
        except (OutsideFault, Refused) as error:
            dispatch(bank.BatchSent(batch_id, error.message), SYSTEM)
        else:
            dispatch(bank.BatchSent(batch_id), SYSTEM)
            sent += 1
    return sent


def _order(batch: bank.BankBatch) -> dict[str, str]:
    return {
        "bank": batch.bank,
        "kind": batch.kind,
        "batch_number": batch.number,
        "day": bank.business_day(batch).isoformat(),
        "list_file": batch.list_file,
    }


def reconcile() -> int:
    """Hold each day that is owed against the party's books; gives how many comparisons were made."""
    made, today = 0, clock.today()
    for one in inbound.reconciliations().values():
        with reading() as session:
            owed = days_owed(session, one.name, [today - timedelta(days=back) for back in range(DAYS_BACK, 0, -1)])
        for day in owed:
            try:
                theirs = one.theirs(day)
            except OutsideFault as error:
                dispatch(FailReconciliation(one.name, day, error.message), SYSTEM)
                break
            dispatch(Reconcile(one.name, day, theirs), SYSTEM)
            made += 1
    return made
