"""Every error under ``/v2`` as ``application/problem+json``: type, title, status, detail, instance, and our code."""

from __future__ import annotations

import orjson
from flask import Response, request
from werkzeug.exceptions import HTTPException

from engine.core.errors import AnjuError, InvalidAnswers, ModelFault, Refused

PREFIX = "/v2"

TITLES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "INVALID_STATE",
    413: "CONTENT_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL_ERROR",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
DETAILS = {
    404: "没有这个接口，请核对地址",
    405: "这个接口不支持该方法，请核对请求方法",
    413: "内容过大，请缩小或分开提交",
    415: "内容类型不支持，请使用 application/json",
}
# What is refused because of where the thing stands, not of how it was asked.
STATE_CODES = frozenset(
    {"lease_lost", "job_failed", "job_not_taken", "job_no_retries"}
    | {"wrong_wait", "has_incident", "no_incident", "too_late", "not_open", "case_suspended", "not_suspended"}
    | {"case_over", "process_completed", "not_migrated", "moved_on", "task_busy"}
)


class Unauthenticated(Refused):
    """No credentials, or wrong ones."""

    code = "unauthenticated"


class BadRequest(Refused):
    """The request is not what the schema says."""

    code = "invalid_argument"


class TimedOut(Refused):
    """What was waited for did not happen in time; it goes on."""

    code = "deadline_exceeded"


# A model may have hundreds of faults, or an id of a hundred thousand letters.
_LONGEST = 20_000


def is_api() -> bool:
    """Whether the request is one of the API's."""
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def status_of(error: AnjuError, usual: int) -> int:
    """The HTTP number under ``/v2``; ``usual`` is the one the browser gets."""
    if isinstance(error, Unauthenticated):
        return 401
    if isinstance(error, TimedOut):
        return 504
    if error.code == "form_expired":
        return 403
    if error.code == "resource_exhausted":
        return 503
    if error.code in STATE_CODES:
        return 409
    # The convention knows no 422, and no 415 for the content of a file.
    return 400 if usual in (415, 422) else usual


def known(error: AnjuError, usual: int) -> Response:
    """A problem that somebody can mend, told in the words of the error."""
    detail = error.message
    if isinstance(error, InvalidAnswers):
        fields = "；".join(f"{name or '表单'}：{'、'.join(said)}" for name, said in error.errors.items())
        detail = f"{detail}（{fields}）"
    elif isinstance(error, ModelFault):
        detail = "；".join(str(fault) for fault in error.faults)
    response = problem(status_of(error, usual), detail, error.code)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="anju", charset="UTF-8"'
        response.headers.add("WWW-Authenticate", 'Bearer realm="anju"')
    return response


def http(error: HTTPException) -> Response:
    """A problem that the framework found."""
    status = error.code or 500
    status = 400 if status == 422 else status
    detail = DETAILS.get(status, "请求不正确，请对照接口说明检查")
    response = problem(status, detail, TITLES.get(status, "ERROR").lower())
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def problem(status: int, detail: str, code: str) -> Response:
    """One problem document."""
    body = {
        "type": "about:blank",
        "title": TITLES.get(status, "ERROR"),
        "status": status,
        "detail": detail if len(detail) <= _LONGEST else f"{detail[:_LONGEST]}…（共 {len(detail)} 字，其余从略）",
        "instance": request.path,
        "code": code,
    }
    return Response(orjson.dumps(body), status, content_type="application/problem+json")
