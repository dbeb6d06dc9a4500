"""Addresses of built and of our own static files, with a content hash so that browsers may keep them."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, url_for

STATIC = Path(__file__).parent / "static"


def asset(name: str) -> str:
    """The address of ``form.js`` (built) or ``anju.css`` (our own)."""
    built = _manifest().get(name)
    if built is not None:
        return url_for("static", filename=f"vendor/{built}")
    return url_for("static", filename=name, v=_hash(name))


def _manifest() -> dict[str, str]:
    path = STATIC / "vendor" / "manifest.json"
    return _read_manifest(path, path.stat().st_mtime_ns) if path.is_file() else {}


@lru_cache(maxsize=1)
def _read_manifest(path: Path, _changed: int) -> dict[str, str]:
    """Read again when a build wrote it anew: a page must not name files that are gone."""
    manifest: dict[str, str] = json.loads(path.read_text())
    return manifest


@lru_cache(maxsize=200)
def _hash(name: str) -> str:
    path = STATIC / name
    return sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


def built() -> bool:
    """Whether the browser's parts were built (`make setup`)."""
    return bool(_manifest())


def install(app: Flask) -> None:
    """Offer ``asset`` to the templates."""
    app.jinja_env.globals["asset"] = asset
    app.jinja_env.globals["assets_built"] = built
