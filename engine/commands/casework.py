"""One locked case with its process in memory: load it, move it, write all of it back as rows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from engine import feel
from engine.cases import persons, record
from engine.cases.case import ROOT_SCOPE, Asked, Case, Origins, Scopes, load_with_origins, save_variables
from engine.cases.work import Task
from engine.catalog import releases
from engine.catalog.releases import ReleaseView
from engine.commands import Again, Unit, binding, listeners, mirror
from engine.core import clock, operations, secrets, workdays
from engine.core.actor import SYSTEM
from engine.core.errors import Declined, Fault, ModelFault, OutsideFault
from engine.core.operations import Call, Operation
from engine.core.writes import insert_later
from engine.workflow import BpmnError, Definitions, ElementInfo, Followed, Process, Wait, definitions_held, instance_key

_MAX_ROUNDS = 50
# What an event makes of its element; flows are told by whom they bring, incidents have rows of their own.
_STATES = {"activated": "active", "completed": "completed", "cancelled": "terminated"}


class Casework:
    """A case in hand. Use ``begin`` for a new process, ``resume`` for a running one, and ``save`` at the end."""

    def __init__(self, unit: Unit, case: Case) -> None:
        self.unit = unit
        self.case = case
        # Whatever the model counts, it counts in the office's calendar.
        workdays.use_office(case.office_id)
        self.release: ReleaseView = releases.view(unit.session, case.release_id)
        self.definitions: Definitions = definitions_held(self.release)
        self.process: Process
        self.done: set[str] = set()
        self.finished: list[Task] = []
        # Element id → columns of the tasks that come up there, where somebody sent the case there.
        self.arrivals: dict[str, dict[str, Any]] = {}
        self.took_message = False
        self.scopes_before: Scopes = {ROOT_SCOPE: {}}
        self.origins: Origins = {}
        # The line of the record this command's answers stand in, and they themselves.
        self._answers: tuple[int, Mapping[str, Any]] = (0, {})
        self._waits_before: dict[tuple[str, str], Wait] = {}

    def begin(self, variables: Mapping[str, Any]) -> None:
        """Start the case's process with these variables."""
        self.process = Process.start(self.definitions, self.case.process_id, variables, self)

    def resume(self, *more: Asked) -> dict[str, Any]:
        """Take the process up where the case left it; gives what ``more`` found under its scope."""
        self.scopes_before, self.origins = load_with_origins(self.unit.session, self.case.id, *more)
        found = self.scopes_before.pop(record.DONE_SCOPE, {})
        # The process works on its own copies: what was loaded stays as it was, for comparison.
        self.process = Process.load(self.definitions, self.case.tokens, _copy(self.scopes_before), self)
        self._waits_before = {(wait.token, wait.kind): wait for wait in self.process.waits()}
        return found

    def take_over(self, other: Casework) -> None:
        """Go on from what ``other`` loaded of the same case: the rows that stand are its rows."""
        self.scopes_before, self.origins = other.scopes_before, other.origins
        self._waits_before = other._waits_before

    def complete(self, task: Task, variables: Mapping[str, Any]) -> None:
        """A person's task is done: its row says so already and is written with the new ones.

        One whose listeners are still to be heard is not: then the row waits for what they say.
        """
        if task.back_to:
            self.arrivals[task.back_to] = {"mark": "came_back", "assignee": task.asked_by, "asked_by": task.done_by}
        self.leave(task)
        place = self.process.place_of(task.token)
        self.process.complete(task.token, variables)
        if self.case.item:
            task.followed = _kept(self.process.followed(place))
        if self.process.phase_of(task.token) == "completing":
            self.done.remove(task.token)
            self.finished.remove(task)
            self.unit.session.add(task)
            task.state, task.done_at = "completing", None
            element = self.element_of(task)
            task.properties = dict(element.extensions.get("properties", {})) if element else {}

    def element_of(self, task: Task) -> ElementInfo | None:
        """What the model says of an open task; None where only another release does and ``resume`` was not called."""
        if hasattr(self, "process"):
            return self.process.element(task.token)
        process = self.definitions.processes.get(task.process_id)
        return process.elements.get(task.element_id) if process else None

    def leave(self, task: Task) -> None:
        """Write the row of a task that is done together with those of the tasks that follow."""
        self.done.add(task.token)
        self.finished.append(task)
        self.unit.session.expunge(task)

    def answered(self, entry_seq: int, answers: Mapping[str, Any]) -> None:
        """These answers stand in that line of the record: as variables they need not be kept for ever."""
        self._answers = entry_seq, answers

    @property
    def answers(self) -> Mapping[str, Any]:
        """What ``answered`` was told."""
        return self._answers[1]

    def save(self) -> None:
        """Write tokens, variables, waits and history; deliver messages that were already there; close when done."""
        if self.process.heard:
            listeners.hear(self)
        # Before tasks are given to anybody: whose case it is decides who must keep away.
        before, known = self.scopes_before[ROOT_SCOPE], dict(self.process.variables)
        persons.follow(self.unit.session, self.case, self.release.item, before, known)
        for _ in range(_MAX_ROUNDS):
            waits = {(wait.token, wait.kind): wait for wait in self.process.waits()}
            fired = mirror.write(self, self._waits_before, waits)
            self._waits_before = waits
            if not fired:
                break
        else:
            raise ModelFault(Fault("endless_messages", "流程不断收取消息而不停下，请检查消息与循环的画法"))
        self._history()
        case = self.case
        case.version += 1
        case.stage = self._stage()
        case.tokens, scopes = self.process.save()
        self._trace(scopes[ROOT_SCOPE])
        persons.follow(self.unit.session, case, self.release.item, known, scopes[ROOT_SCOPE])
        if self.process.completed and case.state == "open":
            mirror.close(self, scopes[ROOT_SCOPE])
        else:
            save_variables(self.unit.session, case.id, self.scopes_before, scopes, self.origins)

    def _trace(self, root: Mapping[str, Any]) -> None:
        """Of which variables the value stands in the record: of these no second copy is kept at the end."""
        before, (seq, answers) = self.scopes_before[ROOT_SCOPE], self._answers
        for name, value in root.items():
            if name in answers and answers[name] == value:
                self.origins[name] = seq
            elif name not in before or before[name] != value:
                self.origins.pop(name, None)
        for name in self.origins.keys() - root.keys():
            del self.origins[name]

    # --- what the process asks of its host ---------------------------------------------------------------------

    def now(self) -> datetime:
        """The moment of this command."""
        return clock.now()

    def operation_is_inside(self, type: str) -> bool:
        """In an item an unknown operation counts as inside, so that calling it becomes an incident with a hint."""
        if not operations.known(type):
            return self.release.strict
        return operations.find(type).where == "inside"

    def run_inside(self, wait: Wait, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run an inside operation in this transaction."""
        found = operations.find(str(wait.attrs["type"]))
        headers = dict(wait.attrs.get("headers") or {})
        call = Call(
            case_id=self.case.id,
            case_number=self.case.number,
            item=self.case.item,
            office_id=self.case.office_id,
            token=wait.token,
            element_id=wait.element_id,
            idempotency_key=f"{self.case.id}-{wait.token}",
            inputs=found.load_inputs(secrets.unseal_tree(_wanted(found, variables)), headers),
            headers=headers,
            actor=self.unit.actor.key,
            session=self.unit.session,
            case_variables=self.process.variables if hasattr(self, "process") else variables,
        )
        outputs = self._attempt(found, call)
        reason = call.inputs.get("reason")
        title = f"{found.title}（{reason}）" if isinstance(reason, str) else found.title
        # A person's command set it off, but the model did it.
        self.unit.journal.add(self.case, SYSTEM, self.unit.now, record.Entry("operation", title, wait.element_id))
        return found.seal(outputs)

    def _attempt(self, found: Operation, call: Call) -> Mapping[str, Any]:
        """A fault becomes an incident and the command still commits: what the operation wrote before must not stay."""
        session = self.unit.session
        # Operations find their case by its id, and what an earlier one left to be written.
        session.flush()
        try:
            with session.begin_nested() if self.unit.careful else nullcontext():
                result = found.run(call)
                if not isinstance(result, Mapping):
                    raise TypeError(f"inside operation {found.name} must give a mapping")
                return found.check_outputs(result)
        except (ModelFault, OutsideFault, BpmnError, Declined) as error:
            if self.unit.careful:
                raise
            raise Again from error

    def find_called(self, process_id: str, how: str, version_tag: str) -> tuple[str, Definitions] | None:
        """What the release does not hold itself, or not in the version that is asked for."""
        return binding.called(self.unit, self.release, self.definitions, process_id, how, version_tag)

    def load_called(self, key: str) -> Definitions:
        """What ``find_called`` found when the call began."""
        return binding.definitions_in(self.unit.session, int(key))

    def decide(self, decision_id: str, context: Mapping[str, Any], element_id: str) -> Any:
        """Evaluate a decision of the pinned release; its explanation goes into the record."""
        model = binding.decision(self.unit, self.release, self.definitions, decision_id, element_id)
        result = model.evaluate(decision_id, context)
        value = feel.to_json(result.value)
        payload = {"value": value, "explanation": feel.to_json(result.explanation)}
        title = f"计算「{model.find(decision_id).name}」"
        entry = record.Entry("decision", title, element_id, payload, decision_id=decision_id)
        self.unit.journal.add(self.case, SYSTEM, self.unit.now, entry)
        return value

    # --- inside --------------------------------------------------------------------------------------------------

    def _history(self) -> None:
        """One row an element instance: what began and ended in this command is written once."""
        rows: dict[int, dict[str, Any]] = {}
        for event in self.process.history:
            state = _STATES.get(event.kind)
            if state is None:
                continue
            key = instance_key(event.token)
            row = rows.get(key) or {
                "id": key,
                "case_id": self.case.id,
                "process_id": None if event.process_id == self.case.process_id else event.process_id,
                "element_id": event.element_id,
                "type": event.type,
                "via": event.via,
                "parent": instance_key(event.parent) if event.parent else None,
                "started_at": event.at,
            }
            rows[key] = {**row, "state": state, "ended_at": None if state == "active" else event.at}
        insert_later(self.unit.session, record.ElementInstance, list(rows.values()), over=("state", "ended_at"))

    def _stage(self) -> str:
        """The stage of the element entered last that names one."""
        for event in reversed(self.process.history):
            if event.kind != "activated":
                continue
            info = self.process.info(event.process_id).elements.get(event.element_id or "")
            stage = info.extensions.get("properties", {}).get("stage") if info else None
            if stage:
                return str(stage)
        return self.case.stage


def _wanted(operation: Operation, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: variables[name] for name in operation.inputs.fields if name in variables}


def _kept(followed: Followed) -> dict[str, Any]:
    """What a submit brought, for whoever wants to take it back."""
    if followed.why_not:
        return {"not": followed.why_not}
    return {"tokens": list(followed.tokens), "scope": followed.scope}


def _copy(scopes: Scopes) -> Scopes:
    """One level is enough: the process replaces values, it never changes them in place."""
    return {scope: dict(names) for scope, names in scopes.items()}
