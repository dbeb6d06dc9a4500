"""What every staff page shows around its content: who is here, where one may go, how a party is called."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request, url_for

from engine.core import clock
from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries.staff import Surroundings, surroundings
from web import security
from web.app import Parts

pages = Blueprint("staff_context", __name__)

# blueprint → the entry of the main navigation it belongs to
PLACES = {
    "inbox": "inbox",
    "inbox_bulk": "inbox",
    "inbox_views": "inbox",
    "task": "inbox",
    "approval": "inbox",
    "bulk_approval": "inbox",
    "desk_words": "messages",
    "case": "case",
    "case_desk": "case",
    "counter": "counter",
    "bank": "bank",
    "payments": "payments",
    "invoices": "invoices",
    "deputies": "people",
    "handover": "people",
    "incidents": "incidents",
    "operate": "case",
    "migrations": "migrations",
    "versions": "versions",
    "monitor": "monitor",
    "demo_clock": "",
    "clock": "clock",
    "office_calendar": "clock",
}
# entry of the navigation → the letter that leads there after «g»
GO = {"inbox": "i", "case": "c"}


@pages.app_context_processor
def staff_page() -> dict[str, Any]:
    """Variables of ``base/staff.html``; nothing where a citizen or nobody is signed in."""
    actor: Actor | None = g.get("actor")
    if actor is None or actor.kind != "staff" or request.blueprint not in PLACES:
        return {}
    with reading() as session:
        around = surroundings(session, actor)
    demo = parts().config.demo
    return {
        "user": {"name": actor.name, "title": around.title, "office": around.office},
        "nav": _nav(actor, around),
        "home_url": url_for("inbox.show"),
        "logout_url": url_for("sign_in.sign_out"),
        "login_url": url_for("sign_in.sign_in_page"),
        "csrf_url": url_for("staff_context.token"),
        "search_url": url_for("case.search"),
        "demo_today": clock.today() if demo else None,
    }


@pages.get("/token")
@security.staff()
def token() -> Response:
    """The session's token for a page that outlived its sign-in; other sites cannot read it."""
    return jsonify(csrf_token=security.csrf_token())


def parts() -> Parts:
    """What the application was put together from."""
    found: Parts = current_app.extensions["anju"]
    return found


def _nav(actor: Actor, around: Surroundings) -> list[dict[str, Any]]:
    entries: list[tuple[str, str, str, int]] = [("inbox", "inbox.show", "待办", 0), ("case", "case.search", "办件", 0)]
    entries.append(("messages", "desk_words.messages", "消息", around.messages))
    if actor.has("acceptance"):
        entries.append(("counter", "counter.items", "窗口受理", 0))
    if actor.has("finance") or actor.has("finance_review"):
        entries.append(("bank", "bank.show", "银行收付", 0))
    if actor.has("finance") or actor.has("finance_review") or actor.has("supervisor"):
        entries.append(("payments", "payments.show", "扫码收款", 0))
        entries.append(("invoices", "invoices.show", "电子票据", 0))
    if actor.has("supervisor"):
        entries.append(("clock", "clock.show", "时限", 0))
        entries.append(("incidents", "incidents.show", "故障", around.incidents))
        entries.append(("people", "deputies.office", "人员", 0))
        entries.append(("migrations", "migrations.show", "迁移", 0))
        entries.append(("monitor", "monitor.show", "外部系统", 0))
    if actor.has("analyst"):
        entries.append(("versions", "versions.show", "版本", 0))
    here = PLACES.get(request.blueprint or "")
    return [
        {"href": url_for(endpoint), "title": title, "current": place == here, "count": count, "go": GO.get(place)}
        for place, endpoint, title, count in entries
    ]


@pages.app_template_filter("party")
def party_title(party: str) -> str:
    """``police`` → what its connector calls it; our own work has no party."""
    return next((one.title for one in parts().connectors if one.party == party), party or "本系统")
