"""HTTP to another party, on our terms: bounded in time and size, no redirect, no proxy or password from the machine."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter

from connectors._kit import tape
from connectors._kit.pace import wait_for_turn
from connectors._kit.settings import PartySettings
from engine.core.errors import OutsideFault, Unreachable

MAX_BYTES = 2_000_000
CHUNK = 65_536
LONG_NUMBER = re.compile(r"[0-9A-Za-z]{11,}")

log = logging.getLogger(__name__)
# Its debug lines hold whole URLs: a query may carry an address or a key.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Exchange:
    """What went over the wire. ``data`` is the decoded JSON object, where the answer is JSON."""

    status: int
    headers: Headers
    request: bytes = field(repr=False)
    response: bytes = field(repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


def session(settings: PartySettings) -> requests.Session:
    """A session that never redirects, retries by itself or reads the machine's proxies and passwords.

    Where the manifest declares them: ``ANJU_<PARTY>_PROXY`` (a URL), ``_CA`` (a file with the authorities to trust),
    ``_CERT`` and ``_KEY`` (files of our own certificate, for mutual TLS).
    """
    made = requests.Session()
    made.trust_env = False
    own = {
        name: settings.values.get(f"ANJU_{settings.party.upper()}_{name}", "")
        for name in ("PROXY", "CA", "CERT", "KEY")
    }
    made.verify = own["CA"] or True
    if own["CERT"]:
        made.cert = (own["CERT"], own["KEY"]) if own["KEY"] else own["CERT"]
    if own["PROXY"]:
        made.proxies = {"http": own["PROXY"], "https": own["PROXY"]}
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(max_retries=0))
    return made


def get(settings: PartySettings, url: str, headers: Headers) -> Exchange:
    """Ask for ``url``; comes back and raises like ``post``."""
    return _send(settings, "GET", url, b"", headers)


def post(settings: PartySettings, url: str, body: bytes, headers: Headers) -> Exchange:
    """Send ``body`` to ``url``; any status below 500, and 500 itself, comes back for the caller to read.

    Raises ``Unreachable``: no connection, time over, redirect, too large, 502 and the like.
    """
    return _send(settings, "POST", url, body, headers)


def get_json(settings: PartySettings, url: str, query: str, *, key: str) -> Exchange:
    """Ask ``url`` with an already encoded ``query`` and take a JSON object back; raises as ``post_json``.

    The query stands as the request of the exchange: it may hold an address.
    """
    headers = {"Accept": "application/json", "X-Request-Id": key}
    return _usable(settings, query.encode("ascii"), get(settings, f"{url}?{query}", headers))


def _send(settings: PartySettings, verb: str, url: str, body: bytes, headers: Headers) -> Exchange:
    running = tape.current()
    if running is not None and running.playing:
        return Exchange(*running.play(settings, url, body))
    wait_for_turn(settings)
    begun = time.monotonic()
    deadline = begun + settings.timeout
    try:
        with (
            session(settings) as made,
            made.request(
                verb,
                url,
                data=body,
                headers=dict(headers),
                timeout=settings.timeout,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            content = _read(response, deadline)
        _note(settings, url, str(response.status_code), begun)
    except requests.Timeout:
        _note(settings, url, "timeout", begun)
        raise Unreachable(f"「{settings.title}」在 {settings.timeout:g} 秒内没有应答") from None
    except (requests.RequestException, OSError) as error:
        # OSError: a certificate or key file that is not there.
        _note(settings, url, type(error).__name__, begun)
        raise Unreachable(f"连不上「{settings.title}」") from None
    if content is None:
        raise Unreachable(f"「{settings.title}」的应答过大，已放弃读取", code="unexpected_answer")
    if 300 <= response.status_code < 400:
        raise Unreachable(f"「{settings.title}」要求转到别的地址，已拒绝；请核对配置的地址", code="unexpected_answer")
    if response.status_code > 500 or response.status_code == 429:
        raise Unreachable(f"「{settings.title}」暂时不能服务（{response.status_code}）")
    if running is not None:
        running.keep(settings, url, response.status_code, response.headers, (body, content))
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
    return _usable(settings, body, post(settings, url, body, {**fixed, **headers(body)}))


def _usable(settings: PartySettings, request: bytes, got: Exchange) -> Exchange:
    if got.status == 500:
        raise Unreachable(f"「{settings.title}」内部出错（500）")
    if got.status in (401, 403):
        raise OutsideFault(f"「{settings.title}」不认可我方的凭据，请管理员核对密钥", code="unauthorised")
    return Exchange(got.status, got.headers, request, got.response, _json_object(settings, got))


def _note(settings: PartySettings, url: str, came: str, begun: float) -> None:
    """One line of log: which party, where, what came, how long. Never a query, a body, a header or a long number."""
    path = LONG_NUMBER.sub("***", urlsplit(url).path)
    log.info("%s %s %s %d ms", settings.party, path, came, int((time.monotonic() - begun) * 1000))


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
