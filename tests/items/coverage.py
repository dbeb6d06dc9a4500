"""What a case travelled and hit: sequence flows from its history, DMN rows from its explanations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select

from engine.cases.case import Case
from engine.cases.record import ElementInstance, decisions
from engine.core.db import reading
from engine.decisions import Model
from engine.workflow import Definitions


@dataclass
class Coverage:
    """Flows are (process, flow id); rows are (decision id, rule id)."""

    flows: set[tuple[str, str]] = field(default_factory=set)
    rows: set[tuple[str, str]] = field(default_factory=set)
    paths: int = 0

    def add(self, other: Coverage) -> None:
        """Take in what another path saw."""
        self.flows |= other.flows
        self.rows |= other.rows
        self.paths += 1

    def untravelled(self, definitions: Definitions) -> list[str]:
        """Flows that nothing travelled."""
        every = {(process.id, flow) for process in definitions.processes.values() for flow in process.flows}
        return sorted(f"{process}: {flow}" for process, flow in every - self.flows)

    def unhit(self, models: Iterable[Model]) -> list[str]:
        """Rows that nothing hit."""
        every = {(decision, rule) for model in models for decision in model.decisions for rule in model.rules(decision)}
        return sorted(f"{decision}: {rule}" for decision, rule in every - self.rows)


def of_case(case_id: int) -> Coverage:
    """What one case travelled and hit."""
    coverage = Coverage()
    with reading() as session:
        query = select(ElementInstance.process_id, ElementInstance.via).where(ElementInstance.case_id == case_id)
        own = session.scalar(select(Case.process_id).where(Case.id == case_id))
        rows = session.execute(query).all()
        coverage.flows = {(process or own or "", flow) for process, via in rows for flow in (via or "").split()}
        for told in (one.explanation for one in decisions(session, case_id)):
            for one in told:
                coverage.rows |= {(one["decision"], rule["id"]) for rule in one["rules"] if rule["matched"]}
    return coverage
