"""Runs a decision table: tests the rows, applies the hit policy, and keeps what happened (DMN 1.5, 8.2.8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from engine.core.errors import Fault, ModelFault
from engine.decisions.borders import exact, fit
from engine.decisions.matching import matcher
from engine.decisions.model import Code, InputColumn, OutputColumn, Rule, Table
from engine.decisions.trace import Trace
from engine.feel import Expression, Frame
from engine.feel.functions import FUNCTIONS, call
from engine.feel.operators import same

Hit = tuple[Rule, Any]
POLICIES = frozenset({"UNIQUE", "ANY", "FIRST", "PRIORITY", "RULE ORDER", "OUTPUT ORDER", "COLLECT"})


def run_table(table: Table, file: str) -> Code:
    """The closure of a table."""

    match = matcher(table.rules, len(table.inputs), first=table.hit_policy == "FIRST")

    limited = any(column.allowed is not None for column in table.inputs)
    read = [_reader(column) for column in table.inputs]

    def decide(frame: Frame) -> Any:
        trace = frame.run if isinstance(frame.run, Trace) else None
        values = [reader(frame) for reader in read]
        if limited:
            _check_inputs(table, values, frame, file)
        hits = [(table.rules[index], _outputs(table, table.rules[index], frame)) for index in match(values, frame)]
        value = _apply(table, frame, hits, file)
        if trace is not None:
            trace.table(table, values, hits, frame, value)
        return value

    return decide


def _reader(column: InputColumn) -> Code:
    """A column's value, of its type."""
    code, kind, label, plain = column.value.code, column.type, column.label, exact(column.type)

    def read(frame: Frame) -> Any:
        value = code(frame)
        return value if type(value) is plain else fit(frame.run, value, kind, label)

    return read


def _check_inputs(table: Table, values: list[Any], frame: Frame, file: str) -> None:
    for column, value in zip(table.inputs, values, strict=True):
        if column.allowed is None or value is None:
            continue
        if column.allowed.run(frame.child({"?": value})) is not True:
            raise _fault(
                table,
                file,
                "dmn_input_not_allowed",
                f"输入“{column.label}”的值不在允许范围（{column.allowed.text}）内",
                column.id,
                hint="请检查数据，或在决策表列头补上这个值",
            )


def _outputs(table: Table, rule: Rule, frame: Frame) -> Any:
    cells = zip(rule.outputs, table.outputs, strict=False)
    return _shape(table, [_fitted(frame, cell.value, column) for cell, column in cells])


def _fitted(frame: Frame, value: Expression | None, column: OutputColumn) -> Any:
    return fit(frame.run, value.code(frame), column.type, column.label) if value is not None else None


def _shape(table: Table, values: Sequence[Any]) -> Any:
    if len(table.outputs) == 1:
        return values[0] if values else None
    return {column.name: value for column, value in zip(table.outputs, values, strict=False)}


def _apply(table: Table, frame: Frame, hits: list[Hit], file: str) -> Any:
    many = table.hit_policy in ("RULE ORDER", "OUTPUT ORDER", "COLLECT")
    if not hits:
        return _default(table, frame)
    if not many:
        return _SINGLE[table.hit_policy](table, hits, file)
    if table.hit_policy == "OUTPUT ORDER":
        hits = sorted(hits, key=lambda hit: _rank(table, hit[1]))
    values = [value for _, value in hits]
    return _aggregate(table, frame, values) if table.aggregation else values


def _default(table: Table, frame: Frame) -> Any:
    if any(column.default is not None for column in table.outputs):
        values = [
            fit(
                frame.run, column.default.code(frame) if column.default is not None else None, column.type, column.label
            )
            for column in table.outputs
        ]
        return _shape(table, values)
    return None


def _unique(table: Table, hits: list[Hit], file: str) -> Any:
    if len(hits) > 1:
        _violated(table, hits, file, "dmn_not_unique", "要求只命中一行", "请改规则使各行互斥，或改用其他命中策略")
    return hits[0][1]


def _any(table: Table, hits: list[Hit], file: str) -> Any:
    first = hits[0][1]
    if not all(same(first, value) for _, value in hits[1:]):
        _violated(table, hits, file, "dmn_not_any", "要求命中的各行结果相同", "请让重叠的行给出相同结果")
    return first


def _priority(table: Table, hits: list[Hit], file: str) -> Any:
    return min(hits, key=lambda hit: _rank(table, hit[1]))[1]


_SINGLE: dict[str, Callable[[Table, list[Hit], str], Any]] = {
    "UNIQUE": _unique,
    "ANY": _any,
    "FIRST": lambda table, hits, file: hits[0][1],
    "PRIORITY": _priority,
}


def _rank(table: Table, value: Any) -> tuple[int, ...]:
    """Where the outputs stand in their columns' allowed values; earlier is better, columns from the left."""
    if len(table.outputs) == 1:
        return (_position(table.outputs[0], value),)
    return tuple(_position(column, value[column.name]) for column in table.outputs)


def _position(column: OutputColumn, value: Any) -> int:
    return next((index for index, known in enumerate(column.order) if same(known, value)), len(column.order))


def _aggregate(table: Table, frame: Frame, values: list[Any]) -> Any:
    name = table.aggregation.lower()
    if name == "count":
        distinct = call(frame.run, FUNCTIONS["distinct values"], [values])
        return call(frame.run, FUNCTIONS["count"], [distinct])
    if len(table.outputs) == 1:
        return call(frame.run, FUNCTIONS[name], [values])
    return {
        column.name: call(frame.run, FUNCTIONS[name], [[value[column.name] for value in values]])
        for column in table.outputs
    }


def _violated(table: Table, hits: list[Hit], file: str, code: str, rule: str, hint: str) -> NoReturn:
    rows = "、".join(str(hit.row) for hit, _ in hits)
    raise _fault(
        table, file, code, f"命中策略 {table.hit_policy} {rule}，但同时命中了第 {rows} 行", hits[1][0].id, hint
    )


def _fault(table: Table, file: str, code: str, message: str, element: str, hint: str) -> ModelFault:
    return ModelFault(Fault(code, message, file=file, element=element, name=table.name, line=table.line, hint=hint))
