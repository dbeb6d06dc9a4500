"""What an analyst should know about a model before it is published."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.errors import Fault
from engine.decisions.coverage import check_coverage
from engine.decisions.model import Decision, Model, OutputColumn, Table
from engine.feel import Expression, Frame, Run, did_you_mean, nodes


def check(model: Model) -> list[Fault]:
    """Findings about a model loaded with ``strict=False`` or strictly.

    Errors: what reading found, values outside the allowed ones. Warnings: unknown names, overlapping rows of UNIQUE
    tables, gaps, rows that can never fire.
    """
    found = list(model.faults)
    for decision in model.decisions.values():
        if decision.table is not None:
            found.extend(_check_table(model, decision, decision.table))
    return found


def _check_table(model: Model, decision: Decision, table: Table) -> Iterator[Fault]:
    yield from _unknown_names(model, decision, table)
    yield from _outputs(model, table)
    yield from check_coverage(table, model.file)


# --- names ------------------------------------------------------------------------------------------------------


def _unknown_names(model: Model, decision: Decision, table: Table) -> Iterator[Fault]:
    known = {need.path[0] for need in decision.needs} | {need.alias for need in decision.needs} - {""}
    columns = {name for column in table.inputs for name in column.value.names}
    for column in table.inputs if known else ():
        for name in sorted(column.value.names - known):
            hint = did_you_mean(name, known) or "请把它连成决策的输入"
            yield Fault(
                "dmn_unknown_name",
                f"列头用到的“{name}”不是这个决策的输入",
                model.file,
                column.id,
                f"{table.name}“{column.label}”列",
                table.line,
                hint,
                "warning",
            )
    cells = known | columns
    for rule in table.rules:
        for cell in rule.cells:
            yield from _cell_names(model, table, rule.row, cell.id, cell.line, cell.test, cells)
        for output in rule.outputs:
            if output.value is not None:
                yield from _cell_names(model, table, rule.row, output.id, output.line, output.value, cells)


def _cell_names(
    model: Model, table: Table, row: int, element: str, line: int, cell: Expression, known: set[str]
) -> Iterator[Fault]:
    for name in sorted(cell.names - known):
        hint = did_you_mean(name, known) or (f'文本要加引号："{name}"' if _is_bare(cell, name) else "请核对变量名")
        place = f"{table.name} 第 {row} 行"
        message = f"单元格用到的“{name}”没有定义"
        yield Fault("dmn_unknown_name", message, model.file, element, place, line, hint, "warning")


def _is_bare(cell: Expression, name: str) -> bool:
    """Whether the name stands alone as a value, like text whose quotes were forgotten."""
    node = cell.node
    tests = node.tests if isinstance(node, nodes.UnaryTests) else (node,)
    return any(isinstance(test, nodes.Name) and test.name == name for test in tests)


# --- allowed values ---------------------------------------------------------------------------------------------


def _outputs(model: Model, table: Table) -> Iterator[Fault]:
    for rule in table.rules:
        for cell, column in zip(rule.outputs, table.outputs, strict=False):
            if cell.value is not None and not _is_allowed(cell.value, column):
                allowed = column.allowed.text if column.allowed else ""
                yield Fault(
                    "dmn_output_not_allowed",
                    f"输出 {cell.text} 不在“{column.label}”的允许值（{allowed}）内",
                    model.file,
                    cell.id,
                    f"{table.name} 第 {rule.row} 行",
                    cell.line,
                    "请改成允许的值，或在列头补上它",
                )


def _is_allowed(value: Expression, column: OutputColumn) -> bool:
    if column.allowed is None or not isinstance(value.node, nodes.Literal):
        return True
    return column.allowed.run(Frame({"?": value.node.value}, None, Run())) is True
