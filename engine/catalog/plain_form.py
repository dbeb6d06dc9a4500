"""The form of a task that has none: what it sees as a table of names and values, to be changed and added to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from engine.catalog.form_feel import is_feel
from engine.catalog.forms import Form, compile_form

# Keys of this form's own; no variable of a model is called so.
_MARK, _MORE = "anju_", "anju_more"
_SHORT = 120


def plain_form(context: Mapping[str, Any]) -> Form:
    """A field for each variable, and a list for new ones."""
    fields = [_field(name, value) for name, value in sorted(context.items())]
    if not fields:
        fields = [{"type": "text", "id": "anju_none", "text": "这项任务没有变量，可直接提交，或在下方添加。"}]
    return compile_form({"id": "anju_plain", "type": "default", "components": [*fields, _LIST]})


def opened(context: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of the variables."""
    return {_key(name): _shown(value) for name, value in context.items()}


def taken(answers: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that were changed or added; answers that are not of this form are variables already."""
    if not any(name.startswith(_MARK) for name in answers):
        return dict(answers)
    names = {_key(name): name for name in context}
    found = {}
    for key, given in answers.items():
        if (name := names.get(key)) is not None and given != _shown(context[name]):
            found[name] = given if _kind(context[name]) in ("checkbox", "number") else _read(given, context[name])
    more = answers.get(_MORE)
    for row in more if isinstance(more, list) else []:
        if isinstance(row, Mapping) and (name := str(row.get("anju_name") or "").strip()):
            found[name] = _read(row.get("anju_value"), None)
    return found


def labelled(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values as a person reads them."""
    return [(name, str(_shown(value))) for name, value in sorted(values.items())]


_LIST = {
    "type": "dynamiclist",
    "id": _MORE,
    "path": _MORE,
    "label": "添加变量",
    "allowAddRemove": True,
    "defaultRepetitions": 0,
    "isRepeating": True,
    "showOutline": True,
    "components": [
        {"type": "textfield", "id": one, "key": one, "label": label, "layout": {"row": "r", "columns": width}}
        for one, label, width in (("anju_name", "名称", 6), ("anju_value", "值", 10))
    ],
}


def _key(name: str) -> str:
    """A variable may be called anything, a field of a form may not."""
    return f"{_MARK}{name.encode().hex()}"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "checkbox"
    if isinstance(value, int | float):
        return "number"
    short = isinstance(value, str) and len(value) <= _SHORT and "\n" not in value
    return "textfield" if short or value is None else "textarea"


def _field(name: str, value: Any) -> dict[str, Any]:
    key = _key(name)
    field: dict[str, Any] = {"type": _kind(value), "id": key, "key": key, "label": _label(name)}
    if not isinstance(value, str | bool | int | float) and value is not None:
        field["description"] = "JSON"
    return field


def _label(name: str) -> str:
    """The name as it is: one that form-js would work out is written as a FEEL text."""
    if not is_feel(name) and "{{" not in name:
        return name
    text = "".join(f"\\u{ord(one):04x}" if one < " " or one in '"\\' else one for one in name)
    return f'="{text}"'


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, str | bool | int | float) else orjson.dumps(value).decode()


def _read(given: Any, before: Any) -> Any:
    """Text stays text where it was; elsewhere what reads as JSON is that."""
    if not isinstance(given, str) or isinstance(before, str):
        return given
    try:
        return orjson.loads(given)
    except orjson.JSONDecodeError:
        return given
