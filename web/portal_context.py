"""What every citizen's page shows around its content, and the words its pages have in common."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, g, request, url_for

from engine.core import clock, masks
from engine.core.actor import Actor
from engine.core.db import reading
from engine.queries import portal

pages = Blueprint("portal_context", __name__)

# blueprint → the entry of the navigation it belongs to
PLACES = {
    "portal": "home",
    "portal_apply": "home",
    "portal_case": "cases",
    "portal_task": "cases",
    "portal_pay": "cases",
    "portal_messages": "messages",
    "portal_objections": "notices",
    "portal_sign_in": "",
    "notices": "notices",
    "verify": "verify",
}
ENTRIES = (
    ("home", "portal.home", "首页", "home"),
    ("cases", "portal_case.cases", "办件", "list"),
    ("messages", "portal_messages.inbox", "消息", "bell"),
    ("notices", "notices.current", "公示", "megaphone"),
    ("verify", "verify.start", "核验", "shield"),
)


@pages.app_context_processor
def citizen_page() -> dict[str, Any]:
    """Variables of ``base/portal.html`` and ``base/plain.html``; nothing on staff pages."""
    if request.blueprint not in PLACES:
        return {}
    actor = citizen()
    unread = 0
    if actor is not None:
        with reading() as session:
            unread = portal.unread_messages(session, actor)
    here = PLACES[request.blueprint]
    return {
        "user": {"name": masks.mask_name(actor.name)} if actor else None,
        "nav": [
            {
                "href": url_for(endpoint),
                "title": title,
                "icon": icon,
                "current": place == here,
                "count": unread if place == "messages" else 0,
            }
            for place, endpoint, title, icon in ENTRIES
        ],
        "home_url": url_for("portal.home"),
        "login_url": url_for("portal_sign_in.sign_in_page", next=request.path if request.method == "GET" else None),
        "second_window_url": url_for("portal_sign_in.sign_in_page", next=url_for("portal_sign_in.signed_in")),
        "logout_url": url_for("portal_sign_in.sign_out"),
        "csrf_url": url_for("portal_sign_in.token"),
        "verify_url": url_for("verify.start"),
        "public_notices_url": url_for("notices.current"),
    }


def citizen() -> Actor | None:
    """The signed-in citizen; a caseworker is nobody here."""
    actor: Actor | None = g.get("actor")
    return actor if actor is not None and actor.kind == "citizen" else None


@pages.app_template_filter("zh_day")
def zh_day(value: date | datetime | str | None) -> str:
    """``2026年11月22日`` for a day, a moment (in Shanghai) or an ISO text; nothing for nothing."""
    if not value:
        return ""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value[:10])
        except ValueError:
            return str(value)
    day = clock.local(value).date() if isinstance(value, datetime) else value
    return f"{day.year}年{day.month}月{day.day}日"


@pages.app_template_filter("zh_moment")
def zh_moment(value: datetime | None) -> str:
    """``11月22日 14:32``, with the year where it is another one."""
    if value is None:
        return ""
    local = clock.local(value)
    year = "" if local.year == clock.today().year else f"{local.year}年"
    return f"{year}{local.month}月{local.day}日 {local:%H:%M}"


@pages.app_template_filter("zh_end")
def zh_end(value: datetime) -> str:
    """The end of a period; midnight belongs to the day that ends: ``2026年12月4日 24 时``."""
    local = clock.local(value)
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        return f"{zh_day(value - timedelta(seconds=1))} 24 时"
    return f"{zh_day(value)} {local:%H:%M}"


@pages.app_template_filter("zh_size")
def zh_size(value: int) -> str:
    """``340 KB``."""
    return f"{max(1, round(value / 1024))} KB" if value < 1024 * 1024 else f"{value / 1024 / 1024:.1f} MB"
