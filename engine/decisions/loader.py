"""Reads a DMN file into a ``Model``: types first, then every element, then the requirements between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.core.errors import Fault, ModelFault
from engine.decisions.boxed import logic_of, read_boxed, read_function
from engine.decisions.context import Reading
from engine.decisions.itemtypes import ItemTypes
from engine.decisions.model import Code, Decision, Input, Knowledge, Model, Need, Scope, Service
from engine.decisions.xml import Element, attribute, child, children, line_of, local, read, text_of
from engine.feel import Frame, Type

Anything = Input | Decision | Knowledge | Service
Resolve = Callable[[str, str], bytes | None]
_NAMED = frozenset(
    ("variable", "itemDefinition", "itemComponent", "formalParameter", "inputData", "decision", "column", "import")
) | {"businessKnowledgeModel", "decisionService", "output", "parameter", "parameters"}
_ELEMENTS = ("inputData", "decision", "businessKnowledgeModel", "decisionService")
_MAX_IMPORTS = 8


def load(xml: bytes, name: str = "", resolve: Resolve | None = None, *, strict: bool = True) -> Model:
    """The model of a DMN 1.2 to 1.5 file. ``name`` is its path, for messages.

    ``resolve(namespace, location)`` gives the bytes of an imported file. Raises ModelFault with every fault found;
    with ``strict`` False they are kept in ``Model.faults`` and only the faulty decisions refuse to be evaluated.
    """
    try:
        model = _Loader(xml, name, resolve, 0).load()
    except RecursionError:
        raise ModelFault(Fault("dmn_xml", "嵌套或连线的层数过多", file=name, hint="请拆成几个决策")) from None
    if strict and model.faults:
        raise ModelFault(*model.faults)
    return model


class _Loader:
    def __init__(self, xml: bytes, file: str, resolve: Resolve | None, depth: int) -> None:
        self.root = read(xml, file)
        self.file, self.resolve, self.depth = file, resolve, depth
        self.faults: list[Fault] = []
        self.namespace = attribute(self.root, "namespace")
        self.imports: dict[str, Model] = {}

    def load(self) -> Model:
        self._import()
        names = self._names()
        types = ItemTypes(self.root, self.file, names, self._imported_types(), self.faults)
        reading = Reading(self.file, names, types, self.faults)
        model = Model(self.file, self.namespace, attribute(self.root, "name"), types=types.all, names=names)
        for imported in self.imports.values():
            model.elements |= imported.elements
        self._elements(reading, model)
        self._check_needs(model)
        model.faults = self.faults
        model.decisions = {item.id: item for item in model.own(Decision)}
        model.tables, model.literals = reading.tables, reading.literals
        model.scopes = {attribute(item, "id"): self._scope(key, item, model) for key, item in self.info.items()}
        inputs = {item.name for item in model.elements.values() if isinstance(item, Input)}
        imported_reads = {name for imported in self.imports.values() for name in imported.reads}
        model.reads = frozenset(reading.reads | inputs | imported_reads | self.imports.keys())
        return model

    # --- imports and names ---

    def _import(self) -> None:
        for item in children(self.root, "import"):
            if "DMN" not in attribute(item, "importType"):
                continue
            location, namespace = attribute(item, "locationURI"), attribute(item, "namespace")
            xml = self.resolve(namespace, location) if self.resolve and self.depth < _MAX_IMPORTS else None
            if xml is None:
                self._wrong(
                    "dmn_import", f"找不到导入的文件“{location or namespace}”", item, "请把被导入的文件一并部署"
                )
                continue
            name = attribute(item, "name") or namespace
            self.imports[name] = _Loader(xml, location or self.file, self.resolve, self.depth + 1).load()
            self.faults.extend(self.imports[name].faults)

    def _imported_types(self) -> dict[str, Type]:
        return {f"{name}.{kind}": found for name, model in self.imports.items() for kind, found in model.types.items()}

    def _names(self) -> frozenset[str]:
        found = {attribute(item, "name") for item in self.root.iter() if local(item) in _NAMED}
        found |= {attribute(item, "iteratorVariable") for item in self.root.iter() if local(item) != ""}
        for model in self.imports.values():
            found |= model.names
        return frozenset(found - {""})

    # --- elements ---

    def _elements(self, reading: Reading, model: Model) -> None:
        self.info = {self._key(f"#{attribute(item, 'id')}"): item for item in self.root if local(item) in _ELEMENTS}
        known = dict(model.elements)
        for key, item in self.info.items():
            reading.owner, reading.owner_name = attribute(item, "id"), attribute(item, "name")
            if key in known:
                reading.wrong("dmn_id", f"id“{attribute(item, 'id')}”重复", item)
            model.elements[key] = self._element(reading, key, item, model)

    def _element(self, reading: Reading, key: str, item: Element, model: Model) -> Anything:
        if local(item) == "inputData":
            return self._input(reading, key, item)
        if local(item) == "decision":
            return self._decision(reading, key, item, model)
        if local(item) == "decisionService":
            return self._service(reading, key, item, model)
        return self._knowledge(reading, key, item, model)

    def _input(self, reading: Reading, key: str, item: Element) -> Input:
        variable = child(item, "variable")
        kind = reading.type_of(variable) if variable is not None else None
        return Input(key, attribute(item, "id"), attribute(variable, "name") or attribute(item, "name"), kind)

    def _decision(self, reading: Reading, key: str, item: Element, model: Model) -> Decision:
        variable = child(item, "variable")
        logic = logic_of(item)
        before, sound = len(reading.tables), len(self.faults)
        if logic is None:
            reading.wrong("dmn_logic", "决策没有逻辑", item, hint="请添加决策表或 FEEL 表达式")
        code = read_boxed(reading, logic) if logic is not None else _nothing
        own_table = logic is not None and local(logic) == "decisionTable" and len(reading.tables) > before
        return Decision(
            key=key,
            id=attribute(item, "id"),
            name=attribute(item, "name") or attribute(item, "id"),
            variable=attribute(variable, "name") or attribute(item, "name"),
            type=reading.type_of(variable) if variable is not None else None,
            needs=self._needs(item, model),
            code=self._refusing(code, sound),
            table=reading.tables[-1] if own_table else None,
            line=line_of(item),
            text=text_of(logic) if logic is not None and local(logic) == "literalExpression" else "",
        )

    def _knowledge(self, reading: Reading, key: str, item: Element, model: Model) -> Knowledge:
        variable = child(item, "variable")
        logic = child(item, "encapsulatedLogic")
        if logic is None:
            reading.wrong("dmn_logic", "业务知识模型没有逻辑", item)
        sound = len(self.faults)
        names, kinds, code = read_function(reading, logic if logic is not None else item)
        kind = reading.type_of(variable) if variable is not None else None
        return Knowledge(
            key=key,
            id=attribute(item, "id"),
            name=attribute(variable, "name") or attribute(item, "name"),
            parameters=tuple(zip(names, kinds, strict=True)),
            result=kind.result if kind is not None and kind.kind == "function" else kind,
            needs=self._needs(item, model),
            code=self._refusing(code, sound),
        )

    def _refusing(self, code: Code, sound: int) -> Code:
        """The code itself, or one that raises the faults found since there were ``sound`` of them."""
        faults = tuple(self.faults[sound:])
        if not faults:
            return code

        def refuse(_frame: Frame) -> None:
            raise ModelFault(*faults)

        return refuse

    def _service(self, reading: Reading, key: str, item: Element, model: Model) -> Service:
        variable = child(item, "variable")
        kind = reading.type_of(variable) if variable is not None else None
        return Service(
            key=key,
            id=attribute(item, "id"),
            name=attribute(variable, "name") or attribute(item, "name"),
            outputs=tuple(self._key(attribute(part, "href")) for part in children(item, "outputDecision")),
            inputs=tuple(self._need(part, model) for part in children(item, "inputData")),
            given=tuple(self._need(part, model) for part in children(item, "inputDecision")),
            result=kind.result if kind is not None and kind.kind == "function" else kind,
        )

    def _scope(self, key: str, item: Element, model: Model) -> Scope:
        """What may be named inside an element: what it requires, and the names it gives within."""
        found = model.elements[key]
        needs = found.needs if isinstance(found, Decision | Knowledge) else ()
        inner = {attribute(part, "name") for part in item.iter() if local(part) in _NAMED and part is not item}
        inner |= {attribute(part, "iteratorVariable") for part in item.iter() if local(part) != ""}
        if isinstance(found, Decision):
            inner -= {found.variable}
        types: dict[str, Type | None] = dict.fromkeys(inner)
        for need in needs:
            other = model.elements.get(need.key)
            kind = other.type if isinstance(other, Input | Decision) and len(need.path) == 1 else None
            types |= {need.path[0]: kind, need.alias: kind}
        if isinstance(found, Knowledge):
            types |= dict(found.parameters)
        names = frozenset(types) | {found.name} if isinstance(found, Knowledge) else frozenset(types)
        return Scope(names - {""}, types, bool(needs) or isinstance(found, Knowledge))

    # --- requirements ---

    def _needs(self, item: Element, model: Model) -> tuple[Need, ...]:
        wanted = ("informationRequirement", "knowledgeRequirement")
        parts = ("requiredInput", "requiredDecision", "requiredKnowledge")
        return tuple(
            self._need(part, model) for requirement in children(item, *wanted) for part in children(requirement, *parts)
        )

    def _need(self, part: Element, model: Model) -> Need:
        key = self._key(attribute(part, "href"))
        own = self.info.get(key)
        if own is not None:
            name = attribute(child(own, "variable"), "name") or attribute(own, "name")
            return Need(key, (name,), attribute(own, "id"))
        found = model.elements.get(key)
        if found is None:
            self._wrong("dmn_requirement", f"引用的“{attribute(part, 'href')}”不存在", part, "请在图上重新连线")
            return Need(key, ("",))
        name = found.variable if isinstance(found, Decision) else found.name
        prefix = next((name for name, model in self.imports.items() if key in model.elements), "")
        nameless = any(
            not attribute(item, "name") and attribute(item, "namespace") == prefix
            for item in children(self.root, "import")
        )
        return Need(key, (name,) if nameless or not prefix else (prefix, name))

    def _key(self, href: str) -> str:
        namespace, _, identifier = href.rpartition("#")
        return f"{namespace or self.namespace}#{identifier}"

    def _check_needs(self, model: Model) -> None:
        """A decision that needs itself, over however many steps, can never be decided."""
        done: set[str] = set()
        for decision in list(model.own(Decision)):
            self._walk(model, decision.key, (), done)

    def _walk(self, model: Model, key: str, path: tuple[str, ...], done: set[str]) -> None:
        if key in done:
            return
        item = model.elements.get(key)
        if key in path and isinstance(item, Decision):
            self.faults.append(
                Fault(
                    "dmn_cycle", "决策绕了一圈又需要自己", self.file, item.id, item.name, item.line, "请拆开循环的连线"
                )
            )
        elif isinstance(item, Decision):
            for need in item.needs:
                self._walk(model, need.key, (*path, key), done)
        done.add(key)

    def _wrong(self, code: str, message: str, item: Element, hint: str = "") -> None:
        parent = item.getparent() if not attribute(item, "id") else item
        owner = parent if parent is not None else item
        fault = Fault(code, message, hint=hint, line=line_of(item))
        self.faults.append(
            replace(fault, file=self.file, element=attribute(owner, "id"), name=attribute(owner, "name"))
        )


def _nothing(_frame: object) -> None:
    return None
