"""Our own OpenAPI document, made of the operations and schemas that serve the API."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin, OpenAPIConverter
from flask import Response
from marshmallow import fields

from web.api.operations import Operation, Operations
from web.api.problems import PREFIX
from web.api.schemas import ApiSchema, Key, Moment

operations = Operations("openapi", "系统")

TITLE, VERSION = "安居接口", "1.0"
ABOUT = (
    "沿用 Camunda 8 编排集群接口的约定：流程、决策和表单的部署，流程实例、任务、变量、作业、消息与故障。"
    "错误一律为 application/problem+json。"
)
PROBLEMS = {
    400: "请求不正确",
    401: "没有凭据或凭据无效",
    403: "没有权限",
    404: "找不到，或不在查看范围内",
    405: "不支持的方法",
    409: "当前状态下不能办理",
    413: "内容过大",
    415: "内容类型不支持",
    429: "请求过多",
    500: "系统出错",
    503: "暂时不可用",
    504: "在限定时间内没有完成",
}
_SECURITY: list[dict[str, list[str]]] = [{"basic": []}, {"bearer": []}, {"oauth": []}]


class Problem(ApiSchema):
    """A problem (RFC 9457); ``code`` is stable."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    code = fields.String(required=True)


class Document(ApiSchema):
    """An OpenAPI 3.0 document."""

    openapi = fields.String(required=True)
    info = fields.Dict(required=True)
    paths = fields.Dict(required=True)
    components = fields.Dict(required=True)


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    from web import api  # the list of modules, of which this is one

    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(TITLE, VERSION, "3.0.3", info={"description": ABOUT}, plugins=[plugin])
    assert plugin.converter is not None
    plugin.converter.map_to_openapi_type(Key, "string", None)
    plugin.converter.map_to_openapi_type(Moment, "string", "date-time")
    plugin.converter.add_attribute_function(_key_pattern)
    spec.components.security_scheme("basic", {"type": "http", "scheme": "basic"})
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    flow = {"clientCredentials": {"tokenUrl": f"{PREFIX}/oauth/token", "scopes": {}}}
    spec.components.security_scheme("oauth", {"type": "oauth2", "flows": flow})
    spec.components.schema("Problem", schema=Problem)
    for operation in api.operations():
        spec.path(path=f"{PREFIX}{operation.path}", operations={operation.method.lower(): _operation(operation)})
    found: dict[str, Any] = spec.to_dict()
    return found


def _name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return str(kind.__name__)


def _key_pattern(_converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    return {"pattern": "^-?[0-9]+$", "maxLength": 25} if isinstance(field, Key) else {}


def _operation(one: Operation) -> dict[str, Any]:
    known = ({400, 405, 500, *one.faults} - {204}) | (set() if one.open else {401, 403})
    known |= {413, 415} if one.body is not None else set()
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.title,
        "description": f"{one.note}\n\n{one.text}".strip(),
        "tags": [one.tag],
        "security": [] if one.open else _SECURITY,
        "responses": _answers(one) | {str(status): _problem(status) for status in sorted(known)},
    }
    if keys := [part.strip("{}") for part in one.path.split("/") if part.startswith("{")]:
        described["parameters"] = [
            {"name": key, "in": "path", "required": True, "schema": {"type": "string", "pattern": "^-?[0-9]+$"}}
            for key in keys
        ]
    if one.body is not None:
        media = "multipart/form-data" if one.files else "application/x-www-form-urlencoded" if one.form else None
        described["requestBody"] = {"content": {media or "application/json": {"schema": one.body}}}
    return described


def _answers(one: Operation) -> dict[str, Any]:
    if one.gives is not None:
        answers: dict[str, Any] = {
            "200": {"description": "成功", "content": {"application/json": {"schema": one.gives}}}
        }
        return answers | ({"204": {"description": "没有"}} if one.may_be_empty else {})
    if one.media != "application/json":
        return {"200": {"description": "成功", "content": {one.media: {"schema": {"type": "string"}}}}}
    return {"204": {"description": "成功，没有内容"}}


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": PROBLEMS[status], "content": {"application/problem+json": {"schema": schema}}}


@operations.add("GET", "/openapi.json", "本接口的 OpenAPI 文档", gives=Document, open=True)
def get_openapi() -> Response:
    """This very document, made of what is served."""
    return Response(orjson.dumps(document()), content_type="application/json")
