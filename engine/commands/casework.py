"""One locked case with its process in memory: load it, move it, write all of it back as rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from engine import feel
from engine.cases import record
from engine.cases.case import ROOT_SCOPE, Case, Scopes, load_variables, save_variables
from engine.catalog import releases
from engine.catalog.releases import ReleaseView
from engine.commands import Unit, mirror
from engine.core import clock, ids, operations, secrets
from engine.core.actor import SYSTEM
from engine.core.errors import Fault, ModelFault
from engine.core.operations import Call, Operation
from engine.decisions import Model, models_of
from engine.workflow import Definitions, Process, Wait, definitions_of

_MAX_ROUNDS = 50


class Casework:
    """A case in hand. Use ``begin`` for a new process, ``resume`` for a running one, and ``save`` at the end."""

    def __init__(self, unit: Unit, case: Case) -> None:
        self.unit = unit
        self.case = case
        self.release: ReleaseView = releases.view(unit.session, case.release_id)
        self.definitions: Definitions = definitions_of(self.release.hash, lambda: self.release.of_kind(".bpmn"))
        self.process: Process
        self.done: set[str] = set()
        self.took_message = False
        self._scopes_before: Scopes = {ROOT_SCOPE: {}}
        self._waits_before: dict[tuple[str, str], Wait] = {}

    def begin(self, variables: Mapping[str, Any]) -> None:
        """Start the item's process with these variables."""
        process_id = str(self.release.item.raw["process"])
        self.process = Process.start(self.definitions, process_id, variables, self)

    def resume(self) -> None:
        """Take the process up where the case left it."""
        self._scopes_before = load_variables(self.unit.session, self.case.id)
        # The process works on its own copies: what was loaded stays as it was, for comparison.
        self.process = Process.load(self.definitions, self.case.tokens, _copy(self._scopes_before), self)
        self._waits_before = {(wait.token, wait.kind): wait for wait in self.process.waits()}

    def complete(self, token: str, variables: Mapping[str, Any]) -> None:
        """A person's task is done: its row says so already."""
        self.process.complete(token, variables)
        self.done.add(token)

    def save(self) -> None:
        """Write tokens, variables, waits and history; deliver messages that were already there; close when done."""
        for _ in range(_MAX_ROUNDS):
            waits = {(wait.token, wait.kind): wait for wait in self.process.waits()}
            fired = mirror.write(self, self._waits_before, waits)
            self._waits_before = waits
            if not fired:
                break
        else:
            raise ModelFault(Fault("endless_messages", "流程不断收取消息而不停下，请检查消息与循环的画法"))
        tokens, scopes = self.process.save()
        save_variables(self.unit.session, self.case.id, self._scopes_before, scopes)
        self._history()
        case = self.case
        case.tokens, case.version = tokens, case.version + 1
        case.stage = self._stage()
        if self.process.completed and case.state == "open":
            mirror.close(self)

    # --- what the process asks of its host ---------------------------------------------------------------------

    def now(self) -> datetime:
        """The moment of this command."""
        return clock.now()

    def operation_is_inside(self, type: str) -> bool:
        """An unknown operation counts as inside, so that calling it becomes an incident with a hint."""
        return type not in operations.vocabulary() or operations.find(type).where == "inside"

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
        # A fault becomes an incident and the command still commits: what the operation wrote before must not stay.
        with self.unit.session.begin_nested():
            result = found.run(call)
            if not isinstance(result, Mapping):
                raise TypeError(f"inside operation {found.name} must give a mapping")
            outputs = found.check_outputs(result)
        reason = call.inputs.get("reason")
        title = f"{found.title}（{reason}）" if isinstance(reason, str) else found.title
        # A person's command set it off, but the model did it.
        self.unit.journal.add(self.case, SYSTEM, self.unit.now, "operation", title, {}, wait.element_id)
        return found.seal(outputs)

    def decide(self, decision_id: str, context: Mapping[str, Any], element_id: str) -> Any:
        """Evaluate a decision of the pinned release and keep its explanation."""
        result = _decision_model(self.release, decision_id).evaluate(decision_id, context)
        value = feel.to_json(result.value)
        self.unit.session.execute(
            insert(record.DecisionRecord),
            {
                "id": ids.new(),
                "case_id": self.case.id,
                "at": clock.now(),
                "element_id": element_id,
                "decision_id": decision_id,
                "value": value,
                "explanation": feel.to_json(result.explanation),
            },
        )
        return value

    # --- inside --------------------------------------------------------------------------------------------------

    def _history(self) -> None:
        rows = [
            {
                "id": ids.new(),
                "case_id": self.case.id,
                "at": event.at,
                "kind": event.kind,
                "process_id": event.process_id,
                "element_id": event.element_id or "",
                "name": event.name or "",
                "type": event.type or "",
                "token": event.token or "",
                "flow_id": event.flow_id or "",
            }
            for event in self.process.history
        ]
        if rows:
            self.unit.session.execute(insert(record.Activity), rows)

    def _stage(self) -> str:
        """The stage of the element entered last that names one."""
        for event in reversed(self.process.history):
            if event.kind != "activated":
                continue
            info = self.definitions.processes[event.process_id].elements.get(event.element_id or "")
            stage = info.extensions.get("properties", {}).get("stage") if info else None
            if stage:
                return str(stage)
        return self.case.stage


def _wanted(operation: Operation, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: variables[name] for name in operation.inputs.fields if name in variables}


def _decision_model(release: ReleaseView, decision_id: str) -> Model:
    models = models_of(release.hash, lambda: release.files)
    if decision_id not in models:
        raise ModelFault(Fault("unknown_decision", f"发布包中没有决策 {decision_id}"))
    return models[decision_id]


def _copy(scopes: Scopes) -> Scopes:
    """One level is enough: the process replaces values, it never changes them in place."""
    return {scope: dict(names) for scope, names in scopes.items()}
