"""Execution and task listeners: operations before and after an element's own work.

A listener is a job on a token of its own that hangs on the element's token; the element stands still meanwhile.
Listeners of one phase run one after the other, in the order of the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from engine.workflow.expressions import Expression

from .base import Node, ProcessSpec
from .work import Job

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Token

# Listener's event type → the phase in which it runs here.
PHASES = {"start": "before", "creating": "before", "end": "after", "completing": "after"}


class Listener(Job):
    """One listener. What it returns is kept like the element's own variables."""

    def __init__(
        self,
        spec: ProcessSpec,
        info: ElementInfo,
        suffix: str,
        *,
        operation: Expression,
        retries: Expression,
        following: str | None,
    ) -> None:
        super().__init__(spec, info, suffix, operation=operation, retries=retries)
        self.following = following

    def activate(self, token: Token) -> None:
        """The history knows the element, not its listeners."""

    def _on_complete_hook(self, token: Token) -> None:
        if self.following is not None:
            token.frame.spawn(self.following, element=token.link("element"))
            return
        element = token.run_of.tokens[cast(str, token.link("element"))]
        token.run_of.later(element.node.heard, element)


def add_listener(
    spec: ProcessSpec, node: Node, phase: str, operation: Expression, retries: Expression, following: str | None
) -> str:
    """Add a listener that runs before ``following``; the name to begin with."""
    number = sum(isinstance(other, Listener) for other in spec.task_specs.values())
    listener = Listener(spec, node.info, f"#{phase}{number}", operation=operation, retries=retries, following=following)
    return listener.name
