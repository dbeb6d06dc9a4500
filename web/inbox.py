"""The inbox: queues on the left, the list of one queue, the chosen task at the right."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries import inbox
from engine.queries.common import calendar
from engine.queries.inbox import Counts, TaskLine, TaskList
from web.security import staff

pages = Blueprint("inbox", __name__)

OWN = ("mine", "late", "today", "supplement")
DONE = {"done-today": "今天", "done-month": "本月"}


@pages.get("/")
def home() -> Response:
    """Caseworkers begin with their inbox; citizens have a door of their own."""
    at_portal = g.actor is not None and g.actor.kind == "citizen"
    return redirect(url_for("portal.home" if at_portal else "inbox.show"))


@pages.get("/inbox")
@staff()
def show() -> str:
    """The list of a view; without one, where there is work to do."""
    with reading() as session, calendar(session):
        desk = desk_of(session, g.actor, request.args.get("view"))
    return render_template("inbox/show.html", **desk)


def desk_of(session: Session, actor: Actor, view: str | None, task_id: int | None = None) -> dict[str, Any]:
    """What the two left panes show. ``task_id`` is the task that stands open beside them. Inside ``calendar``."""
    found = inbox.counts(session, actor)
    chosen = view or inbox.default_view(found)
    page = request.args.get("page", "1")
    listed = inbox.tasks(session, actor, chosen, int(page) if page.isdecimal() else 1)
    return {
        "groups": _groups(found, chosen),
        "listed": listed,
        "rows": [_row(line, listed) for line in listed.lines],
        "open_id": task_id,
        "has_roles": bool(found.roles),
    }


def _groups(found: Counts, chosen: str) -> list[dict[str, Any]]:
    def link(view: str, title: str, tone: str = "") -> dict[str, Any]:
        count = found.by_view[view]
        return {
            "href": url_for("inbox.show", view=view),
            "title": title,
            "count": count,
            "tone": tone if count else "",
            "current": view == chosen,
        }

    queues = [link(f"role-{role}", lane) for role, lane in found.roles.items()]
    own = [link(view, inbox.TITLES[view], "bad" if view == "late" else "") for view in OWN]
    done = [link(view, title) for view, title in DONE.items()]
    groups = [("我的", own), ("岗位池", queues), ("已处理", done)]
    return [{"title": title, "links": links} for title, links in groups if links]


def _row(line: TaskLine, listed: TaskList) -> dict[str, Any]:
    done = bool(line.done_at)
    case_page = url_for("case.show", case_id=line.case_id)
    marks = [(f"{line.done_at} 办结", "ok")] if done else [("他人已领取", "")] if line.claimed else []
    return {
        "id": line.id,
        "href": case_page if done else url_for("task.show", task_id=line.id, view=listed.view, page=listed.page),
        "title": line.title,
        "due": None if done else line.due.days,
        "paused": "" if done else line.due.paused,
        "what": line.what,
        "number": line.number,
        "office": line.office,
        "marks": marks,
        "mine": line.mine and not done,
    }
