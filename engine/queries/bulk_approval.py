"""Before many tasks of one step are handed in at once: which of them may be, and the form they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from engine.batches.approval import allows, warnings
from engine.cases.colleagues import KeptSignature
from engine.catalog import releases
from engine.core import masks
from engine.core.actor import Actor
from engine.core.errors import Forbidden, Refused
from engine.queries.task_page import find_task, open_task


@dataclass(frozen=True)
class BulkLine:
    """One task; ``why_not`` is empty where it may be handed in with the others."""

    id: int
    version: int
    number: str
    subject: str
    why_not: str


@dataclass(frozen=True)
class BulkPage:
    """The step all of them are at, its form, and the rows."""

    item: str
    item_name: str
    element_id: str
    name: str
    schema: Mapping[str, Any]
    lines: list[BulkLine]
    signature: bool


def bulk_page(session: Session, actor: Actor, chosen: Sequence[int]) -> BulkPage:
    """Inside ``calendar``. Raises ``Refused`` where they are not all of one step, ``NotFound``."""
    found = [find_task(session, actor, number) for number in chosen]
    if not found:
        raise Refused("请先在列表中勾选任务", code="nothing_chosen")
    first, case = found[0]
    same = {(one.item, one.release_id, task.element_id) for task, one in found}
    if len(same) > 1 or not case.item:
        raise Refused("批量审批只能选同一事项、同一版本的同一环节，请重新勾选", code="another_step")
    if not allows(first.properties, "bulk") or not first.form_id:
        raise Refused(f"「{first.name}」须逐件办理，不能批量审批", code="verb_not_allowed")
    lines = []
    for task, one in found:
        page = open_task(session, actor, task.id) if task.state == "open" else None
        if page is None:
            why = "已办结或取消"
        elif not page.permit.work:
            why = page.permit.why_not or "不能办理"
        else:
            why = "；".join(warnings(session, one, task))
        lines.append(BulkLine(task.id, task.version, one.number, masks.mask_name(one.subject_name), why))
    form = releases.shown_form(session, releases.view(session, case.release_id), first.form_id)
    if form is None:
        raise Forbidden(f"「{first.name}」没有表单，不能批量审批")
    signature = session.get(KeptSignature, actor.key) is not None
    return BulkPage(case.item, case.item_name, first.element_id, first.name, form.schema, lines, signature)
