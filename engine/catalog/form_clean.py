"""Cleans the answers of one form: the only authority on what a person may have said.

First it settles what is hidden, read-only and computed (FEEL, asked again until nothing changes), then loads what
counts with marshmallow, then asks the rules that look at other answers. What the browser decided is never trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from engine.catalog.form_checks import Codes, Surroundings, fault_of
from engine.catalog.form_entries import NOTHING, Entries, Entry, count_fault, for_feel, unmask
from engine.catalog.form_feel import Expression, FeelError, context_of, from_python
from engine.catalog.form_own import OWN_MAKERS
from engine.catalog.form_tree import Field, at, flat, put, truth
from engine.catalog.form_values import MAKERS
from engine.core.errors import InvalidAnswers

ROUNDS = 10
MAX_BROKEN = 3  # expressions that reach a limit before the whole form is given up
_MAKERS = MAKERS | OWN_MAKERS


@dataclass(frozen=True)
class Shape:
    """The marshmallow schema of one row (or of the form itself), made once.

    ``names`` maps a field's id to its attribute of the schema.
    """

    schema: Schema
    names: Mapping[str, str]


def shapes_of(fields: tuple[Field, ...], path: str = "") -> dict[str, Shape]:
    """The shape of the form (under "") and of the rows of every list (under the list's path)."""
    loaded = [one for one in fields if one.type in _MAKERS]
    names = {one.id: f"f{number}" for number, one in enumerate(loaded)}
    schema = Schema.from_dict({names[one.id]: _MAKERS[one.type](one) for one in loaded})
    shapes = {path: Shape(schema(), names)}
    for one in fields:
        if one.is_list:
            shapes |= shapes_of(one.rows, one.path)
    return shapes


class Cleaning:
    """One call of ``Form.clean``."""

    def __init__(
        self,
        fields: tuple[Field, ...],
        shapes: Mapping[str, Shape],
        answers: Mapping[str, Any],
        data: Mapping[str, Any],
        codes: Codes | None,
    ) -> None:
        self.fields, self.shapes, self.data, self.codes = fields, shapes, data, codes
        self.entries = Entries(answers, data)
        self.entries.gather(fields)
        self.touched = {entry.place[0] for entry in self.entries.all}
        self.asks = any(one.hides or one.feel for one in flat(fields))
        self.tree: dict[str, Any] = {}
        self.feel: dict[str, Any] = {}
        self.broken: dict[str, str] = {}
        self.values: dict[int, Any] = {}
        self.behind_masks: set[int] = set()
        self.errors: dict[str, str] = {}

    def run(self) -> dict[str, Any]:
        """The clean answers. Raises ``InvalidAnswers``."""
        self.settle()
        self.load()
        self.check()
        for entry in self.entries.all:
            if entry.live:
                self.errors = {**entry.faults, **self.errors}
        self.errors |= self.broken
        if self.errors:
            order = {entry.key: number for number, entry in enumerate(self.entries.all)}
            keys = sorted(self.errors, key=lambda key: order.get(key, len(order)))
            raise InvalidAnswers({key: [self.errors[key]] for key in keys})
        return self.result()

    # --- what is hidden, read-only, computed --------------------------------------------------------------------

    def settle(self) -> None:
        """Judge every entry until the picture holds; the picture is what FEEL sees. Read-only is assumed at first."""
        self.picture()
        for _ in range(ROUNDS if self.asks else 0):
            self.broken = {}
            before = [(entry.hidden, entry.kept, entry.computed) for entry in self.entries.all]
            for entry in self.entries.all:
                self.judge(entry)
            self.picture()
            if before == [(entry.hidden, entry.kept, entry.computed) for entry in self.entries.all]:
                break

    def judge(self, entry: Entry) -> None:
        field = entry.field
        entry.hidden = any(self.ask(entry, one) is True for one in field.hides)
        if "readonly" in field.feel and not truth(field.raw.get("disabled")):
            entry.kept = self.ask(entry, field.feel["readonly"]) is True
        if "expression" in field.feel:
            entry.computed = self.ask(entry, field.feel["expression"])

    def ask(self, entry: Entry, expression: Expression) -> Any:
        """One expression at one place; one that cannot be computed becomes a message at the field."""
        here = at(self.feel, entry.scope)
        parent = None if entry.inside is None else at(self.feel, entry.inside.scope)
        try:
            return expression.ask(context_of(self.feel, here, parent, [row + 1 for row in entry.rows]))
        except FeelError as error:
            self.broken[entry.key] = f"此项的规则无法计算，请联系管理员检查表单（{error.code}）"
            if len(self.broken) > MAX_BROKEN:
                raise InvalidAnswers({key: [text] for key, text in self.broken.items()}) from error
            return None

    def picture(self) -> None:
        """The data with the answers that count laid over it, as JSON and as FEEL values."""
        tree = {name: deepcopy(value) if name in self.touched else value for name, value in self.data.items()}
        for entry in self.entries.all:
            if not entry.covered:
                put(tree, entry.place, self.seen(entry))
        self.tree = tree
        self.feel = from_python(tree) if self.asks else {}

    def seen(self, entry: Entry) -> Any:
        """What FEEL sees at one place. A hidden value of the top level falls back to what it was, as in form-js."""
        if entry.hidden and len(entry.place) > 1:
            return None
        if entry.hidden or entry.kept:
            before = entry.before
            return deepcopy(entry.field.empty if before is NOTHING else before)
        if entry.field.type == "expression":
            return entry.computed
        if entry.field.is_list:
            return [] if entry.answer is NOTHING else [{} for _ in entry.answer]
        return for_feel(entry)

    # --- values and rules ---------------------------------------------------------------------------------------

    def load(self) -> None:
        """Each row through its shape; what is hidden, read-only or behind a mask is not asked for."""
        scopes: dict[tuple[str | int, ...], list[tuple[int, Entry]]] = {}
        for number, entry in enumerate(self.entries.all):
            if entry.field.type in _MAKERS:
                scopes.setdefault(entry.scope, []).append((number, entry))
        for numbered in scopes.values():
            inside = numbered[0][1].inside
            self.load_row(self.shapes[inside.field.path if inside else ""], numbered)

    def load_row(self, shape: Shape, numbered: list[tuple[int, Entry]]) -> None:
        sent: dict[str, Any] = {}
        skipped: set[str] = set()
        for number, entry in numbered:
            name = shape.names[entry.field.id]
            behind = unmask(entry, self.entries) if entry.live else NOTHING
            if behind is not NOTHING:
                self.values[number] = behind
                self.behind_masks.add(number)
            if behind is not NOTHING or not entry.live or entry.faults:
                skipped.add(name)
            elif entry.answer is not NOTHING:
                sent[name] = entry.answer
        faults = shape.schema.validate(sent, partial=skipped)
        good = {name: value for name, value in sent.items() if name not in faults}
        loaded = shape.schema.load(good, partial=skipped | set(faults))
        for number, entry in numbered:
            name = shape.names[entry.field.id]
            if name in faults:
                self.errors[entry.key] = str(faults[name][0])
            elif name in loaded:
                self.values[number] = loaded[name]

    def check(self) -> None:
        """Rules on loaded, non-empty values and on the number of rows."""
        for number, entry in enumerate(self.entries.all):
            if not entry.live or entry.faults or entry.key in self.errors:
                continue
            if entry.field.is_list:
                fault = count_fault(entry)
            elif number not in self.values or entry.answer is NOTHING or number in self.behind_masks:
                fault = None
            else:
                fault = fault_of(entry.field, self.values[number], self.around(entry))
            if fault:
                self.errors[entry.key] = fault

    def around(self, entry: Entry) -> Surroundings:
        def near(key: str) -> Any:
            steps = tuple(key.split("."))
            beside = at(self.tree, (*entry.place[:-1], *steps))
            return beside if beside is not None else at(self.tree, steps)

        return Surroundings(self.tree, lambda one: self.ask(entry, one), near, self.codes)

    def result(self) -> dict[str, Any]:
        """Clean values at their places: answers that count, what stands where read-only, what was computed."""
        tree: dict[str, Any] = {}
        for number, entry in enumerate(self.entries.all):
            if entry.gone or entry.covered:
                continue
            value = self.values.get(number, NOTHING)
            if entry.kept:
                value = entry.stands if truth(entry.field.raw.get("disabled")) else entry.before
            elif entry.field.is_list:
                value = [] if entry.answer is NOTHING else [{} for _ in entry.answer]
            elif entry.field.type == "expression":
                value = entry.computed
            if value is not NOTHING:
                put(tree, entry.place, deepcopy(value))
        return tree
