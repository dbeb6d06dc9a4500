"""The operations as element templates, for our own editor and for download into the Camunda Modeler."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from engine.catalog import element_templates
from web.security import staff

pages = Blueprint("vocabulary", __name__)


@pages.get("/workbench/element-templates.json")
@staff()
def templates() -> Response:
    """All templates."""
    return jsonify(element_templates.templates())
