"""Files in and out, for caseworkers and citizens alike: upload, download, thumbnail, issued papers."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, current_app, g, jsonify, make_response, request

from engine.commands import dispatch
from engine.commands.files import UploadFile
from engine.core.actor import Actor
from engine.core.db import reading
from engine.core.errors import Refused
from engine.files import uploads
from engine.queries import files
from engine.queries.files import StoredFile
from web.security import SignInNeeded

pages = Blueprint("files", __name__)

# What a browser shows by itself; anything else is saved.
INLINE = ("application/pdf", "image/png", "image/jpeg")
THUMBNAIL_WIDTH = 320


def _someone() -> Actor:
    """Whoever is signed in, at either door."""
    actor: Actor | None = g.actor
    if actor is None:
        raise SignInNeeded(portal="/portal" in (request.referrer or ""))
    return actor


@pages.post("/files")
def upload() -> tuple[Response, int]:
    """Take one file: judged by its content, stored, then its row. Gives {id, name, size}; the id is text."""
    actor = _someone()
    given = request.files.get("file")
    if given is None:
        raise Refused("没有收到文件，请重新选择", code="file_missing")
    with given.stream:
        content = given.read()
    found = uploads.inspect(content, given.filename or "")
    sha = current_app.extensions["anju"].store.put(content)
    # Which material it is follows from the form's field when the form is submitted.
    file_id = dispatch(UploadFile(sha, found, code=""), actor)
    return jsonify(id=str(file_id), name=found.name, size=found.size), 201


@pages.get("/files/<int:file_id>")
def download(file_id: int) -> Response:
    """The file as it was handed in."""
    with reading() as session:
        found = files.attachment(session, _someone(), file_id)
    return send(found)


@pages.get("/files/<int:file_id>/thumbnail.png")
def thumbnail(file_id: int) -> Response:
    """A small picture of an uploaded image."""
    with reading() as session:
        found = files.attachment(session, _someone(), file_id)
    content = current_app.extensions["anju"].store.get(found.sha)
    response = make_response(uploads.thumbnail(content, found.media_type, THUMBNAIL_WIDTH))
    response.headers["Content-Type"] = "image/png"
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


@pages.get("/documents/<int:document_id>.pdf")
def paper(document_id: int) -> Response:
    """A paper the office issued."""
    with reading() as session:
        found = files.paper(session, _someone(), document_id)
    return send(found)


def send(found: StoredFile) -> Response:
    """A stored file as an answer; what a browser shows by itself is shown, unless it is to be saved."""
    response = make_response(current_app.extensions["anju"].store.get(found.sha))
    kind = "inline" if found.media_type in INLINE and "download" not in request.args else "attachment"
    response.headers["Content-Type"] = found.media_type
    response.headers["Content-Disposition"] = f"{kind}; filename*=UTF-8''{quote(found.name)}"
    response.headers["Cache-Control"] = "private, no-cache"
    return response
