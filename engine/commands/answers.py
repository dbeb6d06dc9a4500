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
def show_errors() -> Iterator[None]:
    """Say how many places need mending; what concerns the form as a whole keeps its own words."""
    try:
        yield
    except InvalidAnswers as error:
        if "" not in error.errors:
            error.message = f"有 {len(error.errors)} 处需要更正，请按提示修改后再提交"
        raise


def sealed(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the answers in which every personal field is sealed, and the names people gave their files."""
    personal = {field.path for field in form.fields if field.personal}
    personal |= {f"{field.path}[].name" for field in form.fields if field.type == "aj-file"}
    return {key: _seal(key, value, personal) for key, value in answers.items()}


def _seal(path: str, value: Any, personal: set[str]) -> Any:
    """``path`` is the field's place as forms name it: ``applicant.phone``, ``members[].phone``."""
    if isinstance(value, Mapping):
        return {name: _seal(f"{path}.{name}", item, personal) for name, item in value.items()}
    if isinstance(value, list):
        return [_seal(f"{path}[]", item, personal) for item in value]
    if path in personal and value not in (None, ""):
        return secrets.seal(str(value))
    return value


def attach_files(unit: Unit, form: Form, answers: Mapping[str, Any], case: Case) -> None:
    """Bind the uploaded files named in the answers to the case; a file of somebody else is refused at its field."""
    for field in form.fields:
        if field.type != "aj-file":
            continue
        wanted = {int(entry["id"]) for entry in _at(field.path, answers)}
        if not wanted:
            continue
        rows = {row.id: row for row in unit.session.scalars(select(Attachment).where(Attachment.id.in_(wanted)))}
        for file_id in wanted:
            row = rows.get(file_id)
            if row is None or not (row.case_id == case.id or (row.case_id is None and row.owner == unit.actor.key)):
                raise InvalidAnswers({field.id: ["文件已不存在，请重新上传"]})
            row.case_id, row.code = case.id, str(field.properties.get("code") or field.key)
    unit.session.flush()


def _at(path: str, value: Any) -> Iterator[Any]:
    """Every entry of the list that lies at ``path``."""
    head, _, rest = path.partition(".")
    name, many = head.removesuffix("[]"), head.endswith("[]")
    found = value.get(name) if isinstance(value, Mapping) else None
    for one in (found or []) if many or not rest else [found]:
        if rest:
            yield from _at(rest, one)
        else:
            yield one
