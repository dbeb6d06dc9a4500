"""A case changes to another release: the process goes over, and the rows of what stands follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update

from engine.cases.case import Case
from engine.cases.record import ElementInstance
from engine.cases.work import Incident, Subscription, Task, stage_of
from engine.commands import Unit, binding
from engine.commands.casework import Casework
from engine.jobs.queue import Job
from engine.workflow import Finding, Plan, Process, Wait, instance_key, migration


class Rebase:
    """A case in hand, between two releases. Look with ``findings``, then ``forward``; or ``back`` to what was kept."""

    def __init__(self, unit: Unit, case: Case, target_id: int) -> None:
        self.unit, self.case, self.source_id = unit, case, case.release_id
        self.old = Casework(unit, case)
        self.old.resume()
        case.release_id = target_id
        self.new = Casework(unit, case)

    def plan(self, mapping: Mapping[str, str], processes: Mapping[str, str]) -> Plan:
        """The proposed plan with what was mapped by hand. Raises ``Refused``."""
        return migration.plan(self.old.definitions, self.new.definitions, mapping, processes)

    def findings(self, plan: Plan) -> list[Finding]:
        """What would happen."""
        return migration.check(self.old.process, plan)

    def stay(self) -> None:
        """Nothing is changed after all."""
        self.case.release_id = self.source_id

    def forward(self, plan: Plan) -> None:
        """Go over. Raises ``Refused``."""
        before = self.old.process.save()
        self.new.process = Process.load(self.old.definitions, *before, self.new)
        self.new.process.migrate(plan)
        self._write()

    def back(self, tokens: bytes, variables: Mapping[str, Mapping[str, Any]]) -> None:
        """Stand where the case stood before."""
        self.new.process = Process.load(self.new.definitions, tokens, variables, self.new)
        self._write()

    def _write(self) -> None:
        before = {(wait.token, wait.kind): wait for wait in self.old.process.waits()}
        stood = self.old.process.standing()
        after = {(wait.token, wait.kind): wait for wait in self.new.process.waits()}
        stands = self.new.process.standing()
        self._own_process(self.new.process.process_id)
        self.new.take_over(self.old)
        self.new.save()
        for key in before.keys() & after.keys():
            if before[key] != after[key]:
                self._rename(after[key])
        self._instances({token: place for token, place in stands.items() if stood.get(token, place) != place})

    def _own_process(self, process_id: str) -> None:
        """Where the case has been stays said of the process it was in."""
        if process_id != self.case.process_id:
            rows = update(ElementInstance).where(
                ElementInstance.case_id == self.case.id, ElementInstance.process_id.is_(None)
            )
            self.unit.session.execute(
                rows.values(process_id=self.case.process_id), execution_options={"synchronize_session": False}
            )
        self.case.process_id = process_id

    def _rename(self, wait: Wait) -> None:
        place = {"process_id": wait.process_id, "element_id": wait.element_id}
        table: Any = {"user": Task, "message": Subscription, "signal": Subscription, "incident": Incident}.get(
            wait.kind, Job
        )
        values: dict[str, Any] = dict(place)
        if table is Task:
            properties = dict(wait.attrs.get("properties") or {})
            values |= {
                "name": wait.name or wait.element_id,
                "form_id": binding.form(self.unit.session, self.new.release, wait.attrs),
            }
            values |= {"properties": properties, "stage": stage_of(properties, self.case.stage)}
            # Whoever has the old form open is told when they submit it.
            values["version"] = Task.version + 1
        elif table is Subscription:
            values |= {"name": str(wait.attrs["name"]), "key": str(wait.attrs.get("key") or "")}
        elif table is Incident:
            values["element_name"] = wait.name or wait.element_id
        elif wait.kind == "condition":
            return
        rows = update(table).where(table.case_id == self.case.id, table.token == wait.token)
        self.unit.session.execute(rows.values(values), execution_options={"synchronize_session": False})

    def _instances(self, moved: Mapping[str, tuple[str, str]]) -> None:
        for token, (process_id, element_id) in moved.items():
            row = update(ElementInstance).where(ElementInstance.id == instance_key(token))
            self.unit.session.execute(
                row.values(
                    process_id=None if process_id == self.case.process_id else process_id, element_id=element_id
                ),
                execution_options={"synchronize_session": False},
            )
