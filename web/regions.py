"""Administrative divisions: the tree the form component ``aj-region`` offers, and the names of their codes."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, make_response, request

pages = Blueprint("regions", __name__)

# [{code, name, children?}] down to the district; divisions by GB/T 2260 as in force after the changes of 2021.
SOURCE = Path(__file__).parent / "data" / "regions.json"


@pages.get("/regions.json")
def tree() -> Response:
    """The whole tree; browsers keep it for a day."""
    content, tag = _content()
    response = make_response(content)
    response.headers["Content-Type"] = "application/json"
    response.headers["Cache-Control"] = "public, max-age=86400"
    response.set_etag(tag)
    return response.make_conditional(request)  # type: ignore[return-value]


@pages.app_template_filter("region_name")
def region_name(code: str) -> str:
    """``330106`` and ``浙江省/杭州市/西湖区`` → 浙江省 杭州市 西湖区; a code not in the tree stays a code."""
    return _names().get(code, code.replace("/", " "))


@cache
def _content() -> tuple[bytes, str]:
    content = SOURCE.read_bytes()
    return content, sha256(content).hexdigest()[:16]


@cache
def _names() -> dict[str, str]:
    found: dict[str, str] = {}

    def walk(nodes: list[dict[str, Any]], above: tuple[str, ...]) -> None:
        for node in nodes:
            path = (*above, node["name"])
            found[node["code"]] = " ".join(name for name in path if name != "市辖区")
            walk(node.get("children", []), path)

    walk(orjson.loads(_content()[0]), ())
    return found
