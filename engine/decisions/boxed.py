"""Boxed expressions to closures ``f(frame) -> value`` (DMN 1.5, 7.3 and 10.2.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.decisions.borders import fit
from engine.decisions.context import Reading
from engine.decisions.model import Code, Literal
from engine.decisions.tables import read_table
from engine.decisions.xml import Element, attribute, child, children, line_of, local, text_of
from engine.feel import FeelFunction, Frame
from engine.feel.functions import call
from engine.feel.loops import loop

FEEL_LANGUAGES = ("", "feel", "FEEL")


def read_boxed(reading: Reading, element: Element) -> Code:
    """The closure of a boxed expression. Faults go to ``reading``; a faulty part evaluates to null."""
    reader = _READERS.get(local(element))
    if reader is None:
        reading.wrong("dmn_logic", f"不支持的决策逻辑“{local(element)}”", element)
        return _nothing
    return _fitted(reader(reading, element), reading.type_of(element), reading.owner_name)


def logic_of(element: Element) -> Element | None:
    """The boxed expression inside an element."""
    return next((item for item in element if local(item) in _READERS), None)


def _nothing(_frame: Frame) -> Any:
    return None


def _inner(reading: Reading, element: Element | None, what: Element) -> Code:
    found = logic_of(element) if element is not None else None
    if found is None:
        reading.wrong("dmn_logic", "缺少表达式", element if element is not None else what)
        return _nothing
    return read_boxed(reading, found)


def _literal(reading: Reading, element: Element) -> Code:
    language = attribute(element, "expressionLanguage")
    if language not in FEEL_LANGUAGES and not language.upper().rstrip("/").endswith("FEEL"):
        reading.wrong("dmn_language", f"不支持表达式语言“{language}”", element, hint="请改用 FEEL")
        return _nothing
    text = text_of(element)
    if not text:
        return _nothing
    compiled = reading.expression(text, element)
    if compiled is None:
        return _nothing
    element_id = attribute(element, "id") or reading.owner
    reading.literals.append(Literal(reading.owner, reading.owner_name, element_id, line_of(element), compiled))
    return compiled.code


def _table(reading: Reading, element: Element) -> Code:
    return read_table(reading, element)[1]


def _context(reading: Reading, element: Element) -> Code:
    entries: list[tuple[str, Code]] = []
    for entry in children(element, "contextEntry"):
        variable = child(entry, "variable")
        name = attribute(variable, "name")
        code = _inner(reading, entry, element)
        kind = reading.type_of(variable) if variable is not None else None
        entries.append((name, _fitted(code, kind, name)))

    def context(frame: Frame) -> Any:
        values: dict[str, Any] = {}
        inside = frame.child(values)
        for name, code in entries:
            value = code(inside)
            if not name:
                return value
            values[name] = value
        return dict(values)

    return context


def _fitted(code: Code, kind: Any, name: str) -> Code:
    if kind is None:
        return code
    return lambda frame: fit(frame.run, code(frame), kind, name)


def _list(reading: Reading, element: Element) -> Code:
    items = [read_boxed(reading, item) for item in element if local(item) in _READERS]
    return lambda frame: [item(frame) for item in items]


def _relation(reading: Reading, element: Element) -> Code:
    columns = [attribute(column, "name") for column in children(element, "column")]
    rows = [[read_boxed(reading, cell) for cell in row if local(cell) in _READERS] for row in children(element, "row")]
    return lambda frame: [{name: cell(frame) for name, cell in zip(columns, row, strict=False)} for row in rows]


def _invocation(reading: Reading, element: Element) -> Code:
    function = _inner(reading, element, element)
    bindings: list[tuple[str, Code]] = []
    for binding in children(element, "binding"):
        bindings.append((attribute(child(binding, "parameter"), "name"), _inner(reading, binding, element)))
    names = tuple(name for name, _ in bindings)

    def invoked(frame: Frame) -> Any:
        target = function(frame)
        return call(frame.run, target, [code(frame) for _, code in bindings], names)

    return invoked


def read_function(reading: Reading, element: Element) -> tuple[tuple[str, ...], tuple[Any, ...], Code]:
    """Parameter names, their types, and the body of a function definition."""
    kind = attribute(element, "kind") or "FEEL"
    parameters = list(children(element, "formalParameter"))
    names = tuple(attribute(item, "name") for item in parameters)
    kinds = tuple(reading.type_of(item) for item in parameters)
    if kind != "FEEL":
        reading.wrong("dmn_function_kind", f"不支持 {kind} 函数", element, hint="请用 FEEL 写函数")
        return names, kinds, _nothing
    return names, kinds, _inner(reading, element, element)


def _function(reading: Reading, element: Element) -> Code:
    names, kinds, body = read_function(reading, element)

    def function(frame: Frame) -> FeelFunction:
        def invoke(_run: Any, values: list[Any]) -> Any:
            return body(frame.child(dict(zip(names, values, strict=True))))

        return FeelFunction(names, invoke, kinds)

    return function


def _conditional(reading: Reading, element: Element) -> Code:
    test, then, other = (_inner(reading, child(element, tag), element) for tag in ("if", "then", "else"))

    def chosen(frame: Frame) -> Any:
        answer = test(frame)
        if answer is not None and not isinstance(answer, bool):
            frame.run.warn("条件不是真假，结果为 null")
            return None
        return then(frame) if answer else other(frame)

    return chosen


def _filter(reading: Reading, element: Element) -> Code:
    source = _inner(reading, child(element, "in"), element)
    match = _inner(reading, child(element, "match"), element)

    def filtered(frame: Frame) -> list[Any] | None:
        items = source(frame)
        if items is None:
            return None
        result = []
        for item in items if isinstance(items, list) else [items]:
            frame.run.tick()
            scope = {"item": item, **item} if isinstance(item, dict) else {"item": item}
            answer = match(frame.child(scope))
            if answer is not None and not isinstance(answer, bool):
                frame.run.warn("筛选条件不是真假，结果为 null")
                return None
            if answer:
                result.append(item)
        return result

    return filtered


def _domain(reading: Reading, element: Element) -> Code:
    """What an iterator walks over; as in ``for i in 1..4`` the brackets of a range may be left out."""
    found = child(element, "in")
    literal = child(found, "literalExpression")
    sound = len(reading.faults)
    code = _inner(reading, found, element)
    if literal is None or len(reading.faults) == sound or ".." not in text_of(literal):
        return code
    walked = reading.expression(f"for item in {text_of(literal)} return item", literal)
    if walked is None:
        return code
    del reading.faults[sound:]
    return walked.code


def _iterator(kind: str, tag: str) -> Callable[[Reading, Element], Code]:
    def read(reading: Reading, element: Element) -> Code:
        source = _domain(reading, element)
        body = _inner(reading, child(element, tag), element)
        return loop(kind, [(attribute(element, "iteratorVariable"), source, None)], body)

    return read


_READERS: dict[str, Callable[[Reading, Element], Code]] = {
    "literalExpression": _literal,
    "decisionTable": _table,
    "context": _context,
    "list": _list,
    "relation": _relation,
    "invocation": _invocation,
    "functionDefinition": _function,
    "conditional": _conditional,
    "filter": _filter,
    "for": _iterator("for", "return"),
    "some": _iterator("some", "satisfies"),
    "every": _iterator("every", "satisfies"),
}
