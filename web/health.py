"""Whether this process lives and reaches its database."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from engine.core.db import reading

pages = Blueprint("health", __name__)


@pages.get("/health")
def health() -> Response:
    """200 while the database answers."""
    with reading() as session:
        session.execute(text("SELECT 1"))
    return jsonify(ok=True)
