"""Rules about the code that import-linter and ruff do not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.tree import calls, dotted, findings, modules

PRODUCT = ("engine", "connectors", "web", "migrations")
CLOCK = "engine/core/clock.py"
CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")
REAL_CLOCKS = ("time.time", "time.time_ns")  # for connectors alone: another party does not follow the demo's clock
COMMITTING = ("engine/core/db.py", "engine/commands/")


def ends_with(called: str, names: tuple[str, ...]) -> bool:
    return any(called == name or called.endswith(f".{name}") for name in names)


def silent_handlers(module: ast.Module) -> Iterator[int]:
    """Lines of handlers of everything (bare, Exception, BaseException) that neither raise nor call anything."""
    for node in ast.walk(module):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        broad = any(each is None or dotted(each) in {"Exception", "BaseException"} for each in caught)
        speaks = any(isinstance(each, ast.Raise | ast.Call) for line in node.body for each in ast.walk(line))
        if broad and not speaks:
            yield node.lineno


def test_there_is_only_one_clock() -> None:
    found = [
        f"{name}:{line} {called}()"
        for name, module in modules(*PRODUCT, "tests")
        if name != CLOCK
        for line, called in calls(module)
        if ends_with(called, CLOCKS if name.startswith("connectors/") else CLOCKS + REAL_CLOCKS)
    ]
    assert not found, findings(found)


def test_only_the_transaction_of_a_command_commits() -> None:
    found = [
        f"{name}:{line} {called}()"
        for name, module in modules(*PRODUCT)
        if not name.startswith(COMMITTING)
        for line, called in calls(module)
        if called.endswith(".commit")
    ]
    assert not found, findings(found)


def test_no_text_is_ever_run_as_a_program() -> None:
    forbidden = {"eval", "exec", "builtins.eval", "builtins.exec", "__import__"}
    found = [
        f"{name}:{line} {called}()"
        for name, module in modules()
        for line, called in calls(module)
        if called in forbidden
    ]
    assert not found, findings(found)


def test_no_error_is_swallowed() -> None:
    found = [f"{name}:{line}" for name, module in modules() for line in silent_handlers(module)]
    assert not found, findings(found)


def test_nobody_reads_or_writes_past_the_transaction() -> None:
    found = [
        f"{name}:{node.lineno} db.session"
        for name, module in modules(*PRODUCT)
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and dotted(node).endswith("db.session")
    ]
    assert not found, findings(found)
