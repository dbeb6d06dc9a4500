"""What colleagues do to each other's tasks: a page (or dialog) per operation that first says what will happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.approval.passing import DelegateTask, TransferTask
from engine.commands.approval.signers import AddSigners, GiveOpinion, RemoveSigner
from engine.commands.approval.steps import ReturnTask, TakeBack
from engine.commands.approval.words import AddComment, CopyTo, Urge
from engine.core.db import reading
from engine.core.errors import NotFound, Refused
from engine.queries import approval, preview
from web.security import staff
from web.signing import NotSigned, handed_in
from web.task import page as task_page

pages = Blueprint("approval", __name__)

Form = MultiDict[str, str]
# verb → title of its page, label of its button, what is said when it is done
SAID = {
    "return": ("退回", "确认退回", "已退回"),
    "add": ("加签", "确认加签", "已加签"),
    "remove": ("减签", "确认减签", "已减签"),
    "transfer": ("转办", "确认转办", "已转办"),
    "delegate": ("委派", "确认委派", "已委派，意见到后回到您的待办"),
    "take_back": ("撤回", "确认撤回", "已撤回，内容保留为草稿"),
    "copy": ("抄送", "发送", "已抄送"),
    "urge": ("催办", "确认催办", "已催办"),
    "comment": ("会商", "发表", "已发表"),
}


@pages.get("/tasks/<int:task_id>/do/<verb>")
@staff()
def ask(task_id: int, verb: str) -> str:
    """What can be chosen, and what would happen with what is chosen so far."""
    return _page(task_id, verb, request.args)


@pages.post("/tasks/<int:task_id>/do/<verb>")
@staff()
def do(task_id: int, verb: str) -> Response | tuple[str, int]:
    """Do it; what is refused is said on the page with everything still chosen."""
    if verb not in SAID:
        raise NotFound("没有这种操作")
    form = request.form
    try:
        result = dispatch(_COMMANDS[verb](task_id, form), g.actor)
    except NotFound:
        raise
    except Refused as error:
        return _page(task_id, verb, form, error.message), 422
    flash(SAID[verb][2], "success")
    if verb == "take_back":
        return redirect(url_for("task.show", task_id=result), 303)
    stays = verb in ("copy", "urge", "comment", "add", "remove", "delegate")
    back = form.get("at", type=int) or task_id
    return redirect(url_for("task.show", task_id=back) if stays else url_for("inbox.show"), 303)


@pages.post("/tasks/<int:task_id>/opinion")
@staff()
def opinion(task_id: int) -> Response | tuple[str, int]:
    """What somebody who was asked says."""
    form = request.form
    seen = form.get("version", 0, type=int)
    verdict, text = form.get("verdict", ""), form.get("text", "")
    try:
        _, number, name = handed_in(task_id, lambda sign: GiveOpinion(task_id, verdict, text, seen, sign))
    except NotSigned as error:
        return task_page(task_id, problem=error.message), 422
    flash(f"{number}「{name}」意见已提交", "success")
    return redirect(url_for("task.next_one", view=form.get("view") or "mine"), 303)


def _ids(form: Form) -> tuple[int, ...]:
    return tuple(int(one) for one in form.getlist("people") if one.isascii() and one.isdigit())


def _one(form: Form) -> int:
    return next(iter(_ids(form)), 0)


def _copy(task_id: int, form: Form) -> CopyTo:
    return CopyTo(_case_of(task_id), _ids(form), form.get("reason", ""), task_id)


def _comment(task_id: int, form: Form) -> AddComment:
    return AddComment(_case_of(task_id), form.get("reason", ""), task_id)


def _case_of(task_id: int) -> int:
    with reading() as session:
        return preview.choice(session, g.actor, task_id, "", {}).case_id


_COMMANDS: Mapping[str, Callable[[int, Form], Any]] = {
    "return": lambda task, form: ReturnTask(
        task, form.get("target", ""), form.get("reason", ""), form.get("path") == "straight"
    ),
    "add": lambda task, form: AddSigners(task, _ids(form), form.get("how", "before"), form.get("reason", "")),
    "remove": lambda task, form: RemoveSigner(task, form.get("reason", "")),
    "transfer": lambda task, form: TransferTask(task, _one(form), form.get("reason", "")),
    "delegate": lambda task, form: DelegateTask(task, _one(form), form.get("reason", "")),
    "take_back": lambda task, form: TakeBack(task, form.get("reason", "")),
    "copy": _copy,
    "urge": lambda task, form: Urge(task, form.get("reason", "")),
    "comment": _comment,
}


def _page(task_id: int, verb: str, given: MultiDict[str, str], error: str = "") -> str:
    if verb not in SAID:
        raise NotFound("没有这种操作")
    with reading() as session:
        found = preview.choice(session, g.actor, task_id, verb, given.to_dict(flat=False))
        phrases = approval.phrases(session, g.actor)
    title, button, _ = SAID[verb]
    # A script asks for the part that goes into its dialog.
    template = "approval/_verb.html" if request.headers.get("HX-Request") else "approval/verb.html"
    return render_template(
        template, found=found, verb=verb, title=title, button=button, given=given, error=error, phrases=phrases
    )
