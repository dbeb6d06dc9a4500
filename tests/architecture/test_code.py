"""Rules about the code that import-linter and ruff do not know."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

from tests.architecture.tree import ROOT, calls, dotted, findings, modules

PRODUCT = ("engine", "connectors", "web", "migrations")
CLOCK = "engine/core/clock.py"
CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")
REAL_CLOCKS = ("time.time", "time.time_ns")  # for connectors alone: another party does not follow the demo's clock
CONNECTORS = ("connectors/", "tests/connectors/")
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
        if ends_with(called, CLOCKS if name.startswith(CONNECTORS) else CLOCKS + REAL_CLOCKS)
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


def imported(module: ast.Module) -> Iterator[str]:
    """Top names of what a module imports."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name.split(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_the_product_asks_by_name_for_every_package_it_imports() -> None:
    """What only the tests' packages bring along would be missing where the product runs."""
    asked = re.findall(r"(?m)^[\w.-]+", (ROOT / ".ci" / "requirements.in").read_text(encoding="utf-8"))
    names = {re.sub(r"[-_.]+", "-", each).lower() for each in asked}
    distributions = packages_distributions()
    own = {"engine", "connectors", "web", "_typeshed", *sys.stdlib_module_names}
    found = [
        f"{name} imports {top}"
        for name, module in modules(*PRODUCT)
        for top in sorted(set(imported(module)) - own)
        if not names & {re.sub(r"[-_.]+", "-", each).lower() for each in distributions.get(top, [top])}
    ]
    assert not found, findings(found)
