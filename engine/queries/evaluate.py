"""A decision tried on variables: what comes out, and which rows of which tables said so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from engine import feel
from engine.catalog import definitions, releases
from engine.catalog.definitions import Definition
from engine.core.errors import ModelFault
from engine.decisions import Decision, Model, models_of


@dataclass(frozen=True)
class Evaluated:
    """One decision of the graph. ``kind``: DECISION_TABLE or LITERAL_EXPRESSION; the rest is JSON."""

    definition: Definition
    kind: str
    output: Any
    inputs: list[dict[str, Any]]
    rules: list[dict[str, Any]]


@dataclass(frozen=True)
class Evaluation:
    """The whole answer; ``failure`` is empty where there is an ``output``."""

    definition: Definition
    graph: Definition
    output: Any
    failure: str
    decisions: list[Evaluated]


def evaluate(session: Session, key: int | None, decision_id: str, variables: Mapping[str, Any]) -> Evaluation:
    """Decide by key, or by id in the newest version. Raises ``NotFound``."""
    found = definitions.by_key(session, key, "decision") if key is not None else None
    found = found or definitions.latest(session, "decision", decision_id)
    if found is None or found.state == definitions.DELETED:
        raise definitions.not_found()
    graph = definitions.by_key(session, found.requirements_key or 0, "requirements")
    release = releases.view(session, found.release_id)
    model = models_of(release.hash, lambda: release.files)[found.definition_id]
    try:
        result = model.evaluate(found.definition_id, variables, explanation="full")
        output, entries = feel.to_json(result.value), feel.to_json(result.explanation)
    except ModelFault as fault:
        return Evaluation(found, graph, None, fault.message, [])
    beside = {one.definition_id: one for one in definitions.beside(session, found) if one.kind == "decision"}
    return Evaluation(found, graph, output, "", list(_evaluated(model, entries, beside)))


def _evaluated(model: Model, entries: list[dict[str, Any]], known: Mapping[str, Definition]) -> Iterator[Evaluated]:
    for entry in entries:
        decision = model.decisions.get(entry["decision"])
        definition = known.get(entry["decision"])
        # A function of the graph, or a decision of an imported file, is told inside the one that used it.
        if decision is None or definition is None:
            continue
        yield Evaluated(
            definition=definition,
            kind="DECISION_TABLE" if decision.table is not None else "LITERAL_EXPRESSION",
            output=entry["outputs"],
            inputs=_inputs(decision, entry),
            rules=[_rule(decision, rule) for rule in entry["rules"] if rule["matched"]],
        )


def _inputs(decision: Decision, entry: dict[str, Any]) -> list[dict[str, Any]]:
    if decision.table is None:
        return []
    columns = zip(decision.table.inputs, entry["inputs"], strict=True)
    return [{"id": column.id, "name": shown["label"], "value": shown["value"]} for column, shown in columns]


def _rule(decision: Decision, rule: dict[str, Any]) -> dict[str, Any]:
    columns = decision.table.outputs if decision.table is not None else ()
    given = rule.get("outputs")
    values = [given] if len(columns) == 1 else [given.get(column.name) for column in columns] if given else []
    outputs = [
        {"id": column.id, "name": column.label or column.name, "value": value}
        for column, value in zip(columns, values, strict=False)
    ]
    return {"id": rule["id"], "row": rule["row"], "outputs": outputs}
