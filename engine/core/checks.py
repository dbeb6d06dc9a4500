"""Publish-time checks: every floor registers its own here, and ``commands.publish`` runs them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.core.errors import Fault

# A check gets the files of one release (path → content) and the parsed item and gives its findings.
Check = Callable[[Mapping[str, bytes], Mapping[str, Any]], list[Fault]]

_checks: list[Check] = []


def check(function: Check) -> Check:
    """Register a publish-time check; its docstring says what it makes sure of."""
    if function not in _checks:
        _checks.append(function)
    return function


def run(files: Mapping[str, bytes], item: Mapping[str, Any]) -> list[Fault]:
    """All findings of all checks."""
    return [fault for one in _checks for fault in one(files, item)]
