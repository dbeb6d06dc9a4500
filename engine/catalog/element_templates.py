"""Element templates: an analyst picks «查询不动产» from a list in the modeler and gets its inputs and outputs.

Generated from the vocabulary, in the published JSON format of the Camunda Modeler (``zeebe:`` bindings); our own editor
reads the same. Labels are the ``title`` of a field's metadata, else its name.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.core import parties
from engine.core.operations import Operation, vocabulary

# The modeler takes a template for one of Camunda 8 by this name in its address.
SCHEMA = "https://camunda.org/@camunda/zeebe-element-templates-json-schema/resources/schema.json"
GROUPS = [{"id": "inputs", "label": "输入"}, {"id": "outputs", "label": "输出到流程变量"}]
TYPES: tuple[tuple[type[fields.Field[Any]], str], ...] = (
    (fields.Boolean, "是或否"),
    (fields.Integer, "整数"),
    (fields.Number, "数"),
    (fields.Date, "日期"),
    (fields.DateTime, "时间"),
    (fields.List, "列表"),
    (fields.Nested, "一组内容"),
    (fields.Dict, "一组内容"),
    (fields.String, "文本"),
)


def templates() -> list[dict[str, Any]]:
    """One template for each operation, by name."""
    return [template(one) for one in vocabulary().values()]


def template(operation: Operation) -> dict[str, Any]:
    """The template of one operation."""
    party = parties.party(operation.party) if operation.party else None
    rules = parties.rules(operation.party, operation.name)
    told = [operation.purpose or operation.title]
    told += ["须有本人授权"] if rules.consent else []
    told += ["按办件顺序报送，不等对方接收"] if rules.ordered else []
    return {
        "$schema": SCHEMA,
        "id": f"anju.{operation.name}",
        "name": operation.title,
        "description": "；".join(told),
        "category": {"id": party.key, "name": party.title or party.key} if party else {"id": "anju", "name": "本系统"},
        "appliesTo": ["bpmn:Task", "bpmn:ServiceTask", "bpmn:SendTask"],
        "elementType": {"value": "bpmn:ServiceTask"},
        "groups": [group for group in GROUPS if group["id"] == "inputs" or operation.outputs.fields],
        "properties": [
            _hidden("type", operation.name),
            _hidden("retries", str(operation.retries)),
            *(_input(name, field) for name, field in operation.inputs.fields.items()),
            *(_output(name, field) for name, field in operation.outputs.fields.items()),
        ],
    }


def describe(field: fields.Field[Any]) -> str:
    """What a field holds, in words."""
    kind = next((name for known, name in TYPES if isinstance(field, known)), "任意")
    choices = _choices(field)
    told = [f"{kind}：{'、'.join(choices)}" if choices else kind]
    told += [str(field.metadata["unit"])] if "unit" in field.metadata else []
    told += ["可为空"] if field.allow_none else []
    told += ["个人信息，密封保存"] if field.metadata.get("personal") else []
    return "，".join(told)


def label(name: str, field: fields.Field[Any]) -> str:
    """How a field is called on screen."""
    return str(field.metadata.get("title") or name)


def _hidden(name: str, value: str) -> dict[str, Any]:
    return {"type": "Hidden", "value": value, "binding": {"type": "zeebe:taskDefinition", "property": name}}


def _input(name: str, field: fields.Field[Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": f"input_{name}",
        "label": label(name, field),
        "description": describe(field),
        "group": "inputs",
        "type": "String",
        # Whatever it is, it may come from the process; only a text may stand there as it is.
        "feel": "optional" if isinstance(field, fields.String) and not _choices(field) else "required",
        "binding": {"type": "zeebe:input", "name": name},
    }
    if field.required:
        made["constraints"] = {"notEmpty": True}
    else:
        made["optional"] = True
    if choices := _choices(field):
        made["placeholder"] = f'"{choices[0]}"'
    return made


def _output(name: str, field: fields.Field[Any]) -> dict[str, Any]:
    return {
        "id": f"output_{name}",
        "label": f"{label(name, field)} → 变量名",
        "description": describe(field),
        "group": "outputs",
        "type": "String",
        "optional": True,
        "binding": {"type": "zeebe:output", "source": f"={name}"},
    }


def _choices(field: fields.Field[Any]) -> list[str]:
    for check in field.validators:
        if isinstance(check, validate.OneOf):
            return [str(one) for one in check.choices]
    return []
