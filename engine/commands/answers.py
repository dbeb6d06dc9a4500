"""Between a form and a case: files claimed, personal values sealed, errors worded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

from engine.cases.case import Case
from engine.cases.documents import Attachment
from engine.catalog.forms import Form
from engine.commands import Unit
from engine.core import secrets
from engine.core.errors import InvalidAnswers


@contextmanager
def show_errors(form: Form) -> Iterator[None]:
    """Name the form in the message of invalid answers."""
    try:
        yield
    except InvalidAnswers as error:
        error.message = f"有 {len(error.errors)} 处需要更正，请按提示修改后再提交"
        raise


def sealed(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the answers in which every personal field is sealed."""
    personal = {field.key for field in form.fields if field.personal}
    return {key: _seal(key, value, personal) for key, value in answers.items()}


def _seal(key: str, value: Any, personal: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _seal(name, item, personal) for name, item in value.items()}
    if isinstance(value, list):
        return [_seal(key, item, personal) for item in value]
    if key in personal and value not in (None, ""):
        return secrets.seal(str(value))
    return value


def attach_files(unit: Unit, form: Form, answers: Mapping[str, Any], case: Case) -> None:
    """Bind the uploaded files named in the answers to the case; a file of somebody else is refused at its field."""
    for field in form.fields:
        if field.type != "aj-file":
            continue
        wanted = {int(entry["id"]) for entry in _find_all(answers, field.key) if str(entry.get("id", "")).isdigit()}
        if not wanted:
            continue
        rows = {row.id: row for row in unit.session.scalars(select(Attachment).where(Attachment.id.in_(wanted)))}
        for file_id in wanted:
            row = rows.get(file_id)
            if row is None or not (row.case_id == case.id or (row.case_id is None and row.owner == unit.actor.key)):
                raise InvalidAnswers({field.id: ["文件已不存在，请重新上传"]})
            row.case_id, row.code = case.id, row.code or str(field.properties.get("code") or field.key)


def _find_all(value: Any, key: str) -> Iterator[Mapping[str, Any]]:
    """Every file entry that stands under ``key`` anywhere in the answers."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == key and isinstance(item, list):
                yield from (entry for entry in item if isinstance(entry, Mapping))
            else:
                yield from _find_all(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _find_all(item, key)
