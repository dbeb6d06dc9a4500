"""Where batch files are left and fetched: a folder, or SFTP (``sftp.py``), by one set of steps.

A file is written under another name and renamed when it is whole and verified, so that nobody reads half of it; what
was cut off goes on where it stopped. A flag file (``x.txt.ok``) says that a file is meant to be read. Nothing that is
there is ever overwritten: the same bytes again are done already, other bytes are refused.
"""

from __future__ import annotations

import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from engine.core.errors import OutsideFault

CHUNK = 262_144
NAME = re.compile(r"^[\w][\w.\-]{0,199}$")
PART = ".part"


@dataclass(frozen=True)
class Entry:
    """A file that may be fetched. ``size`` in bytes, ``modified`` seconds since 1970 by the depot's clock."""

    name: str
    size: int
    modified: int


@dataclass(frozen=True)
class Delivered:
    """What lies there now. ``sent`` bytes went over the wire: fewer than ``size`` after a cut, none for a repeat."""

    name: str
    size: int
    sha256: str
    sent: int


class Depot(ABC):
    """A folder of a party. ``flag`` (``.ok``, ``.done`` or empty) goes with every file, both ways."""

    def __init__(self, title: str, flag: str = "", archive: str = "archive", max_bytes: int = 200_000_000) -> None:
        self.title, self.flag, self.folder_of_old, self.max_bytes = title, flag, archive, max_bytes

    # --- the steps -------------------------------------------------------------------------------------------

    def put(self, name: str, content: bytes) -> Delivered:
        """Leave a file. Raises ``Unreachable``; ``OutsideFault``: ``file_exists`` (other bytes), ``file_damaged``."""
        _check_name(name)
        digest = hashlib.sha256(content).hexdigest()
        sent = 0
        if self._size(name) is None:
            part = name + PART
            begun = self._begun(part, content)
            sent = len(content) - begun
            self._append(part, begun, content[begun:])
            self._verify(part, content)
            self._rename(part, name)
        elif self._digest(name) != digest:
            raise OutsideFault(f"「{self.title}」已有同名文件 {name}，内容不同；请核对批次号", code="file_exists")
        if self.flag and self._size(name + self.flag) is None:
            self._append(name + self.flag, 0, f"{len(content)} {digest}\n".encode())
        return Delivered(name, len(content), digest, sent)

    def waiting(self, pattern: str = "*") -> list[Entry]:
        """Files to fetch, oldest first. Where flags were agreed, only those whose flag is there."""
        entries = list(self._list())
        names = {entry.name for entry in entries}
        found = [
            entry
            for entry in entries
            if fnmatchcase(entry.name, pattern)
            and NAME.match(entry.name)
            and not entry.name.endswith(PART)
            and not (self.flag and (entry.name.endswith(self.flag) or entry.name + self.flag not in names))
        ]
        return sorted(found, key=lambda entry: (entry.modified, entry.name))

    def fetch(self, name: str, into: Path) -> Path:
        """Bring a file into the folder ``into``; what an earlier try brought is kept. Raises ``OutsideFault``.

        Its size must hold at the end, and its hash too where the flag names one.
        """
        _check_name(name)
        target, part = into / name, into / (name + PART)
        size = self._size(name)
        if size is None:
            raise OutsideFault(f"「{self.title}」没有文件 {name}", code="file_missing")
        if size > self.max_bytes:
            raise OutsideFault(f"「{self.title}」的文件 {name} 过大", code="file_too_large")
        if target.exists() and target.stat().st_size == size and self._flag_agrees(name, target):
            return target
        begun = part.stat().st_size if part.exists() else 0
        if begun > size:
            part.unlink()
            begun = 0
        with part.open("ab") as file:
            for chunk in self._read(name, begun):
                file.write(chunk)
                if file.tell() > size:
                    break
        if part.stat().st_size != size or not self._flag_agrees(name, part):
            part.unlink()
            raise OutsideFault(f"从「{self.title}」取得的文件 {name} 不完整，请重取", code="file_damaged")
        os.replace(part, target)
        return target

    def archive(self, name: str) -> None:
        """Put a file, and its flag, aside after it was read. Doing it twice does no harm."""
        _check_name(name)
        for each in (name + self.flag, name) if self.flag else (name,):
            if self._size(each) is not None:
                self._put_aside(each, self._free(f"{self.folder_of_old}/{each}"))

    # --- what a kind of depot provides ----------------------------------------------------------------------------

    @abstractmethod
    def _size(self, name: str) -> int | None: ...

    @abstractmethod
    def _list(self) -> Iterator[Entry]: ...

    @abstractmethod
    def _read(self, name: str, offset: int) -> Iterator[bytes]: ...

    @abstractmethod
    def _append(self, name: str, offset: int, content: bytes) -> None: ...

    @abstractmethod
    def _rename(self, name: str, target: str) -> None: ...

    @abstractmethod
    def _remove(self, name: str) -> None: ...

    @abstractmethod
    def _put_aside(self, name: str, aside: str) -> None: ...

    # --- parts of the steps -----------------------------------------------------------------------------------------

    def _begun(self, part: str, content: bytes) -> int:
        """How many bytes of an earlier try can be kept: all of it, or nothing where it is not ours."""
        size = self._size(part)
        if size is None:
            return 0
        if size <= len(content) and self._digest(part) == hashlib.sha256(content[:size]).hexdigest():
            return size
        self._remove(part)
        return 0

    def _free(self, aside: str) -> str:
        """``aside``, or the next numbered name: an earlier file of that name is kept."""
        names = (f"{aside}.{number}" if number else aside for number in range(10_000))
        return next(name for name in names if self._size(name) is None)

    def _verify(self, part: str, content: bytes) -> None:
        """Read back what was written: a full disk may say nothing until then."""
        if self._size(part) == len(content) and self._digest(part) == hashlib.sha256(content).hexdigest():
            return
        self._remove(part)
        raise OutsideFault(f"写到「{self.title}」的文件读回不一致，请重传", code="file_damaged")

    def _digest(self, name: str) -> str:
        digest = hashlib.sha256()
        for chunk in self._read(name, 0):
            digest.update(chunk)
        return digest.hexdigest()

    def _flag_agrees(self, name: str, local: Path) -> bool:
        """Whether the flag's hash, where it names one, is the hash of what was brought."""
        if not self.flag or not self._size(name + self.flag):
            return True
        words = b"".join(self._read(name + self.flag, 0))[:4096].decode("ascii", "replace").split()
        hashes = [word.lower() for word in words if re.fullmatch("[0-9a-fA-F]{64}", word)]
        return not hashes or hashlib.sha256(local.read_bytes()).hexdigest() == hashes[0]


class FolderDepot(Depot):
    """A folder of this machine or of a mounted disk."""

    def __init__(self, folder: Path, title: str, flag: str = "", archive: str = "archive") -> None:
        super().__init__(title, flag, archive)
        self.folder = folder

    def _size(self, name: str) -> int | None:
        path = self.folder / name
        return path.stat().st_size if path.is_file() else None

    def _list(self) -> Iterator[Entry]:
        for path in self.folder.iterdir():
            if path.is_file():
                state = path.stat()
                yield Entry(path.name, state.st_size, int(state.st_mtime))

    def _read(self, name: str, offset: int) -> Iterator[bytes]:
        with (self.folder / name).open("rb") as file:
            file.seek(offset)
            yield from iter(_reading(file.read), b"")

    def _append(self, name: str, offset: int, content: bytes) -> None:
        with (self.folder / name).open("ab") as file:
            file.truncate(offset)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _rename(self, name: str, target: str) -> None:
        # A link fails where the target is there; rename would overwrite it.
        os.link(self.folder / name, self.folder / target)
        (self.folder / name).unlink()

    def _remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def _put_aside(self, name: str, aside: str) -> None:
        (self.folder / self.folder_of_old).mkdir(exist_ok=True)
        os.replace(self.folder / name, self.folder / aside)


def _reading(read: Callable[[int], bytes]) -> Callable[[], bytes]:
    return lambda: read(CHUNK)


def _check_name(name: str) -> None:
    """A name stays in its folder, and is not the name of a part. Raises ``ValueError``."""
    if not NAME.match(name) or name.endswith(PART):
        raise ValueError("a batch file's name has letters, digits, dots, dashes and underscores")
