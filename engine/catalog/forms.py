"""Forms on the server: a form-js schema compiled to the one authority on what a person may answer.

The browser shows the same schema with form-js; nothing it decided (hidden, read-only, computed, valid) is believed.

Wire format, as the browser's components send it: money (``aj-amount``) is an integer of 分 (text is 元 as typed), files
are ``[{id, name, size}]``, dates ISO text, numbers JSON numbers. Messages of ``InvalidAnswers`` are keyed by the
field's id; inside a list by id and row numbers from 0: ``phone.0``, ``phone.0.1`` in a list inside a list. A refusal
of the answers as a whole stands under the empty key and in the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import orjson

from engine.catalog.form_checks import Codes
from engine.catalog.form_clean import Cleaning, shapes_of
from engine.catalog.form_entries import refusal
from engine.catalog.form_read import Findings, read_fields
from engine.catalog.form_show import changes, names_read, without
from engine.catalog.form_tree import Field, flat
from engine.core.errors import Fault, ModelFault

__all__ = ["Field", "Form", "compile_form", "strip_for"]


class Form:
    """One compiled form; immutable, safe between threads. Made by ``compile_form``."""

    def __init__(self, schema: Mapping[str, Any], fields: tuple[Field, ...], warnings: tuple[Fault, ...]) -> None:
        self.schema = schema
        self.id = str(schema["id"])
        self.warnings = warnings
        self._tree = fields
        self.fields = tuple(flat(fields))
        self.names = tuple(dict.fromkeys(one.steps[0] for one in fields))
        self._shapes = shapes_of(fields)
        self._reads = names_read(schema) | set(self.names)

    def clean(
        self, answers: Mapping[str, Any], data: Mapping[str, Any] | None = None, *, codes: Codes | None = None
    ) -> dict[str, Any]:
        """The answers that count, as variables: trimmed, normalised, money in 分.

        ``data`` is what the form was opened with (variables by name): FEEL sees it, and read-only fields keep its
        values. Hidden fields are left out; unknown keys are ignored. A masked personal number that fits the one in
        ``data`` stands for it. ``codes(table, value)`` says whether the code table ``region`` knows a value. Which
        files exist is the caller's to check (``file_ids``). Raises ``InvalidAnswers`` and nothing else, whatever the
        answers are.
        """
        if not isinstance(answers, Mapping):
            raise refusal("提交的内容无法识别，请刷新页面后重新填写")
        return Cleaning(self._tree, self._shapes, answers, data or {}, codes).run()

    def display(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the browser needs of ``values``: the form's fields and the names its FEEL and templates read."""
        return {name: deepcopy(value) for name, value in values.items() if name in self._reads}

    def changed(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """(label, before, after) in words for a timeline; personal values are named, never shown."""
        return changes(self._tree, old, new)

    def file_ids(self, values: Mapping[str, Any]) -> list[str]:
        """The ids of all uploaded files in clean ``values``."""
        return [str(file["id"]) for one in self.fields if one.type == "aj-file" for file in _files(one.path, values)]


def _files(path: str, values: Any) -> list[Mapping[str, Any]]:
    """The files at ``members[].proof`` in every row."""
    found: list[Any] = [values]
    for step in path.replace("[]", ".[]").split("."):
        if step == "[]":
            found = [row for rows in found for row in (rows or [])]
        else:
            found = [one.get(step) if isinstance(one, Mapping) else None for one in found]
    return [file for files in found for file in (files or [])]


def compile_form(schema: Mapping[str, Any] | bytes, file: str = "") -> Form:
    """Read a form-js schema. Raises ``ModelFault`` with every fault found; warnings lie in ``Form.warnings``.

    Fault codes: ``form_json``, ``form_id``, ``form_components``, ``form_component``, ``form_depth``, ``form_field_id``,
    ``duplicate_id``, ``form_key``, ``duplicate_key``, ``unknown_field_type``, ``field_type_refused``, ``form_feel``,
    ``form_pattern``, ``form_setting``; warnings ``form_button``, ``form_phone``. Bytes give line numbers.
    """
    text = schema.decode("utf-8", "replace") if isinstance(schema, bytes) else ""
    findings = Findings(file, text)
    parsed = _parsed(schema, file)
    if not isinstance(parsed.get("id"), str) or not parsed["id"]:
        findings.add("form_id", "表单没有 id", hint="请填写 id，如 事项名_apply")
    fields = read_fields(parsed, findings)
    if findings.errors:
        raise ModelFault(*findings.errors, *(fault for fault in findings.faults if fault.level != "error"))
    return Form(parsed, fields, tuple(findings.faults))


def _parsed(schema: Mapping[str, Any] | bytes, file: str) -> Mapping[str, Any]:
    if isinstance(schema, Mapping):
        return schema
    try:
        parsed = orjson.loads(schema)
    except orjson.JSONDecodeError as error:
        raise ModelFault(Fault("form_json", "不是有效的 JSON", file, line=error.lineno, hint=str(error.msg))) from error
    if not isinstance(parsed, Mapping):
        raise ModelFault(Fault("form_json", "表单应为一个 JSON 对象", file, line=1))
    return parsed


def strip_for(form: Form, hidden_keys: set[str]) -> dict[str, Any]:
    """The form's schema without the fields a role may not see, by id, key or place (``members.phone``).

    Clean what comes back with ``compile_form`` of the stripped schema, so that a field not shown cannot be answered.
    """
    return without(form.schema, hidden_keys)
