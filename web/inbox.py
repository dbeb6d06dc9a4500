"""The inbox: queues on the left, the list of one queue, the chosen task at the right."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from engine.cases.view_spec import SORTS
from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries import inbox, inbox_people
from engine.queries.common import calendar
from engine.queries.inbox import Counts, TaskList
from engine.queries.inbox_line import TaskLine
from web.security import staff

pages = Blueprint("inbox", __name__)

OWN = ("mine", "late", "today", "supplement")
DONE = {"done-today": "今天", "done-month": "本月"}
LONGEST_WORDS = 60


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


@pages.get("/inbox/live")
@staff()
def live() -> str:
    """The two panes as they stand now, for a page that is open: it takes over what changed and nothing else."""
    open_id = request.args.get("task", type=int)
    with reading() as session, calendar(session):
        desk = desk_of(session, g.actor, request.args.get("view"), open_id)
    return render_template("inbox/live.html", **desk)


@pages.get("/inbox/assign")
@staff("supervisor")
def colleagues() -> str:
    """Whom tasks may be handed to, for the list's own dialog."""
    with reading() as session:
        people = inbox_people.colleagues(session, g.actor)
    return render_template("inbox/assign.html", people=people)


def desk_of(session: Session, actor: Actor, view: str | None, task_id: int | None = None) -> dict[str, Any]:
    """What the two left panes show. ``task_id`` is the task that stands open beside them. Inside ``calendar``."""
    found = inbox.counts(session, actor)
    words = (request.values.get("q") or "").strip()[:LONGEST_WORDS]
    chosen = view or inbox.default_view(found)
    listed = inbox.tasks(session, actor, chosen, request.args.get("after", ""), found.around, words)
    named = found.around.view(listed.view)
    return {
        "groups": _groups(found, listed.view, bool(actor.principals)),
        "listed": listed,
        "total": found.shown(listed.view) or str(len(listed.lines)),
        "sorted": "按办结时间" if listed.view.startswith("done-") else SORTS[listed.spec.sort],
        "rows": [_row(line, listed) for line in listed.lines],
        "open_id": task_id,
        "has_roles": any(found.roles),
        "named": named,
        "live_url": url_for("inbox.live", view=listed.view, q=words or None, after=listed.after or None, task=task_id),
        "bulk": not listed.view.startswith("done-"),
        "leads": actor.has("supervisor"),
    }


def _groups(found: Counts, chosen: str, stands_in: bool) -> list[dict[str, Any]]:
    def link(view: str, title: str, tone: str = "") -> dict[str, Any]:
        return {
            "href": url_for("inbox.show", view=view),
            "title": title,
            "count": found.shown(view),
            "tone": tone if found.by_view[view] else "",
            "current": view == chosen,
        }

    shown = {role: lane for role, lane in found.roles.items() if role or found.by_view["role-"]}
    queues = [link(f"role-{role}", lane) for role, lane in shown.items()]
    own = [link(view, inbox.TITLES[view], "bad" if view == "late" else "") for view in OWN]
    if stands_in:
        own.insert(1, link("deputy", inbox.TITLES["deputy"]))
    done = [link(view, title) for view, title in DONE.items()]
    named = [{**link(one.key, one.title), "shared": one.shared} for one in found.around.views]
    more = {"href": url_for("inbox_views.new"), "title": "新建视图"}
    groups: list[dict[str, Any]] = [{"title": "我的", "links": own}, {"title": "岗位池", "links": queues}]
    groups += [{"title": "视图", "links": named, "more": more}, {"title": "已处理", "links": done}]
    return [one for one in groups if one["links"] or "more" in one]


def _row(line: TaskLine, listed: TaskList) -> dict[str, Any]:
    done = bool(line.done_at)
    here: dict[str, Any] = {"view": listed.view, "q": listed.words or None, "after": listed.after or None}
    return {
        "id": line.id,
        "href": url_for("task.show", task_id=line.id, **({} if done else here)),
        "title": line.title,
        "due": None if done else line.due.days,
        "soon": line.soon,
        "tone": line.tone,
        "paused": "" if done else line.due.paused,
        "what": line.what,
        "number": line.number,
        "about": line.about,
        "marks": [(f"{line.done_at} 办结", "ok", "")] if done else line.marks,
        "mine": line.mine,
        "unread": line.unread,
        "barred": line.barred,
        "pick": not done and not line.barred,
    }
