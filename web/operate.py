"""What a supervisor does to one case: let it stand, end it, change its course. Every action says first what it does."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.operate import SUPERVISOR, CancelCase, ModifyCase, ResumeCase, SetVariables, SuspendCase
from engine.core.db import reading
from engine.core.errors import Refused
from engine.queries import operations
from engine.workflow import Activation
from web.security import staff

pages = Blueprint("operate", __name__)

SIMPLE = {"suspend": SuspendCase, "resume": ResumeCase, "cancel": CancelCase}
DONE = {"suspend": "办件已挂起", "resume": "办件已恢复办理", "cancel": "办件已终止"}


@pages.get("/cases/<int:case_id>/operate")
@staff(SUPERVISOR)
def show(case_id: int) -> str:
    """Where the case stands and what may be done."""
    return _page(case_id)


@pages.post("/cases/<int:case_id>/operate/<any(suspend, resume, cancel):action>")
@staff(SUPERVISOR)
def simple(case_id: int, action: str) -> Response | tuple[str, int]:
    """Let it stand, go on, or end it."""
    try:
        dispatch(SIMPLE[action](case_id, request.form.get("reason", "")), g.actor)
    except Refused as error:
        return _page(case_id, error=error.message), 422
    flash(DONE[action], "success")
    return redirect(url_for("operate.show", case_id=case_id), 303)


@pages.post("/cases/<int:case_id>/operate/modify")
@staff(SUPERVISOR)
def modify(case_id: int) -> Response | tuple[str, int] | str:
    """Say what it would do; do it once just that was said and is confirmed."""
    form = request.form
    chosen = _chosen(form)
    terminate = tuple(form.getlist("terminate"))
    activate = tuple(
        Activation(element, ancestor=form.get("ancestor") or None) for element in form.getlist("activate") if element
    )
    try:
        variables = _variables(form.get("variables", ""))
        if "confirmed" not in form or form.get("previewed") != chosen:
            if not (terminate or activate or variables):
                raise Refused("请选择要取消或启动的环节，或填写要修改的变量")
            with reading() as session:
                effect = operations.preview(session, g.actor, case_id, activate, terminate)
            return _page(case_id, effect=effect, previewed=chosen)
        seen = form.get("seen_version", type=int)
        reason = form.get("reason", "")
        if terminate or activate:
            dispatch(ModifyCase(case_id, reason, activate, terminate, (), variables, seen), g.actor)
        else:
            dispatch(SetVariables(case_id, variables, reason), g.actor)
    except Refused as error:
        return _page(case_id, error=error.message), 422
    flash("已按所选调整", "success")
    return redirect(url_for("operate.show", case_id=case_id), 303)


def _chosen(form: MultiDict[str, str]) -> str:
    """What was chosen, as the page carries it from the preview to the confirmation."""
    texts = [form.get(name, "").strip() for name in ("ancestor", "variables")]
    return json.dumps([sorted(form.getlist("terminate")), form.getlist("activate"), *texts], ensure_ascii=False)


def _variables(text: str) -> dict[str, Any]:
    """JSON by name, or ``name = value`` lines. Raises ``Refused``."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused('变量应写成 JSON，例如 {"amount": 1200}', code="variables_unreadable")
    return found


def _page(case_id: int, *, error: str = "", effect: object = None, previewed: str = "") -> str:
    with reading() as session:
        case = operations.standing(session, g.actor, case_id)
    return render_template(
        "operate/show.html", case=case, error=error, effect=effect, previewed=previewed, form=request.form
    )
