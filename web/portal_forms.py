"""Between a page with a form island and the engine: answers in, drafts kept, errors in the island's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, g, jsonify, make_response, request

from engine.cases.drafts import DraftElsewhere
from engine.commands import dispatch
from engine.commands.tasks import SaveDraft
from engine.core import clock
from engine.core.errors import InvalidAnswers, Refused

# How many characters of a page's own name are kept.
DEVICE = 24


def posted_answers() -> dict[str, Any]:
    """The answers of a submitted page. Raises ``Refused`` for anything but a JSON object."""
    try:
        answers = json.loads(request.form.get("answers", ""))
    except ValueError as error:
        raise _unreadable() from error
    if not isinstance(answers, dict):
        raise _unreadable()
    return answers


def keep_draft(scope: str) -> Response:
    """Keep what the island sends while it is typed."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(answers := body.get("answers"), dict):
        raise _unreadable()
    seen, device = body.get("seen"), body.get("device")
    about = (device[:DEVICE] if isinstance(device, str) else "", seen if type(seen) is int else None)
    try:
        draft = dispatch(SaveDraft(scope, answers, *about), g.actor)
    except DraftElsewhere as error:
        # The page asks which of the two shall stay, and sends again what it was told here.
        return make_response(jsonify(code=error.code, message=error.message, revision=error.revision), 409)
    return jsonify(saved_at=clock.local(draft.saved_at).isoformat(), revision=draft.revision)


def island_errors(error: InvalidAnswers) -> dict[str, list[str]]:
    """Rows of lists as the island counts them: ``phone:0`` → ``phone.0``."""
    return {name.replace(":", "."): list(messages) for name, messages in error.errors.items()}


def with_typed(data: Mapping[str, Any], typed: Mapping[str, Any]) -> dict[str, Any]:
    """What the form opened with, overlaid with what was typed."""
    return {**data, **typed}


def _unreadable() -> Refused:
    return Refused("提交的内容无法识别，请刷新页面后重新提交，已填内容保存在草稿中", code="unreadable")
