"""What other parties send us: read by the connector, turned into a command, answered as the party wants it."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, request

from engine.commands import dispatch
from engine.commands.inbound import ReceiveEvent
from engine.core import inbound
from engine.core.actor import SYSTEM
from engine.core.errors import AnjuError, NotFound
from engine.core.inbound import Taken

pages = Blueprint("inbound", __name__)


@pages.post("/inbound/<path:name>")
def receive(name: str) -> Response:
    """A repeat is thanked for and has no effect; who is refused is told so in the party's own words."""
    reader = inbound.reader(name)
    if reader is None:
        raise NotFound("没有这个接入方")
    try:
        came = reader.read(request.get_data(), dict(request.headers))
        taken = Taken()
        for event in came if isinstance(came, Sequence) else [came]:
            taken = dispatch(ReceiveEvent(event), SYSTEM)
    except AnjuError as error:
        taken = Taken(error=error)
    reply = reader.reply(taken)
    return Response(reply.body, reply.status, reply.headers, content_type=reply.media_type)
