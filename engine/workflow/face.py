"""What the outside sees of a running process: its host, its waits, its history. No SpiffWorkflow type crosses here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from engine.core.errors import AnjuError

if TYPE_CHECKING:
    from .definitions import Definitions

ROOT_SCOPE = "0"


@dataclass(frozen=True)
class Wait:
    """Something outside that must happen before a token moves on.

    ``token`` is a decimal number and stays the same while the token stands there. ``kind`` is one of ``user``, ``job``,
    ``timer``, ``message``, ``signal``, ``condition``, ``adhoc``, ``incident``. ``lane`` is the lane's name.
    ``called_from`` are the ids of the call activities, outermost first. ``attrs`` by kind:

    - user: form_id (with form_binding and form_version_tag where the model says so), assignee, candidate_groups,
      candidate_users, due_date, follow_up_date, priority, properties, library (the key of ``Library.find_called`` where
      its process is of another release)
    - job: type, retries, headers, properties; of a listener also listener (its event type: start, end, beforeAll,
      creating …) and, of a task listener, task (the attributes of its user task, with what is asked for), task_token,
      asked (the names of what is asked for)
    - timer: due (ISO 8601, UTC); of a cycle also cycle (its text) and cycle_left (how many follow; -1 without end)
    - adhoc: elements, what may be begun in it with ``Process.activate_adhoc`` (id and name each)
    - message: name, key · signal: name
    - incident: code, message, kind (what the element is when it is well: a kind above, or its BPMN type)

    A boundary event's wait carries ``attached_to``, the id of its activity.
    """

    token: str
    kind: str
    element_id: str
    name: str
    lane: str | None
    process_id: str
    called_from: tuple[str, ...] = ()
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """One thing that happened, in order. ``kind``: activated, completed, cancelled, flow, incident.

    ``type`` is the BPMN element name (``userTask``, ``exclusiveGateway`` …, ``multiInstanceBody`` for the body of a
    multi-instance); ``flow_id`` is set when ``kind`` is ``flow``, and ``element_id`` is then the flow's source. ``via``
    is the flow that brought the token (of a join: the flows, with a space between), ``parent`` the token of the
    sub-process, call activity or multi-instance body it lives in.
    """

    kind: str
    element_id: str
    name: str
    type: str
    token: str
    process_id: str
    at: datetime
    flow_id: str | None = None
    via: str | None = None
    parent: str | None = None


def instance_key(token: str) -> int:
    """The number of a token; tokens of earlier versions are 32 hex digits."""
    return int(token) if len(token) < 32 else int(token, 16) >> 65


# What a task listener hears → the phase of its task; the short names are those of Camunda 8.6.
TASK_PHASES = {
    "creating": "creating",
    "assigning": "assigning",
    "updating": "updating",
    "completing": "completing",
    "create": "creating",
    "assignment": "assigning",
    "update": "updating",
    "complete": "completing",
}
# Phases of a user task that a listener may refuse.
DENIABLE = frozenset({"assigning", "updating", "completing"})
# What a listener may correct of a user task, by its name in the wait.
CORRECTABLE = frozenset({"assignee", "candidate_groups", "candidate_users", "due_date", "follow_up_date", "priority"})


@dataclass(frozen=True)
class Answer:
    """What the job of a task listener says of its task: yes with corrections, or no with a reason."""

    denied: bool = False
    reason: str = ""
    corrections: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """The listeners of a user task have been heard.

    ``phase``: creating, assigning, updating, completing. ``values`` are what was asked for with ``Process.listen`` and
    the corrections, to be written into the task's row. A ``completing`` that was not denied has completed the task.
    """

    token: str
    phase: str
    values: dict[str, Any]
    denied: bool = False
    reason: str = ""


class BpmnError(AnjuError):
    """A business error raised by an inside operation; an error event of the model may catch its ``code``."""

    def __init__(self, code: str, message: str = "", variables: Mapping[str, Any] | None = None) -> None:
        super().__init__(message or code, code=code)
        self.variables = dict(variables or {})


class Host(Protocol):
    """What a process needs from the house it runs in. Given at start and at every load; never stored."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    def decide(self, decision_id: str, context: Mapping[str, Any], element_id: str) -> Any:
        """The JSON result of a decision. A ``ModelFault`` becomes an incident on the business rule task."""
        ...

    def operation_is_inside(self, type: str) -> bool:
        """Whether the operation runs in this very transaction."""
        ...

    def run_inside(self, wait: Wait, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run an inside operation and return its result variables.

        ``BpmnError`` and ``Declined`` become an error event, ``ModelFault`` and ``Unreachable`` an incident,
        ``Refused`` refuses the whole command.
        """
        ...


@runtime_checkable
class Library(Protocol):
    """What a host may add: processes of other releases, for call activities. Without it a release calls its own."""

    def find_called(self, process_id: str, binding: str, version_tag: str) -> tuple[str, Definitions] | None:
        """The definitions that hold the called process, with a key for ``load_called``; None: this very release.

        ``binding`` is what ``zeebe:calledElement`` says: latest (the default), deployment, versionTag.
        """
        ...

    def load_called(self, key: str) -> Definitions:
        """The definitions of a key that ``find_called`` gave when the call began, perhaps years ago."""
        ...
