"""A parsed release: what its models say, immutable and shared by every case and thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.core.errors import Fault

from .face import TASK_PHASES

if TYPE_CHECKING:
    from .specs.base import ProcessSpec


@dataclass(frozen=True)
class ElementInfo:
    """A flow node of a model.

    ``type`` is the BPMN name (``userTask``), ``event`` the kind of an event (``timer``, ``none`` …; empty for others),
    ``parent`` the id of the enclosing sub-process or process, ``extensions`` the zeebe elements as plain data, ``line``
    the line in the XML.
    """

    id: str
    name: str
    type: str
    lane: str | None
    process_id: str
    extensions: dict[str, Any]
    line: int
    event: str = ""
    parent: str = ""

    def listens(self, phase: str) -> bool:
        """Whether the model names a task listener to this phase (assigning, updating, completing)."""
        heard = self.extensions.get("taskListeners", ())
        return any(TASK_PHASES.get(one.get("eventType", "")) == phase for one in heard)


@dataclass(frozen=True)
class StartInfo:
    """How a process may begin at one of its start events.

    ``kind``: none, message, timer, signal. ``name`` is the message's or signal's name; ``timer`` is (``timeDate`` |
    ``timeDuration`` | ``timeCycle``, text).
    """

    element_id: str
    kind: str
    name: str = ""
    key: str = ""
    timer: tuple[str, str] | None = None


@dataclass(frozen=True)
class ProcessInfo:
    """A process: ``elements`` and ``flows`` include those inside its sub-processes. A flow: (source, target, name)."""

    id: str
    name: str
    file: str
    elements: dict[str, ElementInfo]
    flows: dict[str, tuple[str, str, str]]
    starts: dict[str, StartInfo] = field(default_factory=dict)
    version_tag: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    job_priority: str = ""
    # The operations that listen to its start and end.
    listeners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Definitions:
    """All processes of a release. ``specs`` are the executable forms, for this package alone."""

    processes: dict[str, ProcessInfo]
    warnings: list[Fault]
    specs: dict[str, ProcessSpec] = field(repr=False, compare=False)
