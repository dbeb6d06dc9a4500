"""Evaluates a decision and, before it, everything it requires; each decision once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.core.errors import ModelFault
from engine.decisions.borders import fit
from engine.decisions.model import Decision, Input, Knowledge, Model, Need, Result, Service
from engine.decisions.trace import Trace
from engine.feel import FeelError, FeelFunction, Frame, from_python
from engine.feel.errors import too_much
from engine.feel.functions import call
from engine.feel.values import kind_name


def evaluate(model: Model, id_or_name: str, inputs: Mapping[str, Any], *, full: bool) -> Result:
    """See ``Model.evaluate``."""
    item = model.find(id_or_name)
    warnings: list[str] = []
    trace = Trace(warnings, full=full)
    given = {name: from_python(inputs[name]) for name in model.reads if name in inputs}
    if isinstance(item, Service):
        given |= {name: from_python(value) for name, value in inputs.items() if name not in given}
    evaluation = Evaluation(model, Frame(given, None, trace))
    try:
        if isinstance(item, Decision):
            value = evaluation.decide(item)
        else:
            value = evaluation.invoke(item, {name: from_python(value) for name, value in inputs.items()})
    except FeelError as error:
        raise _placed(error, model, item) from error
    except RecursionError:
        raise _placed(too_much("嵌套过深", "请检查函数是否没有尽头地调用自己"), model, item) from None
    return Result(value, trace.entries, warnings)


def _placed(error: FeelError, model: Model, item: Decision | Service | Knowledge) -> ModelFault:
    """The same fault, with the decision where it happened."""
    return ModelFault(*(replace(fault, file=model.file, element=item.id, name=item.name) for fault in error.faults))


class Evaluation:
    """One run over the requirements graph. ``root`` holds the inputs, ``known`` what is decided already."""

    def __init__(self, model: Model, root: Frame, known: dict[str, Any] | None = None) -> None:
        self.model = model
        self.root = root
        self.known = known if known is not None else {}

    def decide(self, decision: Decision) -> Any:
        """The value of a decision."""
        if decision.key in self.known:
            return self.known[decision.key]
        scope: dict[str, Any] = {}
        aliases: dict[str, Any] = {}
        for need in decision.needs:
            self._bind(scope, aliases, need)
        frame = self.root.child(aliases).child(scope) if aliases else self.root.child(scope)
        value = fit(self.root.run, decision.code(frame), decision.type, decision.name)
        self.known[decision.key] = value
        trace = self.root.run
        if decision.table is None and isinstance(trace, Trace):
            shown = {name: item for name, item in scope.items() if kind_name(item) != "function"}
            trace.expression(decision.id, decision.name, decision.text, shown, value)
        return value

    def invoke(self, item: Knowledge | Service, given: Mapping[str, Any]) -> Any:
        """Call a function or service with arguments by name."""
        function = self.function(item)
        return call(self.root.run, function, [given.get(name) for name in function.parameters])

    def _bind(self, scope: dict[str, Any], aliases: dict[str, Any], need: Need) -> None:
        """Put a needed value under its path, and under its id where nothing else has that name."""
        if need.key not in self.model.elements:
            return
        value = self._value(need)
        *outer, name = need.path
        target = scope
        for step in outer:
            target = target.setdefault(step, {})
        target[name] = value
        if need.alias and need.alias != name and need.alias not in self.root.vars:
            aliases[need.alias] = value

    def _value(self, need: Need) -> Any:
        item = self.model.elements[need.key]
        if isinstance(item, Decision):
            return self.decide(item)
        if isinstance(item, Input):
            if item.key in self.known:
                return self.known[item.key]
            return fit(self.root.run, self._given(need), item.type, item.name)
        return self.function(item)

    def _given(self, need: Need) -> Any:
        """An input by its path, else by its plain name, else by its id."""
        value: Any = self.root.vars
        for step in need.path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None and need.path[-1] in self.root.vars:
            return self.root.vars[need.path[-1]]
        return value if value is not None else self.root.vars.get(need.alias)

    def function(self, item: Knowledge | Service) -> FeelFunction:
        """The item as a FEEL function."""
        return self._service(item) if isinstance(item, Service) else self._knowledge(item)

    def _knowledge(self, item: Knowledge) -> FeelFunction:
        names = tuple(name for name, _ in item.parameters)

        def invoke(run: Any, values: list[Any]) -> Any:
            scope: dict[str, Any] = {}
            for need in item.needs:
                self._bind(scope, {}, need)
            scope.setdefault(item.name, function)
            scope.update(zip(names, values, strict=True))
            return item.code(Frame(scope, None, run))

        function = FeelFunction(names, invoke, tuple(kind for _, kind in item.parameters), item.result)
        return function

    def _service(self, item: Service) -> FeelFunction:
        needs = (*item.inputs, *item.given)

        def invoke(run: Any, values: list[Any]) -> Any:
            known: dict[str, Any] = {}
            for need, value in zip(needs, values, strict=True):
                found = self.model.elements[need.key]
                kind = found.type if isinstance(found, Input | Decision) else None
                known[need.key] = fit(run, value, kind, need.path[-1])
            inner = Evaluation(self.model, Frame({}, None, run), known)
            outputs = [self.model.elements[key] for key in item.outputs]
            decided = {output.variable: inner.decide(output) for output in outputs if isinstance(output, Decision)}
            return next(iter(decided.values())) if len(decided) == 1 else decided

        return FeelFunction(tuple(need.path[-1] for need in needs), invoke, (), item.result)
