"""The history of a closed case is deleted when its time is over; a line of what was deleted stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete

from engine.batches.migration_run import MigratedCase
from engine.cases import record, retention
from engine.cases.case import lock
from engine.cases.documents import Attachment
from engine.cases.lawful_clock import CaseLimit, ClockStop, Extension
from engine.cases.record import ElementInstance
from engine.cases.work import Incident, Subscription, Task
from engine.commands import Unit, handles
from engine.core.errors import Forbidden, Refused
from engine.outside.ledger import CallRecord, PendingAnswer

# What goes, and what people call it. Issued papers stay: they must still be found genuine.
ROWS: tuple[tuple[Any, str], ...] = (
    (ElementInstance, "环节"),
    (Task, "任务"),
    (CallRecord, "外部往来"),
    (PendingAnswer, "待答复"),
    (Attachment, "附件"),
    (Incident, "故障"),
    (Subscription, "等待"),
    (ClockStop, "计时暂停"),
    (CaseLimit, "期限"),
    (Extension, "延长申请"),
    (MigratedCase, "迁移记录"),
)
_PLAIN = {"synchronize_session": False}


@dataclass(frozen=True)
class EraseCase:
    """Delete what the retention of its item no longer allows to keep."""

    case_id: int


@handles(EraseCase)
def erase_case(command: EraseCase, unit: Unit) -> dict[str, int]:
    """How many rows went, by kind. The record keeps its lines, without what they carried; its chain still holds."""
    if unit.actor.kind != "system":
        raise Forbidden("保存期限由系统按事项规定执行，不能手工删除")
    session = unit.session
    case = lock(session, command.case_id)
    if case.state not in ("closed", "cancelled") or not retention.is_over(session, case):
        raise Refused("这件还在保存期限之内，不能删除", code="still_kept")
    gone: dict[str, int] = {}
    for table, name in ROWS:
        count = session.execute(delete(table).where(table.case_id == case.id), execution_options=_PLAIN).rowcount  # type: ignore[attr-defined]
        if count:
            gone[name] = int(count)
    if erased := record.erase(session, case.id):
        gone["记录内容"] = erased
    case.subject_name = case.subject_digest = case.name_digest = case.applicant_key = ""
    told = "、".join(f"{name} {count}" for name, count in gone.items())
    unit.record(case, retention.ERASED, f"保存期限届满，已删除：{told}"[:300], gone)
    session.flush()
    return gone
