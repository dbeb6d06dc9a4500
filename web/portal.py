"""The portal's front page."""

from __future__ import annotations

from flask import Blueprint, render_template

from engine.core.db import reading
from engine.queries import notices, portal
from web.portal_context import citizen

pages = Blueprint("portal", __name__)

FEW = 3


@pages.get("/portal")
def home() -> str:
    """What can be applied for, own cases under way, new messages, notices that run."""
    actor = citizen()
    with reading() as session:
        return render_template(
            "portal/home.html",
            items=portal.offered_items(session),
            cases=portal.my_cases(session, actor, "open") if actor else [],
            unread=portal.unread_messages(session, actor) if actor else 0,
            notices=notices.current(session, FEW),
        )
