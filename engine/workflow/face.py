"""What the outside sees of a running process: its host, its waits, its history. No SpiffWorkflow type crosses here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from engine.core.errors import AnjuError

ROOT_SCOPE = "0"


@dataclass(frozen=True)
class Wait:
    """Something outside that must happen before a token moves on.

    ``token`` is 32 hex digits and stays the same while the token stands there. ``kind`` is one of ``user``, ``job``,
    ``timer``, ``message``, ``signal``, ``condition``, ``incident``. ``lane`` is the lane's name. ``called_from`` are
    the ids of the call activities, outermost first. ``attrs`` by kind:

    - user: form_id, assignee, candidate_groups, candidate_users, due_date, follow_up_date, priority, properties
    - job: type, retries, headers, properties
    - timer: due (ISO 8601, UTC); of a cycle also cycle (its text) and cycle_left (how many follow; -1 without end)
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
    multi-instance); ``flow_id`` is set when ``kind`` is ``flow``, and ``element_id`` is then the flow's source.
    """

    kind: str
    element_id: str
    name: str
    type: str
    token: str
    process_id: str
    at: datetime
    flow_id: str | None = None


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
