"""The decisions of a release: every DMN file read once per content, imports found among the release's own files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

from engine.decisions.loader import Resolve, load
from engine.decisions.model import Model


def among(files: Mapping[str, bytes]) -> Resolve:
    """Finds an imported file by the name at the end of its location; a release holds no two of the same name."""
    by_name = {path.rsplit("/", 1)[-1]: content for path, content in files.items() if path.endswith(".dmn")}
    return lambda _namespace, location: by_name.get(location.rsplit("/", 1)[-1])


_kept: dict[str, dict[str, Model]] = {}
_lock = Lock()


def models_of(content_hash: str, files: Callable[[], Mapping[str, bytes]]) -> Mapping[str, Model]:
    """Decision id → the model that holds it, for the release of that hash. Raises ``ModelFault``."""
    found = _kept.get(content_hash)
    if found is None:
        found = {}
        named = {path: content for path, content in files().items() if path.endswith(".dmn")}
        for path, content in named.items():
            model = load(content, path, among(named))
            found.update(dict.fromkeys(model.decisions, model))
        with _lock:
            _kept[content_hash] = found
    return found
