"""What lives while a block tree is interpreted: scopes, activities, frames, waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.engine.workflow.blocks import Attached

Done = Callable[[], None]
Fire = Callable[[dict[str, Any]], None]
History = Counter[tuple[str, str]]
Key = tuple[str, str, tuple[tuple[str, Any], ...]]


@dataclass
class Scope:
    """Variables; ``outer`` is None for a process."""

    outer: Scope | None
    values: dict[str, Any] = field(default_factory=dict)

    def seen(self) -> dict[str, Any]:
        """All variables visible here."""
        return {**(self.outer.seen() if self.outer else {}), **self.values}

    def write(self, name: str, value: Any) -> None:
        """Into the nearest scope that knows the name, else into the process."""
        if name in self.values or self.outer is None:
            self.values[name] = value
        else:
            self.outer.write(name, value)


class Live:
    """Something that lasts and can be cancelled."""

    def __init__(self, name: str, within: Frame | None) -> None:
        self.name, self.within, self.alive = name, within, True
        self.events: list[tuple[Attached, Callable[[dict[str, Any]], None]]] = []
        self.around: Live | None = None
        self.children: list[Live] = []
        self.arrived = 1

    def cancel(self, history: History) -> None:
        if not self.alive:
            return
        self.alive = False
        history[("cancelled", self.name)] += self.arrived
        for child in self.children:
            child.cancel(history)


class Frame(Live):
    """A process, sub-process or called process in its course; ``host`` is the activity it belongs to."""

    def __init__(self, host: Live | None, scope: Scope, speaks: bool, closed: Done) -> None:
        super().__init__("", None)
        self.host, self.scope, self.speaks, self.closed, self.threads = host, scope, speaks, closed, 0
        self.running: set[str] = set()

    def cancel(self, history: History) -> None:
        if self.alive:
            self.alive = False
            for child in self.children:
                child.cancel(history)

    def ended(self) -> None:
        """One way through it has come to its end."""
        self.threads -= 1
        if self.threads == 0 and self.alive:
            self.alive = False
            self.closed()


@dataclass
class Wait:
    """What the outside may do; ``do`` takes the variables."""

    key: Key
    owner: Live
    do: Callable[[dict[str, Any]], None]
    frame: Frame
    event: Attached | None = None
    left: int = 0

    @property
    def is_event(self) -> bool:
        return self.event is not None
