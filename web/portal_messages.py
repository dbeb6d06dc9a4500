"""Messages to the citizen: the list, one message, marks of what was read."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.portal import MarkMessagesRead
from engine.core.db import reading
from engine.queries import portal
from web.security import citizen

pages = Blueprint("portal_messages", __name__)


@pages.get("/portal/messages")
@citizen
def inbox() -> str:
    """Newest first, unread ones marked."""
    with reading() as session:
        return render_template("portal/messages.html", messages=portal.messages(session, g.actor))


@pages.get("/portal/messages/<int:message_id>")
@citizen
def message(message_id: int) -> str:
    """One message; whoever opens it has read it."""
    with reading() as session:
        found, own_case = portal.message(session, g.actor, message_id)
    if found.unread:
        dispatch(MarkMessagesRead((message_id,)), g.actor)
    return render_template("portal/message.html", message=found, own_case=own_case)


@pages.post("/portal/messages/read")
@citizen
def read_all() -> Response:
    """Mark all as read."""
    dispatch(MarkMessagesRead(), g.actor)
    return redirect(url_for("portal_messages.inbox"), 303)
