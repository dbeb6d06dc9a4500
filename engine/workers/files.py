"""The files an outside operation may touch, from the store of this installation."""

from __future__ import annotations

from engine.files.store import FileStore


class StoredFiles:
    """``FileAccess`` over the file store: a file's id is the hash of its content."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def read(self, file_id: str) -> bytes:
        """The content. Raises ``NotFound``."""
        return self._store.get(file_id)

    def write(self, content: bytes, *, name: str, media_type: str) -> str:
        """Keep a new file; name and type are known to whoever refers to it."""
        return self._store.put(content)
