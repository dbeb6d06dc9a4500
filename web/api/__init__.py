"""The REST API under ``/v2``, in the convention of Camunda 8's orchestration cluster."""

from __future__ import annotations

import importlib

from flask import Flask

from web.api.operations import Operation, Operations

# module → its operations are called `operations`
MODULES = (
    "web.api.cluster",
    "web.api.decisions",
    "web.api.definitions",
    "web.api.jobs",
    "web.api.messages",
    "web.api.oauth",
    "web.api.openapi",
    "web.api.signals",
    "web.api.elements",
    "web.api.incidents",
    "web.api.instances",
    "web.api.tasks",
    "web.api.variables",
)


def operations() -> list[Operation]:
    """Every operation that is served."""
    return [one for name in MODULES for one in _of(name).all]


def install(app: Flask) -> None:
    """Register all of them."""
    for name in MODULES:
        app.register_blueprint(_of(name).pages)


def _of(name: str) -> Operations:
    found: Operations = importlib.import_module(name).operations
    return found
