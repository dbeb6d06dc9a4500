"""One operation of the API: a function with its address and its schemas. Routes and the OpenAPI document come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
from flask import Blueprint, Response, request
from marshmallow import Schema, ValidationError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import UnsupportedMediaType

from web.api import auth
from web.api.problems import PREFIX, BadRequest
from web.api.schemas import ApiSchema, camel, key_of


@dataclass(frozen=True)
class Operation:
    """``path`` as in OpenAPI (``/forms/{formKey}``); ``body`` and ``gives`` are schemas, None for none (204).

    ``faults`` are the numbers of problems beyond those that every operation may answer with.
    """

    method: str
    path: str
    name: str
    title: str
    text: str
    tag: str
    body: Schema | None
    gives: Schema | None
    faults: tuple[int, ...]
    open: bool
    files: bool
    form: bool
    media: str
    may_be_empty: bool
    note: str


class Operations:
    """The operations of one resource; ``pages`` is their blueprint."""

    def __init__(self, name: str, tag: str) -> None:
        self.pages = Blueprint(f"api_{name}", __name__, url_prefix=PREFIX)
        self.tag = tag
        self.all: list[Operation] = []

    def add(
        self,
        method: str,
        path: str,
        title: str,
        *,
        body: type[ApiSchema] | Schema | None = None,
        gives: type[ApiSchema] | Schema | None = None,
        faults: tuple[int, ...] = (),
        open: bool = False,
        files: bool = False,
        form: bool = False,
        media: str = "application/json",
        note: str = "",
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare an operation. The function gets ``actor`` (unless open), path keys by name, and ``body`` if any.

        ``note`` is what people must know beyond the title, for the page.
        """

        def declare(function: Callable[..., Any]) -> Callable[..., Any]:
            text = " ".join((function.__doc__ or "").split())
            operation = Operation(
                method, path, camel(function.__name__), title, text, self.tag,
                _made(body), _made(gives), faults, open, files, form, media, 204 in faults, note,
            )  # fmt: skip
            self.all.append(operation)
            rule = path.replace("{", "<").replace("}", ">")
            view = _view(operation, function)
            self.pages.add_url_rule(rule, function.__name__, view, methods=[method], strict_slashes=False)
            return function

        return declare


def _made(schema: type[ApiSchema] | Schema | None) -> Schema | None:
    return schema() if isinstance(schema, type) else schema


def _view(operation: Operation, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def view(**path: str) -> Response:
        given: dict[str, Any] = {} if operation.open else {"actor": auth.actor()}
        for name, value in path.items():
            given[_snake(name)] = _key(name, value) if name.endswith("Key") else value
        if operation.body is not None:
            given["body"] = _load(operation.body, form_body() if operation.files or operation.form else json_body())
        return answer(operation, function(**given))

    return view


def answer(operation: Operation, result: Any) -> Response:
    """200 with the whole schema, 204 for nothing; a response of the operation's own stays as it is."""
    if isinstance(result, Response):
        return result
    if result is None or operation.gives is None:
        return Response(status=204)
    body = orjson.dumps(operation.gives.dump(result), option=orjson.OPT_NON_STR_KEYS)
    return Response(body, content_type="application/json")


def json_body() -> dict[str, Any]:
    """The JSON object of the request; an empty body is an empty object. Raises ``BadRequest``."""
    content = request.get_data(cache=True)
    if not content.strip():
        return {}
    if request.mimetype and request.mimetype not in ("application/json", "application/octet-stream"):
        raise UnsupportedMediaType
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"请求内容不是有效的 JSON（{error}）") from error
    if not isinstance(found, dict):
        raise BadRequest("请求内容应为一个 JSON 对象")
    _check_texts(found)
    return found


def form_body() -> dict[str, Any]:
    """The fields of a multipart request; files under their names, each as often as it was sent."""
    fields: dict[str, Any] = dict(request.form.items())
    _check_texts(fields)
    for name in request.files:
        fields[name] = [_upload(one) for one in request.files.getlist(name)]
    return fields


def _upload(file: FileStorage) -> tuple[str, bytes]:
    return file.filename or "", file.read()


def _load(schema: Schema, given: dict[str, Any]) -> Any:
    try:
        return schema.load(given)
    except ValidationError as error:
        raise BadRequest("；".join(_told(error.messages))) from error


def _told(messages: Any, path: str = "") -> list[str]:
    """marshmallow's nested messages as ``filter.state: …``."""
    if isinstance(messages, dict):
        inner = ((f"{path}.{name}" if path else str(name), said) for name, said in messages.items())
        return [line for name, said in inner for line in _told(said, name)]
    if isinstance(messages, list):
        return [line for inner in messages for line in _told(inner, path)]
    return [f"{path}: {messages}" if path and path != "_schema" else str(messages)]


def _key(name: str, value: str) -> int:
    try:
        # A variable's key is longer than those of rows: it names the case and the variable in it.
        return key_of(value, 10**25) if name == "variableKey" else key_of(value)
    except ValidationError as error:
        raise BadRequest(f"{name}: {error.messages[0]}") from error


def _snake(name: str) -> str:
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)


def _check_texts(value: Any) -> None:
    """No database keeps a null character."""
    if isinstance(value, str):
        if "\0" in value:
            raise BadRequest("文字中有不能保存的字符，请删除后重试")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_texts(name)
            _check_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_texts(inner)
