"""Under an opinion: handwriting (a picture drawn once, named by its digest) or a signature with a certificate.

A certificate's signature is made outside any transaction: the command is first run with an empty ``Certified``, which
checks everything and ends in ``ToSign`` with the text; then again with what was signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.cases import certified
from engine.cases.case import Case
from engine.cases.colleagues import KeptSignature
from engine.cases.record import Entry
from engine.cases.work import Task
from engine.commands import Unit, handles
from engine.core import operations
from engine.core.errors import Refused
from engine.core.operations import Answer
from engine.outside import ledger
from engine.registers import colleagues


@dataclass(frozen=True)
class KeepSignature:
    """Keep this picture (digest in the file store) as one's handwriting; empty: none any more."""

    sha: str


@dataclass(frozen=True)
class Certified:
    """Sign with the actor's own certificate. Without ``answer`` (of ``esign.opinion``) it asks what is to be signed."""

    answer: Answer | None = None
    latency_ms: int = 0


@dataclass(frozen=True)
class NoteFailedSigning:
    """The platform was asked for a signature and gave none; ``outcome`` as in the ledger."""

    task_id: int
    outcome: str
    message: str
    latency_ms: int


class ToSign(Refused):
    """Everything holds, nothing was written: ``text`` is to be signed by ``name``, at the platform ``account``."""

    def __init__(self, text: str, account: str, name: str) -> None:
        super().__init__("意见尚未签名", code="to_sign")
        self.text, self.account, self.name = text, account, name


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


def sign(unit: Unit, case: Case, task: Task, how: bool | Certified, said: Mapping[str, Any]) -> str:
    """The digest of the handwriting put under a task (empty: a certificate's), noted in the record behind ``said``.

    Raises ``Refused`` where there is no handwriting, or the signature is not over this opinion; ``ToSign``.
    """
    if isinstance(how, Certified):
        _certify(unit, case, task, how, said)
        return ""
    kept = unit.session.get(KeptSignature, unit.actor.key)
    if kept is None:
        raise Refused("您还没有保存手写签名，请先在「我的签名」中书写", code="no_signature")
    told = {"sha": kept.sha, "task": str(task.id)}
    unit.record(case, "signed", f"「{task.name}」手写签名", told, task.element_id)
    return kept.sha


def _certify(unit: Unit, case: Case, task: Task, how: Certified, said: Mapping[str, Any]) -> None:
    signer = colleagues.by_key(unit.session, unit.actor.key)
    if signer is None:
        raise Refused("只有工作人员可以用 CA 证书签名", code="not_staff")
    text = certified.canonical(case.number, task.id, task.element_id, signer.login, said)
    if how.answer is None:
        raise ToSign(text, signer.login, signer.name)
    told = how.answer.variables
    found = certified.check(text, told["signature"], signer.login, signer.name)
    if not found["valid"]:
        raise Refused(f"{found['problem']}，意见没有提交，请重新签名", code="signature_differs")
    kept = {"account": signer.login, "name": signer.name, **{name: told[name] for name in _KEPT}}
    title = f"「{task.name}」CA 签名，证书 {told['serial']}"
    unit.journal.add(case, unit.actor, unit.now, Entry(certified.KIND, title, task.element_id, kept, None, task.id))
    _ledger(unit, task, "answered", how.latency_ms, answer=how.answer)


_KEPT = ("signature", "serial", "signed_at")


@handles(NoteFailedSigning)
def note_failed(command: NoteFailedSigning, unit: Unit) -> None:
    """«Did we ask?» has an answer here too."""
    task = unit.session.get(Task, command.task_id)
    if task is not None:
        _ledger(unit, task, command.outcome, command.latency_ms, error=command.message)


def _ledger(
    unit: Unit, task: Task, outcome: str, latency_ms: int, *, answer: Answer | None = None, error: str = ""
) -> None:
    ledger.note(
        unit.session,
        operations.find(certified.SIGN),
        case_id=task.case_id,
        element_id=task.element_id,
        token=f"task:{task.id}",
        attempt=1,
        outcome=outcome,
        latency_ms=latency_ms,
        answer=answer,
        evidence=answer.evidence if answer else None,
        error=error,
    )


def name_of(unit: Unit, key: str) -> str:
    """The name behind an actor key."""
    found = colleagues.by_key(unit.session, key)
    return found.name if found is not None else key
