"""Input and output mappings of an element: what becomes local on arrival, what goes outward at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.workflow.expressions import Expression
from engine.workflow.variables import assign

if TYPE_CHECKING:
    from engine.workflow.run import Token

    from .base import Node

Mapped = tuple[Expression, str]


def map_inputs(node: Node, token: Token) -> None:
    """Create the local variables, each seeing those before it."""
    variables = token.run_of.variables
    for source, target in node.inputs_map:
        root = target.strip().split(".")[0]
        local = {key: value for key, value in variables.scopes.get(token.id, {}).items() if key == root}
        assign(target, source.evaluate(variables.context(token)), local)
        variables.set_local(token.id, local)


def map_outputs(node: Node, token: Token) -> None:
    """All outputs are evaluated before the first is written."""
    if not node.outputs_map:
        return
    variables = token.run_of.variables
    # An instance of a multi-instance writes to its own scope, from which its result is collected.
    outer = variables.context(token, own=node.in_loop)
    context = variables.context(token)
    results: dict[str, Any] = {}
    for source, target in node.outputs_map:
        root = target.strip().split(".")[0]
        if "." in target and root not in results and isinstance(outer.get(root), dict):
            results[root] = outer[root]
        assign(target, source.evaluate({**context, **results}), results)
    variables.propagate(token, results, own=node.in_loop)
