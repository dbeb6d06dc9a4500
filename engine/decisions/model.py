"""What a DMN file holds, once read. Built by the loader, run by ``evaluation``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.core.errors import Fault, ModelFault
from engine.feel import Expression, Frame, Type, did_you_mean, to_json

Code = Callable[[Frame], Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """An input cell; ``test`` is its compiled unary test."""

    id: str
    text: str
    test: Expression
    line: int


@dataclass(frozen=True, slots=True)
class OutputCell:
    """An output cell; ``value`` None where it is empty or ``-``."""

    id: str
    text: str
    value: Expression | None
    line: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A row; ``row`` counts from 1, ``annotations`` by column name."""

    id: str
    row: int
    cells: tuple[Cell, ...]
    outputs: tuple[OutputCell, ...]
    annotations: Mapping[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class InputColumn:
    """``allowed`` is the compiled list of allowed values, ``type`` what the value is fitted to."""

    id: str
    label: str
    text: str
    value: Expression
    type: Type | None
    allowed: Expression | None


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """``order`` holds the allowed values in order of priority, ``default`` what stands when no row matches."""

    id: str
    name: str
    label: str
    type: Type | None
    allowed: Expression | None
    order: tuple[Any, ...]
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table; ``owner`` is the id of the decision or function it stands in."""

    owner: str
    name: str
    hit_policy: str
    aggregation: str
    inputs: tuple[InputColumn, ...]
    outputs: tuple[OutputColumn, ...]
    rules: tuple[Rule, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal expression somewhere inside a decision or function; ``owner`` is that one's id."""

    owner: str
    name: str
    element: str
    line: int
    expression: Expression


@dataclass(frozen=True, slots=True)
class Scope:
    """What a decision or function may name, and the types known of it.

    ``drawn`` is false where nothing is required: then, as in Camunda, every variable of the process may be read.
    """

    names: frozenset[str]
    types: Mapping[str, Type | None]
    drawn: bool


@dataclass(frozen=True, slots=True)
class Need:
    """A requirement: ``key`` of the needed element, and the path of names under which its value is seen.

    ``alias`` is the element's id, the name Camunda's users reach for.
    """

    key: str
    path: tuple[str, ...]
    alias: str = ""


@dataclass(slots=True)
class Input:
    """Input data. ``key`` is namespace#id."""

    key: str
    id: str
    name: str
    type: Type | None


@dataclass(slots=True)
class Decision:
    """A decision; ``code`` is its compiled logic, ``table`` set when that is a table of its own."""

    key: str
    id: str
    name: str
    variable: str
    type: Type | None
    needs: tuple[Need, ...]
    code: Code
    table: Table | None
    line: int
    text: str = ""


@dataclass(slots=True)
class Knowledge:
    """A business knowledge model: a named function."""

    key: str
    id: str
    name: str
    parameters: tuple[tuple[str, Type | None], ...]
    result: Type | None
    needs: tuple[Need, ...]
    code: Code


@dataclass(slots=True)
class Service:
    """A decision service: chosen decisions as one function of its inputs."""

    key: str
    id: str
    name: str
    outputs: tuple[str, ...]
    inputs: tuple[Need, ...]
    given: tuple[Need, ...]
    result: Type | None


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of an evaluation.

    ``value``: FEEL value. ``explanation``: JSON-able list in order of evaluation. ``warnings``: why something was null.
    """

    value: Any
    entries: list[Any]
    warnings: list[str]

    @property
    def explanation(self) -> list[dict[str, Any]]:
        """What was decided and why, written down when first asked for."""
        for index, entry in enumerate(self.entries):
            if not isinstance(entry, dict):
                self.entries[index] = entry()
        return self.entries

    def json(self) -> Any:
        """The value as JSON."""
        return to_json(self.value)


@dataclass(slots=True)
class Model:
    """One DMN file. ``decisions`` by id; ``tables`` and ``literals`` all in it; ``elements`` everything by key;
    ``scopes`` by the id of a decision or function of this file.
    """

    file: str
    namespace: str
    name: str
    decisions: dict[str, Decision] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    literals: list[Literal] = field(default_factory=list)
    scopes: dict[str, Scope] = field(default_factory=dict)
    elements: dict[str, Input | Decision | Knowledge | Service] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    faults: list[Fault] = field(default_factory=list)

    def own(self, kind: type) -> Iterator[Any]:
        """Elements of a kind that this very file declares."""
        return (item for key, item in self.elements.items() if isinstance(item, kind) and self._is_own(key))

    def _is_own(self, key: str) -> bool:
        return key.startswith(f"{self.namespace}#")

    def find(self, id_or_name: str) -> Decision | Service | Knowledge:
        """A decision, service or function by id, else by name. Raises ModelFault (``dmn_unknown_decision``)."""
        if id_or_name in self.decisions:
            return self.decisions[id_or_name]
        named = [
            item for item in self.own(object) if not isinstance(item, Input) and id_or_name in (item.id, item.name)
        ]
        if named:
            found: Decision | Service | Knowledge = named[0]
            return found
        known = [*self.decisions, *(decision.name for decision in self.decisions.values())]
        raise ModelFault(
            Fault(
                "dmn_unknown_decision",
                f"文件里没有决策“{id_or_name}”",
                file=self.file,
                element=id_or_name,
                hint=did_you_mean(id_or_name, known) or "请核对决策的 id",
            )
        )

    def evaluate(self, id_or_name: str, inputs: Mapping[str, Any], *, explanation: str = "matched") -> Result:
        """Decide. ``inputs``: plain data by variable name. ``explanation``: "matched", or "full" for all rows.

        Raises ModelFault when a hit policy is violated, an input is not an allowed value, or a FEEL limit is reached.
        """
        from engine.decisions.evaluation import evaluate

        return evaluate(self, id_or_name, inputs, full=explanation == "full")

    def rules(self, decision_id: str) -> list[str]:
        """The ids of a decision's rows, for coverage; empty when it is not a table."""
        found = self.find(decision_id)
        table = found.table if isinstance(found, Decision) else None
        return [rule.id for rule in table.rules] if table is not None else []
