"""One table from the engine's errors to HTTP and to the page a person sees."""

from __future__ import annotations

import logging

from flask import Flask, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from engine.core import ids
from engine.core.errors import (
    AnjuError,
    Duplicate,
    Forbidden,
    InvalidAnswers,
    ModelFault,
    NotFound,
    OutsideFault,
    Refused,
    TaskAlreadyDone,
    TaskChanged,
)
from engine.files.refusals import FileTooLarge, FileTypeRefused
from web.api import problems
from web.security import FormExpired, SignInNeeded, to_sign_in

log = logging.getLogger("anju.web")

STATUS: tuple[tuple[type[AnjuError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (FormExpired, 400),
    (InvalidAnswers, 422),
    (TaskAlreadyDone, 409),
    (TaskChanged, 409),
    (Duplicate, 409),
    (FileTooLarge, 413),
    (FileTypeRefused, 415),
    (Refused, 422),
    (ModelFault, 422),
    (OutsideFault, 503),
    (AnjuError, 500),
)

TITLES = {
    400: "页面已过期",
    403: "没有权限",
    404: "找不到",
    405: "找不到",
    409: "情况有变",
    413: "文件过大",
    415: "文件类型不支持",
    422: "未能办理",
    500: "系统出错",
    503: "外部系统暂时不可用",
}
MESSAGES = {
    404: "您要找的内容不存在，或不在您的查看范围内。请从首页重新进入。",
    405: "这个地址不能直接打开。请从首页重新进入。",
    413: "上传的内容超过 32 MB，请压缩或分开上传。",
}


def status_of(error: AnjuError) -> int:
    """The HTTP number of an error."""
    return next(number for kind, number in STATUS if isinstance(error, kind))


def wants_json() -> bool:
    """Whether a script asked, not a person."""
    return bool(request.is_json or request.headers.get("X-CSRF-Token") or request.path.startswith("/inbound/"))


def install(app: Flask) -> None:
    """Register the handlers."""

    @app.errorhandler(SignInNeeded)
    def sign_in_needed(error: SignInNeeded):  # type: ignore[no-untyped-def]
        if problems.is_api():
            return problems.known(error, 401)
        return to_sign_in(error)

    @app.errorhandler(AnjuError)
    def known(error: AnjuError):  # type: ignore[no-untyped-def]
        status = status_of(error)
        if status >= 500:
            log.error("failed", exc_info=error, extra={"code": error.code, "path": request.path})
        if problems.is_api():
            return problems.known(error, status)
        return _answer(status, error.code, error.message, getattr(error, "errors", None))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException):  # type: ignore[no-untyped-def]
        if problems.is_api():
            return problems.http(error)
        status = error.code or 500
        return _answer(status, f"http_{status}", MESSAGES.get(status, "请求不正确，请返回上一页重试。"))

    @app.errorhandler(Exception)
    def bug(error: Exception):  # type: ignore[no-untyped-def]
        number = ids.new()
        log.error("bug", exc_info=error, extra={"number": number, "path": request.path})
        message = f"系统出错，已记录。请稍后再试；如仍出现，请把编号 {number} 告知管理员。"
        return problems.problem(500, message, "bug") if problems.is_api() else _answer(500, "bug", message)


def _answer(status: int, code: str, message: str, errors: dict[str, list[str]] | None = None):  # type: ignore[no-untyped-def]
    if wants_json():
        return jsonify(code=code, message=message, errors=errors or {}), status
    title = TITLES.get(status, "未能办理")
    portal = request.path.startswith(("/portal", "/verify", "/notices"))
    return render_template("error.html", title=title, message=message, code=code, portal=portal), status
