"""Where a path begins: on an empty installation, or after a path of another item was walked to its end (``about``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.items.walker import Walker
from tests.support.installation import running

HERE = Path(__file__).parent
# What several items call is held to all of their paths together.
SHARED = "shared"


@cache
def read_paths(item: str) -> dict[str, Any]:
    """The parsed paths.yaml of an item."""
    parsed: dict[str, Any] = yaml.safe_load((HERE / item / "paths.yaml").read_text("utf-8"))
    return parsed


def part_of(path: str) -> str:
    """The item a file belongs to, or ``shared``: ``rules/rental/decision_review/course.dmn``."""
    folders = path.split("/")[1:-1]
    return SHARED if folders[0] == SHARED else "/".join(folders[:2])


def about(item: str, number: int) -> Mapping[str, str] | None:
    """Which path of which item must have been walked before this one."""
    spec = read_paths(item)
    found: Mapping[str, str] | None = spec["paths"][number].get("about") or spec["given"].get("about")
    return found


class Beginnings:
    """Data folders to begin on; each is made once."""

    def __init__(self, filled: Path, new_folder: Callable[[], Path]) -> None:
        self.filled, self.new_folder = filled, new_folder
        self._made: dict[tuple[str, str], Path] = {}

    def of(self, item: str, number: int) -> Path:
        """The folder that path ``number`` of ``item`` begins on."""
        before = about(item, number)
        if before is None:
            return self.filled
        key = before["item"], before["path"]
        if key not in self._made:
            folder = self.new_folder() / "data"
            spec = read_paths(key[0])
            path = next(one for one in spec["paths"] if one["name"] == key[1])
            with running(self.filled, folder) as anju:
                Walker(anju, key[0], spec["given"], path).walk()
            self._made[key] = folder
        return self._made[key]
