"""Reads a decision table and compiles its cells once."""

from __future__ import annotations

from typing import Any

from engine.decisions.context import Reading
from engine.decisions.hits import POLICIES, run_table
from engine.decisions.model import Cell, Code, InputColumn, OutputCell, OutputColumn, Rule, Table
from engine.decisions.xml import Element, attribute, child, children, line_of, text_of
from engine.feel import Expression, FeelError, Frame, Run

AGGREGATIONS = frozenset({"", "SUM", "MIN", "MAX", "COUNT"})
DESCRIPTION = "说明"


def read_table(reading: Reading, element: Element) -> tuple[Table, Code]:
    """The table and its code. Faults go to ``reading``."""
    policy = attribute(element, "hitPolicy") or "UNIQUE"
    aggregation = attribute(element, "aggregation")
    if policy not in POLICIES or aggregation not in AGGREGATIONS:
        reading.wrong("dmn_hit_policy", f"不支持命中策略“{policy} {aggregation}”", element)
    inputs = tuple(_input(reading, item) for item in children(element, "input"))
    outputs = tuple(_output(reading, item) for item in children(element, "output"))
    columns = [attribute(item, "name") for item in children(element, "annotation")]
    rules = tuple(
        _rule(reading, item, row, inputs, outputs, columns) for row, item in enumerate(children(element, "rule"), 1)
    )
    if not outputs:
        reading.wrong("dmn_table", "决策表没有输出列", element)
    table = Table(reading.owner, reading.owner_name, policy, aggregation, inputs, outputs, rules, line_of(element))
    reading.tables.append(table)
    return table, run_table(table, reading.file)


def _input(reading: Reading, element: Element) -> InputColumn:
    expression = child(element, "inputExpression")
    text = text_of(expression)
    label = attribute(element, "label") or text
    value = None
    if expression is None or not text:
        reading.wrong("dmn_input", "输入列没有表达式", element, label, "请填写列头的表达式")
    else:
        value = reading.expression(text, element, label)
    kind = reading.type_of(expression) if expression is not None else None
    return InputColumn(
        attribute(element, "id"), label, text, value or _null(), kind, _allowed(reading, element, "inputValues", label)
    )


def _allowed(reading: Reading, element: Element, tag: str, label: str) -> Expression | None:
    found = child(element, tag)
    text = text_of(found)
    return reading.expression(text, element, label, mode="unary") if found is not None and text else None


def _null() -> Expression:
    return Expression("null", frozenset(), "expression")


def _output(reading: Reading, element: Element) -> OutputColumn:
    name = attribute(element, "name")
    label = attribute(element, "label") or name
    default = child(element, "defaultOutputEntry")
    text = text_of(default)
    return OutputColumn(
        attribute(element, "id"),
        name,
        label,
        reading.type_of(element),
        _allowed(reading, element, "outputValues", label),
        _order(reading, text_of(child(element, "outputValues"))),
        reading.expression(text, element, label) if default is not None and text else None,
    )


def _order(reading: Reading, text: str) -> tuple[Any, ...]:
    """The allowed values as a list, first is best; empty where they are not a plain list."""
    if not text:
        return ()
    try:
        values = Expression(f"[{text}]", reading.names, "expression").run(Frame({}, None, Run()))
    except FeelError:
        return ()
    return tuple(values)


def _rule(
    reading: Reading,
    element: Element,
    row: int,
    inputs: tuple[InputColumn, ...],
    outputs: tuple[OutputColumn, ...],
    columns: list[str],
) -> Rule:
    name = f"第 {row} 行"
    tests = list(children(element, "inputEntry"))
    values = list(children(element, "outputEntry"))
    if len(tests) != len(inputs) or len(values) != len(outputs):
        reading.wrong("dmn_rule", "单元格数与列数不符", element, name, "请用建模工具重新保存")
    cells = tuple(_cell(reading, item, column, name) for item, column in zip(tests, inputs, strict=False))
    results = tuple(_result(reading, item, column, name) for item, column in zip(values, outputs, strict=False))
    return Rule(
        attribute(element, "id") or f"{reading.owner}_{row}",
        row,
        cells,
        results,
        _annotations(element, columns),
        line_of(element),
    )


def _cell(reading: Reading, element: Element, column: InputColumn, row: str) -> Cell:
    text = text_of(element) or "-"
    test = reading.expression(text, element, f"{row}“{column.label}”列", mode="unary")
    return Cell(attribute(element, "id"), text, test or Expression("-", frozenset(), "unary"), line_of(element))


def _result(reading: Reading, element: Element, column: OutputColumn, row: str) -> OutputCell:
    text = text_of(element)
    value = None
    if text and text != "-":
        value = reading.expression(text, element, f"{row}“{column.label or '输出'}”列")
    return OutputCell(attribute(element, "id"), text, value, line_of(element))


def _annotations(element: Element, columns: list[str]) -> dict[str, str]:
    """Annotation columns by name (DMN 1.3), and the row's description as Camunda Modeler writes it."""
    texts = [text_of(item) for item in children(element, "annotationEntry")]
    found = {
        (columns[index] if index < len(columns) and columns[index] else f"{DESCRIPTION} {index + 1}"): text
        for index, text in enumerate(texts)
        if text
    }
    description = child(element, "description")
    if description is not None and (description.text or "").strip():
        found.setdefault(DESCRIPTION, (description.text or "").strip())
    return found
