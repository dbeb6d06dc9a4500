"""Handwriting under an opinion: a picture drawn once, kept, and named by its digest wherever it was put."""

from __future__ import annotations

from dataclasses import dataclass

from engine.cases.case import Case
from engine.cases.colleagues import KeptSignature
from engine.cases.work import Task
from engine.commands import Unit, handles
from engine.core.errors import Refused
from engine.registers import colleagues


@dataclass(frozen=True)
class KeepSignature:
    """Keep this picture (digest in the file store) as one's handwriting; empty: none any more."""

    sha: str


@handles(KeepSignature)
def keep_signature(command: KeepSignature, unit: Unit) -> None:
    """Papers signed before keep the picture they were signed with."""
    if unit.actor.kind != "staff":
        raise Refused("只有工作人员可以保存签名", code="not_staff")
    kept = unit.session.get(KeptSignature, unit.actor.key)
    if not command.sha:
        if kept is not None:
            unit.session.delete(kept)
    elif kept is None:
        unit.session.add(KeptSignature(staff_key=unit.actor.key, sha=command.sha, drawn_at=unit.now))
    else:
        kept.sha, kept.drawn_at = command.sha, unit.now
    unit.record(None, "signature_kept", "更新手写签名" if command.sha else "删除手写签名", {"sha": command.sha})
    unit.session.flush()


def sign(unit: Unit, case: Case, task: Task) -> str:
    """The digest of the handwriting put under a task, noted in the record. Raises ``Refused`` where none is kept."""
    kept = unit.session.get(KeptSignature, unit.actor.key)
    if kept is None:
        raise Refused("您还没有保存手写签名，请先在「我的签名」中书写", code="no_signature")
    told = {"sha": kept.sha, "task": str(task.id)}
    unit.record(case, "signed", f"「{task.name}」手写签名", told, task.element_id)
    return kept.sha


def name_of(unit: Unit, key: str) -> str:
    """The name behind an actor key."""
    found = colleagues.by_key(unit.session, key)
    return found.name if found is not None else key
