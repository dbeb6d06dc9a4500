"""Many tasks at once: each is claimed, assigned or urged by a command of its own, each row says what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, Response, g, jsonify, render_template, request

from engine.commands.approval.words import Urge
from engine.commands.assigning import AssignTask, in_turn
from engine.commands.tasks import ClaimTask, ReleaseTask
from engine.core.db import reading
from engine.core.errors import Refused
from engine.queries import inbox_people
from web.security import staff

pages = Blueprint("inbox_bulk", __name__)

# A page of the list, and no more: a person has looked at what they choose.
MOST = 50
ACTIONS = {"claim": "领取", "release": "放回岗位池", "assign": "分派", "urge": "催办"}


@dataclass(frozen=True)
class Outcome:
    """What became of one row."""

    id: int
    title: str
    ok: bool
    text: str


@pages.post("/inbox/bulk")
@staff()
def run() -> Response | str:
    """Each row by itself: one that is refused stops no other. A script asks for JSON, a few rows at a time."""
    action = request.form.get("action", "")
    chosen = [one for one in dict.fromkeys(request.form.getlist("task", type=int)) if 0 < one < 2**63]
    if action not in ACTIONS or not chosen:
        raise Refused("请先在列表中勾选任务，再选择操作", code="nothing_chosen")
    if len(chosen) > MOST:
        raise Refused(f"一次最多处理 {MOST} 件，请分批勾选", code="too_many")
    command = _command(action)
    with reading() as session:
        titles = inbox_people.titles(session, g.actor, chosen)
    done = f"已{ACTIONS[action]}"
    results = [
        Outcome(one.task_id, titles.get(one.task_id, "任务"), one.ok, done if one.ok else one.message)
        for one in in_turn([command(number) for number in chosen], g.actor)
    ]
    if request.accept_mimetypes.best == "application/json":
        return jsonify(results=[asdict(one) for one in results])
    view = request.form.get("view") or "mine"
    return render_template("inbox/bulk.html", results=results, action=ACTIONS[action], view=view)


def _command(action: str) -> Callable[[int], Any]:
    if action == "assign":
        to = request.form.get("to", "")
        if not (to.isascii() and to.isdigit()):
            raise Refused("请选择要分派给谁", code="nobody_chosen")
        return lambda number: AssignTask(number, int(to))
    return {"claim": ClaimTask, "release": ReleaseTask, "urge": Urge}[action]
