"""Where attachments and documents lie: named by their content, sealed at rest, written before the commit.

A file is stored first and referred to afterwards. Whatever dies in between leaves an orphan, never a reference to
nothing; ``sweep`` removes orphans later.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path

from engine.core.errors import AnjuError, NotFound

_ID = re.compile(r"[0-9a-f]{64}")
_MAGIC = b"ANJU1\n"  # the layout of a stored file: magic, digest of the sealed bytes, sealed bytes
_DIGEST = hashlib.sha256().digest_size
_SWEEP_CHUNK = 500


class FileDamaged(AnjuError):
    """The bytes on disk are not those that were written; an administrator must restore the file."""

    code = "file_damaged"


class FileStore:
    """A folder of sealed files.

    ``seal`` and ``unseal`` encrypt and decrypt whole contents; what they raise passes through. Any number of threads
    and processes may share one ``root`` as long as it lies on one file system with working ``flock``.
    """

    def __init__(self, root: Path, seal: Callable[[bytes], bytes], unseal: Callable[[bytes], bytes]) -> None:
        self._objects = root / "objects"
        self._incoming = root / "incoming"
        self._lock = root / "lock"
        self._seal = seal
        self._unseal = unseal
        for folder in (self._objects, self._incoming):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, content: bytes) -> str:
        """Store ``content`` durably and give its id, the SHA-256 in hex. The same content twice is one file."""
        sha = hashlib.sha256(content).hexdigest()
        path = self._path(sha)
        # Shared lock: a sweep must not remove an old file at the moment somebody refers to it anew.
        with self._locked(fcntl.LOCK_SH):
            if self._is_intact(path):
                os.utime(path)
            else:
                self._write(path, self._seal(content))
        return sha

    def get(self, sha: str) -> bytes:
        """The content. Raises ``NotFound`` where there is none and ``FileDamaged`` where it is not what was put."""
        if not _ID.fullmatch(sha):
            raise _not_found()
        try:
            stored = self._path(sha).read_bytes()
        except FileNotFoundError:
            raise _not_found() from None
        if not _frame_holds(stored):
            raise _damaged(sha)
        content = self._unseal(stored[len(_MAGIC) + _DIGEST :])
        if hashlib.sha256(content).hexdigest() != sha:
            raise _damaged(sha)
        return content

    def exists(self, sha: str) -> bool:
        """Whether a file of this id lies here; says nothing about its health."""
        return bool(_ID.fullmatch(sha)) and self._path(sha).is_file()

    def ids(self) -> Iterator[str]:
        """Every stored id, in no order; files written meanwhile may or may not be among them."""
        for shard in self._objects.iterdir():
            yield from (path.name for path in shard.iterdir() if _ID.fullmatch(path.name))

    def sweep(self, known: Callable[[list[str]], set[str]], older_than: timedelta) -> list[str]:
        """Remove files that nothing refers to, and half-written ones; give the ids removed.

        ``known`` gets a list of ids and gives those that some row refers to. ``older_than`` must exceed the longest
        time between ``put`` and the commit that refers to it. A new reference to an old file must be made by ``put``
        or copied from a row that still stands.
        """
        limit = self._disk_time() - older_than.total_seconds()
        for leftover in self._incoming.iterdir():
            _unlink_if_older(leftover, limit)
        removed = []
        candidates = (sha for sha in self.ids() if _older(self._path(sha), limit))
        while chunk := list(islice(candidates, _SWEEP_CHUNK)):
            for sha in sorted(set(chunk) - known(chunk)):
                with self._locked(fcntl.LOCK_EX):
                    if _unlink_if_older(self._path(sha), limit):
                        removed.append(sha)
        return removed

    def _path(self, sha: str) -> Path:
        return self._objects / sha[:2] / sha

    def _write(self, path: Path, sealed: bytes) -> None:
        """All or nothing: temporary file, fsync, rename, fsync of the folder."""
        descriptor, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_MAGIC + hashlib.sha256(sealed).digest())
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            path.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        _sync_folder(self._objects)

    def _is_intact(self, path: Path) -> bool:
        try:
            return _frame_holds(path.read_bytes())
        except FileNotFoundError:
            return False

    def _disk_time(self) -> float:
        """Now, by the clock that stamps the files: the movable clock must not make a fresh file look old."""
        with tempfile.NamedTemporaryFile(dir=self._incoming) as marker:
            return os.fstat(marker.fileno()).st_mtime

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        with self._lock.open("ab") as handle:
            fcntl.flock(handle, kind)
            yield


def _frame_holds(stored: bytes) -> bool:
    start = len(_MAGIC) + _DIGEST
    digest = hashlib.sha256(memoryview(stored)[start:]).digest()
    return stored[:start] == _MAGIC + digest


def _older(path: Path, limit: float) -> bool:
    try:
        return path.stat().st_mtime <= limit
    except FileNotFoundError:
        return False


def _unlink_if_older(path: Path, limit: float) -> bool:
    if not _older(path, limit):
        return False
    path.unlink(missing_ok=True)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_found() -> NotFound:
    return NotFound("文件不存在或已被清理，请刷新页面后重新上传")


def _damaged(sha: str) -> FileDamaged:
    return FileDamaged(f"文件 {sha[:12]}… 已损坏，请联系系统管理员从备份中恢复")
