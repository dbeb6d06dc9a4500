"""HTTP to another party, on our terms: bounded in time and size, no redirect, no proxy or password from the machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter

from connectors._kit.pace import wait_for_turn
from connectors._kit.settings import PartySettings
from engine.core.errors import OutsideFault, Unreachable

MAX_BYTES = 2_000_000
CHUNK = 65_536

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Exchange:
    """What went over the wire. ``data`` is the decoded JSON object, where the answer is JSON."""

    status: int
    headers: Headers
    request: bytes = field(repr=False)
    response: bytes = field(repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


def session() -> requests.Session:
    """A session that never redirects, retries by itself or reads the machine's proxies and passwords."""
    made = requests.Session()
    made.trust_env = False
    made.verify = True
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(max_retries=0))
    return made


def post(settings: PartySettings, url: str, body: bytes, headers: Headers) -> Exchange:
    """Send ``body`` to ``url``; any status below 500, and 500 itself, comes back for the caller to read.

    Raises ``Unreachable``: no connection, time over, redirect, too large, 502 and the like.
    """
    wait_for_turn(settings)
    deadline = time.monotonic() + settings.timeout
    try:
        with (
            session() as made,
            made.post(
                url, data=body, headers=dict(headers), timeout=settings.timeout, allow_redirects=False, stream=True
            ) as response,
        ):
            content = _read(response, deadline)
    except requests.Timeout:
        raise Unreachable(f"「{settings.title}」在 {settings.timeout:g} 秒内没有应答") from None
    except requests.RequestException:
        raise Unreachable(f"连不上「{settings.title}」") from None
    if content is None:
        raise Unreachable(f"「{settings.title}」的应答过大，已放弃读取", code="unexpected_answer")
    if 300 <= response.status_code < 400:
        raise Unreachable(f"「{settings.title}」要求转到别的地址，已拒绝；请核对配置的地址", code="unexpected_answer")
    if response.status_code > 500 or response.status_code == 429:
        raise Unreachable(f"「{settings.title}」暂时不能服务（{response.status_code}）")
    return Exchange(response.status_code, response.headers, body, content)


def post_json(
    settings: PartySettings,
    url: str,
    payload: Mapping[str, Any],
    *,
    key: str,
    headers: Callable[[bytes], Headers] = lambda body: {},
) -> Exchange:
    """Send ``payload`` as JSON under the idempotency ``key`` and take a JSON object back.

    ``headers`` makes further headers from the body's bytes (a signature). Raises ``Unreachable``; ``OutsideFault``
    (``unauthorised``) where the party does not accept who we are.
    """
    body = orjson.dumps(payload)
    fixed = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json", "X-Request-Id": key}
    got = post(settings, url, body, {**fixed, **headers(body)})
    if got.status == 500:
        raise Unreachable(f"「{settings.title}」内部出错（500）")
    if got.status in (401, 403):
        raise OutsideFault(f"「{settings.title}」不认可我方的凭据，请管理员核对密钥", code="unauthorised")
    return Exchange(got.status, got.headers, body, got.response, _json_object(settings, got))


def _read(response: requests.Response, deadline: float) -> bytes | None:
    """The whole body, or None where it is too large. A drip of bytes does not outlive the deadline."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(CHUNK):
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            return None
        if time.monotonic() > deadline:
            raise requests.Timeout
    return b"".join(parts)


def _json_object(settings: PartySettings, got: Exchange) -> Mapping[str, Any]:
    try:
        data = orjson.loads(got.response)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict) or "json" not in got.headers.get("Content-Type", ""):
        raise Unreachable(f"「{settings.title}」的应答不是约定的格式", code="unexpected_answer") from None
    return data
