"""The money desk: batches that a bank collects or pays, and what does not agree."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.bank import (
    CHECKER,
    MAKER,
    ApproveBatch,
    BuildBatch,
    CloseBatch,
    DropBatch,
    SettleBankDifference,
)
from engine.core.db import reading
from engine.core.errors import NotFound, Refused
from engine.queries import bank
from engine.registers.bank_batches import KINDS, LINE_STATES
from web.security import staff
from web.staff_context import parts

pages = Blueprint("bank", __name__)

MOST_BYTES = 20 * 1024 * 1024
ACTIONS = {"approve": ApproveBatch, "close": CloseBatch}
DONE = {"approve": "已复核，稍后自动送往银行", "close": "批次已办结", "drop": "批次已作废，名单中的账单可以另办"}


@pages.get("/bank")
@staff(MAKER, CHECKER)
def show() -> str:
    """The batches, and the form for a new one."""
    return _list()


@pages.post("/bank")
@staff(MAKER)
def build() -> Response | tuple[str, int]:
    """Make a batch of an uploaded list; a faulty one is told line by line and nothing is kept."""
    file = request.files.get("list")
    content = file.read(MOST_BYTES + 1) if file else b""
    try:
        if not content:
            raise Refused("请选择名单文件", code="bad_list")
        if len(content) > MOST_BYTES:
            raise Refused("名单文件超过 20 MB，请分开办理", code="bad_list")
        stored = parts().files.write(content, name="list.csv", media_type="text/csv")
        form = request.form
        command = BuildBatch(form.get("bank", ""), form.get("kind", ""), form.get("title", ""), content, stored)
        made = dispatch(command, g.actor)
    except Refused as error:
        return _list(error.message), 422
    flash("批次已制作，请由另一人复核", "success")
    return redirect(url_for("bank.batch", batch_id=made), 303)


@pages.get("/bank/<int:batch_id>")
@staff(MAKER, CHECKER)
def batch(batch_id: int) -> str:
    """One batch: where it stands, its lines, its differences."""
    with reading() as session:
        found = bank.batch(session, g.actor, batch_id, request.args.get("state", ""))
    return render_template("bank/batch.html", page=found, states=LINE_STATES, error=request.args.get("error", ""))


@pages.post("/bank/<int:batch_id>/<action>")
@staff(MAKER, CHECKER)
def act(batch_id: int, action: str) -> Response:
    """Approve, drop or close."""
    if action == "drop":
        return _do(DropBatch(batch_id, request.form.get("reason", "")), DONE[action], batch_id)
    if action not in ACTIONS:
        raise NotFound("没有这种办理")
    return _do(ACTIONS[action](batch_id), DONE[action], batch_id)


@pages.post("/bank/differences/<int:difference_id>")
@staff(MAKER, CHECKER)
def settle(difference_id: int) -> Response:
    """A difference is settled."""
    batch_id = request.form.get("batch", 0, type=int)
    return _do(SettleBankDifference(difference_id, request.form.get("note", "")), "已记录处理结果", batch_id)


def _list(error: str = "") -> str:
    with reading() as session:
        rows, stray = bank.batches(session, g.actor), bank.stray(session)
    may_make = g.actor.has(MAKER)
    return render_template(
        "bank/show.html",
        rows=rows, stray=stray, banks=bank.banks(), kinds=KINDS, may_make=may_make, error=error, form=request.form,
    )  # fmt: skip


def _do(command: object, done: str, batch_id: int) -> Response:
    try:
        dispatch(command, g.actor)
        flash(done, "success")
    except NotFound:
        raise
    except Refused as error:
        flash(error.message, "error")
    return redirect(url_for("bank.batch", batch_id=batch_id) if batch_id else url_for("bank.show"), 303)
