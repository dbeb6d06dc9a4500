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
        items = self._collection(token.context())
        if not isinstance(items, list):
            raise Stuck("collection_not_a_list", f"多实例的集合“{self.loop.collection.text}”不是列表，请检查其中的变量")
        if len(items) > MOST_INSTANCES:
            raise Stuck("too_many_instances", f"多实例一次最多 {MOST_INSTANCES} 个，请改用批次办理")
        return items

    def _collection(self, context: dict[str, Any]) -> Any:
        # Named by a variable it is JSON already; one after the other would convert a thousand items a thousand times.
        name = self.loop.collection.variable
        return context[name] if name in context else self.loop.collection.evaluate(context)

    def extend(self, body: Token) -> Token:
        """An operator adds an instance, without an item of the collection. Raises ``Stuck`` for a sequential one."""
        if self.loop.sequential:
            raise Stuck("sequential_not_extended", "顺序多实例一次只办一个，不能再加一个")
        body.facts["total"] += 1
        if self.loop.output:
            scope = body.run_of.variables.scopes[body.id]
            body.run_of.variables.set_local(body.id, {self.loop.output: [*scope[self.loop.output], None]})
        return self._begin(body, None)

    def lost(self, body: Token) -> None:
        """An operator cancelled an instance: the others no longer wait for it."""
        body.facts["gone"] = body.facts.get("gone", 0) + 1

    def _begin(self, token: Token, item: Any) -> Token:
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
        return instance

    def collect(self, body: Token, instance: Token) -> None:
        """Put the instance's result in its place and ask whether that is enough: both may fail."""
        variables, loop = body.run_of.variables, self.loop
        context = instance.context()
        if loop.output:
            result = loop.output_element.evaluate(context) if loop.output_element else None
            context[loop.output] = variables.set_item(body.id, loop.output, instance.facts["index"], result)
        if loop.until is not None:
            instance.facts["enough"] = loop.until.truth({**context, **self._counts(body)})

    def _counts(self, body: Token) -> dict[str, int]:
        done, gone = body.facts["done"] + 1, body.facts.get("gone", 0)
        return {
            "numberOfInstances": body.facts["total"],
            "numberOfCompletedInstances": done,
            "numberOfActiveInstances": body.facts["next"] - done - gone,
            "numberOfTerminatedInstances": gone,
        }

    def one_done(self, body: Token, instance: Token) -> None:
        facts = body.facts
        facts["done"] += 1
        if instance.facts.get("enough") or facts["done"] + facts.get("gone", 0) >= facts["total"]:
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
