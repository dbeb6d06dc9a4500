"""``typeRef`` and item definitions as FEEL types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine.core.errors import Fault
from engine.decisions.xml import Element, attribute, child, children, line_of, text_of
from engine.feel import Expression, FeelError, Frame, Run, Type, compile, did_you_mean
from engine.feel.types import BUILT_IN

_OTHER_NAMES = {
    "integer": "number",
    "long": "number",
    "double": "number",
    "any": "Any",
    "Context": "context",
    "durationDayTime": "days and time duration",
}


class ItemTypes:
    """The types of one file: built-in, its own item definitions, and imported ones as ``import.name``."""

    def __init__(
        self, root: Element, file: str, names: frozenset[str], imported: Mapping[str, Type], faults: list[Fault]
    ) -> None:
        self._definitions = {attribute(item, "name"): item for item in children(root, "itemDefinition")}
        self._done: dict[str, Type] = dict(imported)
        self._open: set[str] = set()
        self._file, self._names, self._faults = file, names, faults
        for name, element in self._definitions.items():
            self.resolve(name, element)

    @property
    def all(self) -> dict[str, Type]:
        """Own and imported types by name."""
        return self._done

    def resolve(self, reference: str, element: Element) -> Type | None:
        """The type a ``typeRef`` names; None for none or Any. An unknown one becomes a fault at ``element``."""
        name = reference.strip().removeprefix("feel:")
        name = name.split(":", 1)[1] if ":" in name and name not in self._definitions else name
        if not name or name == "Any":
            return None
        if name in self._done:
            return self._done[name]
        if name in self._definitions:
            return self._define(name)
        built_in = BUILT_IN.get(_OTHER_NAMES.get(name, name))
        if built_in is None:
            self._unknown(name, element)
        return built_in

    def _unknown(self, name: str, element: Element) -> None:
        self._faults.append(
            Fault(
                "dmn_unknown_type",
                f"不认识类型“{name}”",
                file=self._file,
                element=attribute(element, "id"),
                name=attribute(element, "name") or attribute(element, "label"),
                line=line_of(element),
                hint=did_you_mean(name, [*BUILT_IN, *self._definitions]),
            )
        )

    def _define(self, name: str) -> Type | None:
        if name in self._open:
            return None
        self._open.add(name)
        found = self._build(self._definitions[name])
        self._open.discard(name)
        if found is not None:
            self._done[name] = replace(found, name=name)
        return self._done.get(name)

    def _build(self, item: Element) -> Type | None:
        parts = list(children(item, "itemComponent"))
        function = child(item, "functionItem")
        base: Type | None
        if parts:
            fields = tuple((attribute(part, "name"), self._build(part) or BUILT_IN["Any"]) for part in parts)
            base = Type("context", fields=fields)
        elif function is not None:
            base = self._function(function)
        else:
            base = self.resolve(text_or_type(item), item)
        base = self._restricted(base, item)
        return Type("list", element=base) if attribute(item, "isCollection") == "true" else base

    def _function(self, item: Element) -> Type:
        parameters = tuple(
            self.resolve(attribute(part, "typeRef"), part) or BUILT_IN["Any"] for part in children(item, "parameters")
        )
        return Type("function", parameters=parameters, result=self.resolve(attribute(item, "outputTypeRef"), item))

    def _restricted(self, base: Type | None, item: Element) -> Type | None:
        constraint = child(item, "typeConstraint", "allowedValues")
        text = text_of(constraint)
        if not text or base is None:
            return base
        try:
            test = compile(text, self._names, "unary")
        except FeelError as error:
            self._faults.append(
                replace(error.faults[0], file=self._file, name=attribute(item, "name"), line=line_of(item))
            )
            return base
        before = base.allowed
        return replace(base, allowed=_both(before, test))


def text_or_type(item: Element) -> str:
    """``typeRef`` is an element in item definitions and an attribute elsewhere."""
    found = child(item, "typeRef")
    return (found.text or "").strip() if found is not None else attribute(item, "typeRef")


def _both(before: Callable[[Any], bool] | None, test: Expression) -> Callable[[Any], bool]:
    def allowed(value: Any) -> bool:
        return (before is None or before(value)) and test.run(Frame({"?": value}, None, Run())) is True

    return allowed
