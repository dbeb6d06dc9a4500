"""What other parties send us: read by the connector, turned into a command."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from engine.commands import dispatch
from engine.commands.jobs import ReceiveLateAnswer
from engine.core import operations
from engine.core.actor import SYSTEM
from engine.core.errors import NotFound

pages = Blueprint("inbound", __name__)


@pages.post("/inbound/<party>")
def receive(party: str) -> Response:
    """A signed answer to an earlier request; a repeat is thanked for and has no effect."""
    read = operations.inbound_reader(party)
    if read is None:
        raise NotFound("没有这个接入方")
    late = read(request.get_data(), dict(request.headers))
    new = dispatch(ReceiveLateAnswer(late), SYSTEM)
    return jsonify(received=True, repeated=not new)
