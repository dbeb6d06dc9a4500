"""A naive interpreter of block trees: what a process should do, said a second time and without any of the engine.

It knows neither flows nor joins: a block calls back when it is done. ``waits`` are what the outside may do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.engine.workflow.blocks import Block, enough, is_sequential, times

from .activities import Activities
from .state import Done, Fire, Frame, Live, Scope


class World(Activities):
    """A process from its start to its end."""

    def _multi(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        self._many(block, frame, scope, done, self._each_user)

    def _each_user(self, block: Block, instance: Live, frame: Frame, scope: Scope, done: Done) -> None:
        def do(values: dict[str, Any]) -> None:
            for name, value in values.items():
                scope.write(name, value)
            done()

        self._wait(block.id, "user", scope, instance, frame, do)

    def _multisub(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        self._many(block, frame, scope, done, self._each_sub)

    def _each_sub(self, block: Block, instance: Live, frame: Frame, scope: Scope, done: Done) -> None:
        scope.values.update(dict.fromkeys(block.names, 0))
        self._frame(block, instance, scope, False, done)

    def _many(self, block: Block, frame: Frame, scope: Scope, done: Done, each: Callable[..., None]) -> None:
        def work(body: Live, finish: Done) -> None:
            items = scope.seen()["items"]
            around = Scope(scope, {f"out_{block.id}": [None] * len(items)})
            state = {"next": 0, "done": 0}

            def begin() -> None:
                index = state["next"]
                state["next"] += 1
                instance = Live(block.id, frame)
                instance.around = body
                body.children.append(instance)
                self.history[("activated", block.id)] += 1
                own = Scope(around, {f"item_{block.id}": items[index], "loopCounter": index + 1})
                each(block, instance, frame, own, lambda: one_done(index, instance))

            def one_done(index: int, instance: Live) -> None:
                instance.alive = False
                around.values[f"out_{block.id}"][index] = items[index] * 10
                self.history[("completed", block.id)] += 1
                state["done"] += 1
                if state["done"] == enough(block) or state["done"] == len(items):
                    for other in body.children:
                        other.cancel(self.history)
                    scope.write(f"out_{block.id}", around.values[f"out_{block.id}"])
                    finish()
                elif is_sequential(block):
                    begin()

            if not items:
                scope.write(f"out_{block.id}", [])
                finish()
            elif is_sequential(block):
                begin()
            else:
                for _ in items:
                    begin()

        self._activity(block, frame, scope, done, work)

    # --- blocks without a life of their own

    def _pass(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        self.passes(block.id)
        done()

    def _script(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        scope.write(f"c_{block.id}", (scope.seen().get(f"c_{block.id}") or 0) + 1)
        self.passes(block.id)
        done()

    def _seq(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        def step(number: int) -> None:
            if number == len(block.parts):
                done()
            else:
                self.run(block.parts[number], frame, scope, lambda: step(number + 1))

        step(0)

    def _xor(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        self.passes(f"{block.id}_s")
        chosen = block.parts[min(scope.seen()["pick"], len(block.parts) - 1)]
        self.run(chosen, frame, scope, lambda: (self.passes(f"{block.id}_j"), done())[1])

    def _and(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        self._together(block, block.parts, frame, scope, done)

    def _or(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        mask = scope.seen()["mask"]
        chosen = [part for part, wanted in zip(block.parts, mask, strict=False) if wanted]
        self._together(block, chosen, frame, scope, done)

    def _together(self, block: Block, parts: list[Block], frame: Frame, scope: Scope, done: Done) -> None:
        self.passes(f"{block.id}_s")
        join = Live(f"{block.id}_j", frame)
        join.arrived = 0
        frame.children.append(join)

        def arrive() -> None:
            join.arrived += 1
            if join.arrived >= len(parts):
                join.alive = False
                self.passes(f"{block.id}_j")
                done()

        for part in parts:
            self.run(part, frame, scope, arrive)
        if not parts:
            arrive()

    def _loop(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        counter = f"l_{block.id}"

        def again() -> None:
            self.passes(f"{block.id}_in")
            self.run(block.parts[0], frame, scope, after)

        def after() -> None:
            scope.write(counter, scope.seen()[counter] + 1)
            self.passes(f"{block.id}_i", f"{block.id}_s")
            if scope.seen()[counter] < times(block):
                again()
            else:
                self.passes(f"{block.id}_out")
                done()

        scope.write(counter, 0)
        self.passes(f"{block.id}_0")
        again()

    def _event(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        self.passes(f"{block.id}_g")
        catches = [Live(f"{block.id}_m", frame), Live(f"{block.id}_t", frame)]
        frame.children += catches

        def occurred(chosen: Live, part: Block) -> Fire:
            def do(values: dict[str, Any]) -> None:
                chosen.alive = False
                for other in catches:
                    other.cancel(self.history)
                for name, value in values.items():
                    scope.write(name, value)
                self.history[("completed", chosen.name)] += 1
                self.run(part, frame, scope, lambda: (self.passes(f"{block.id}_j"), done())[1])

            return do

        for one, kind, part in zip(catches, ("message", "timer"), block.parts, strict=True):
            self.history[("activated", one.name)] += 1
            self._wait(one.name, kind, scope, one, frame, occurred(one, part))
