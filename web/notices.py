"""Public notices: anybody may read them."""

from __future__ import annotations

from flask import Blueprint, render_template

from engine.core.db import reading
from engine.queries import notices
from web.portal_context import citizen

pages = Blueprint("notices", __name__)


@pages.get("/notices")
def current() -> str:
    """What runs now, and below what ended."""
    with reading() as session:
        return render_template("notices/list.html", running=notices.current(session), past=notices.past(session))


@pages.get("/notices/<int:notice_id>")
def notice(notice_id: int) -> str:
    """One notice: who, until when, how to object."""
    actor = citizen()
    with reading() as session:
        found = notices.notice(session, notice_id)
        objected = actor is not None and notices.has_objected(session, actor, notice_id)
    return render_template("notices/notice.html", notice=found, objected=objected)
