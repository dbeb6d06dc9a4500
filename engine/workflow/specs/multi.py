"""Multi-instance: one body token, one token per item, results in the items' order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.workflow.expressions import Expression, Stuck

from .base import Node, ProcessSpec

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Token


# More than people or checks there are; a batch is the way for more.
MOST_INSTANCES = 10_000


@dataclass(frozen=True, slots=True)
class Loop:
    """What ``zeebe:loopCharacteristics`` and the completion condition say."""

    sequential: bool
    collection: Expression
    element: str | None = None
    output: str | None = None
    output_element: Expression | None = None
    until: Expression | None = None


class MultiInstance(Node):
    """The body around the instances; boundary events and flows belong to it, inputs and outputs to each instance."""

    def __init__(self, spec: ProcessSpec, info: ElementInfo, *, loop: Loop, inner: str) -> None:
        super().__init__(spec, info)
        self.loop, self.inner = loop, inner
        self.history_type = "multiInstanceBody"

    def work(self, token: Token) -> bool:
        if "total" in token.facts:
            # A retry between two instances.
            token.run_of.later(self._next, token)
            return False
        items = self._items(token)
        token.facts.update(total=len(items), done=0, next=0)
        if self.loop.output:
            token.run_of.variables.set_local(token.id, {self.loop.output: [None] * len(items)})
        for item in items[:1] if self.loop.sequential else items:
            self._begin(token, item)
        return not items

    def _items(self, token: Token) -> list[Any]:
        items = self.loop.collection.evaluate(token.context())
        if not isinstance(items, list):
            raise Stuck("collection_not_a_list", f"多实例的集合“{self.loop.collection.text}”不是列表，请检查其中的变量")
        if len(items) > MOST_INSTANCES:
            raise Stuck("too_many_instances", f"多实例一次最多 {MOST_INSTANCES} 个，请改用批次办理")
        return items

    def _begin(self, token: Token, item: Any) -> None:
        index = token.facts["next"]
        token.facts["next"] = index + 1
        instance = token.frame.spawn(self.inner, body=token.id, index=index)
        local: dict[str, Any] = {"loopCounter": index + 1}
        result = self.loop.output_element.variable if self.loop.output_element else None
        if result is not None:
            # Created here, so that the instance's result does not leak into the process.
            local[result] = None
        if self.loop.element:
            local[self.loop.element] = item
        token.run_of.variables.set_local(instance.id, local)

    def collect(self, body: Token, instance: Token) -> None:
        """Put the instance's result in its place and ask whether that is enough: both may fail."""
        variables, loop = body.run_of.variables, self.loop
        context = instance.context()
        if loop.output:
            results = list(variables.scopes[body.id][loop.output])
            results[instance.facts["index"]] = loop.output_element.evaluate(context) if loop.output_element else None
            variables.set_local(body.id, {loop.output: results})
            context[loop.output] = results
        if loop.until is not None:
            instance.facts["enough"] = loop.until.truth({**context, **self._counts(body)})

    def _counts(self, body: Token) -> dict[str, int]:
        done = body.facts["done"] + 1
        return {
            "numberOfInstances": body.facts["total"],
            "numberOfCompletedInstances": done,
            "numberOfActiveInstances": body.facts["next"] - done,
            "numberOfTerminatedInstances": 0,
        }

    def one_done(self, body: Token, instance: Token) -> None:
        facts = body.facts
        facts["done"] += 1
        if instance.facts.get("enough") or facts["done"] >= facts["total"]:
            self.cancel_linked(body, "body", but=[instance])
            body.run_of.later(body.run_of.leave, body)
        elif self.loop.sequential:
            body.run_of.later(self._next, body)

    def _next(self, body: Token) -> None:
        """The collection is read again: the state keeps no copy of it."""
        items = self._items(body)
        index = body.facts["next"]
        if index < len(items):
            self._begin(body, items[index])
        else:
            body.run_of.leave(body)

    def settle(self, token: Token) -> None:
        token.facts["leaving"] = 1
        if self.loop.output:
            variables = token.run_of.variables
            results = {self.loop.output: variables.scopes[token.id][self.loop.output]}
            variables.propagate(token, results, own=False)

    def cancel_inside(self, token: Token) -> None:
        self.cancel_linked(token, "body")
