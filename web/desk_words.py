"""What belongs to a caseworker's own desk: messages, ready phrases, handwriting; and the printed approval form."""

from __future__ import annotations

import base64
from urllib.parse import quote

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.approval.words import DropPhrase, MarkRead, SavePhrase
from engine.commands.signing import KeepSignature
from engine.core.db import reading
from engine.core.errors import NotFound, Refused
from engine.files import uploads
from engine.files.documents import render_pdf
from engine.queries import approval
from engine.queries.approval_form import approval_form as form_of
from web.security import staff
from web.staff_context import parts

pages = Blueprint("desk_words", __name__)

PICTURES = ("image/png", "image/jpeg")


@pages.get("/messages")
@staff()
def messages() -> str:
    """What colleagues and the house told one, newest first."""
    with reading() as session:
        found = approval.messages(session, g.actor, request.args.get("before", type=int))
    return render_template("approval/messages.html", found=found, page=approval.PAGE)


@pages.post("/messages/read")
@staff()
def read() -> AnyResponse:
    """Some (``id``) or all are read."""
    ids = tuple(request.form.getlist("id", type=int))
    dispatch(MarkRead(ids), g.actor)
    return redirect(url_for("desk_words.messages"), 303)


@pages.get("/messages/<int:message_id>")
@staff()
def open_message(message_id: int) -> AnyResponse:
    """To what a message is about."""
    with reading() as session:
        found = [one for one in approval.messages(session, g.actor, message_id + 1) if one.id == message_id]
    if not found:
        raise NotFound("没有这条消息")
    one = found[0]
    return redirect(
        url_for("task.show", task_id=one.task_id) if one.task_id else url_for("case.show", case_id=one.case_id)
    )


@pages.get("/desk/phrases")
@staff()
def phrases() -> str:
    """One's own wordings and the office's."""
    return _phrases()


@pages.post("/desk/phrases")
@staff()
def save_phrase() -> AnyResponse | tuple[str, int]:
    """A new one, or ``drop`` one."""
    drop = request.form.get("drop", type=int)
    try:
        if drop is not None:
            dispatch(DropPhrase(drop), g.actor)
        else:
            dispatch(SavePhrase(request.form.get("text", ""), "office" in request.form), g.actor)
    except Refused as error:
        return _phrases(error.message), 422
    flash("已删除" if drop is not None else "已保存", "success")
    return redirect(url_for("desk_words.phrases"), 303)


def _phrases(error: str = "") -> str:
    with reading() as session:
        found = approval.own_phrases(session, g.actor)
    return render_template("approval/phrases.html", found=found, error=error, leads=g.actor.has("supervisor"))


@pages.get("/desk/signature")
@staff()
def signature() -> str:
    """One's handwriting and the pad to draw it anew."""
    return _signature()


@pages.post("/desk/signature")
@staff()
def save_signature() -> AnyResponse | tuple[str, int]:
    """A drawn or uploaded picture; ``drop`` takes it away."""
    try:
        sha = "" if "drop" in request.form else _picture()
    except Refused as error:
        return _signature(error.message), 422
    dispatch(KeepSignature(sha), g.actor)
    flash("签名已保存" if sha else "签名已删除", "success")
    return redirect(url_for("desk_words.signature"), 303)


def _picture() -> str:
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Refused("请先书写签名，或选择签名图片", code="signature_missing")
    with given.stream:
        content = given.read()
    found = uploads.inspect(content, given.filename)
    if found.media_type not in PICTURES:
        raise Refused("签名须为 PNG 或 JPG 图片", code="signature_not_a_picture")
    return str(parts().store.put(content))


def _signature(error: str = "") -> str:
    with reading() as session:
        kept = approval.kept_signature(session, g.actor)
    return render_template("approval/signature.html", kept=kept, error=error)


@pages.get("/desk/signature.png")
@staff()
def own_signature() -> Response:
    """The picture of one's own."""
    with reading() as session:
        return _image(approval.kept_signature(session, g.actor))


@pages.get("/tasks/<int:task_id>/signature.png")
@staff()
def task_signature(task_id: int) -> Response:
    """The handwriting under a finished task."""
    with reading() as session:
        return _image(approval.signature_of(session, g.actor, task_id))


def _image(sha: str) -> Response:
    if not sha:
        raise NotFound("没有签名图片")
    content = parts().store.get(sha)
    response = make_response(content)
    response.headers["Content-Type"] = _media(content)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _media(content: bytes) -> str:
    return "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"


@pages.get("/cases/<int:case_id>/approval.pdf")
@staff()
def approval_form(case_id: int) -> Response:
    """审批表, made at the moment it is asked for."""
    with reading() as session:
        found = form_of(session, g.actor, case_id)
    pictures = {}
    for sha in {one.signature for one in found.steps if one.signature}:
        content = parts().store.get(sha)
        pictures[sha] = f"data:{_media(content)};base64,{base64.b64encode(content).decode()}"
    html = render_template("approval/form.html", form=found, pictures=pictures)
    response = make_response(render_pdf(html, render_template("approval/form.css")))
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(found.title + found.number)}.pdf"
    response.headers["Cache-Control"] = "private, no-cache"
    return response
