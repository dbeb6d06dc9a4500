"""Frames and activities: what begins, is interrupted, ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.engine.workflow.blocks import GIVEN, Attached, Block, takes_all

from .state import Done, Fire, Frame, Live, Scope, Wait


class Activities:
    """Everything that lasts."""

    def __init__(self, root: Block, variables: dict[str, Any]) -> None:
        self.history: Counter[tuple[str, str]] = Counter()
        self.pending: list[Wait] = []
        self.outcome: str | None = None
        self.completed = False
        self.scope = Scope(None, dict(variables))
        self._frame(root, None, self.scope, True, self._finish)

    def _finish(self) -> None:
        self.completed = True

    @property
    def waits(self) -> list[Wait]:
        self.pending = [wait for wait in self.pending if wait.owner.alive and wait.frame.alive]
        return self.pending

    def passes(self, *names: str) -> None:
        """Elements that are done as soon as they begin."""
        for name in names:
            self.history[("activated", name)] += 1
            self.history[("completed", name)] += 1

    def _ends(self, frame: Frame, name: str) -> None:
        self.passes(name)
        if frame.speaks:
            self.outcome = name
        frame.ended()

    def _wait(self, name: str, kind: str, scope: Scope, owner: Live, frame: Frame,
              do: Fire, event: Attached | None = None) -> None:  # fmt: skip
        items = tuple(sorted((key, value) for key, value in scope.seen().items() if key.startswith("item_")))
        left = 2 if event is not None and event.kind == "cycle" else 1
        self.pending.append(Wait((name, kind, items), owner, do, frame, event, left))

    # --- frames

    def _frame(self, block: Block, host: Live | None, scope: Scope, speaks: bool, closed: Done) -> None:
        frame = Frame(host, scope, speaks, closed)
        if host is not None:
            host.children.append(frame)
        frame.threads = 1
        for one in block.inside:
            self._listen(one, frame)
        self.passes(f"{block.id}_b")
        self.run(block.parts[0], frame, scope, lambda: self._ends(frame, f"{block.id}_e"))

    def _listen(self, one: Attached, frame: Frame) -> None:
        subscription = Live(one.id, frame)
        # Unseen until it occurs: nothing of it is in the history.
        subscription.arrived = 0
        frame.children.append(subscription)
        frame.events.append((one, lambda values: self._event_sub(one, subscription, frame, values)))
        if one.kind != "error":
            self._arm(one, f"{one.id}_start", frame.scope, subscription, frame, frame.events[-1][1])

    def _arm(self, one: Attached, name: str, scope: Scope, owner: Live, frame: Frame,
             fire: Fire) -> None:  # fmt: skip
        kind = "message" if one.kind == "message" else "timer"
        self._wait(name, kind, scope, owner, frame, fire, one)

    def _event_sub(self, one: Attached, subscription: Live, frame: Frame, values: dict[str, Any]) -> None:
        if one.interrupting:
            for child in frame.children:
                child.cancel(self.history)
            frame.threads = 0
            frame.events.clear()
        for name, value in values.items():
            frame.scope.write(name, value)
        assert one.body is not None
        body = one.body
        self.history[("activated", one.id)] += 1
        host = Live(one.id, frame)
        frame.children.append(host)
        frame.threads += 1
        frame.running.add(one.id)

        def closed() -> None:
            host.alive = False
            self.history[("completed", one.id)] += 1
            frame.running.discard(one.id)
            frame.ended()

        inner = Frame(host, Scope(frame.scope), frame.speaks and one.interrupting, closed)
        # What lives in it lives in the frame around it.
        host.children.append(inner)
        host.within = frame
        inner.threads = 1
        self.passes(f"{one.id}_start")
        self.run(body, inner, inner.scope, lambda: self._ends(inner, f"{one.id}_e"))

    # --- activities

    def run(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        getattr(self, "_" + block.kind)(block, frame, scope, done)

    def _activity(self, block: Block, frame: Frame, scope: Scope, done: Done,
                  work: Callable[[Live, Done], None]) -> None:  # fmt: skip
        activity = Live(block.id, frame)
        frame.children.append(activity)
        self.history[("activated", block.id)] += 1

        def go_on() -> None:
            if any(one.interrupting for one in block.events):
                self.passes(f"{block.id}_m")
            done()

        def finish() -> None:
            activity.alive = False
            self.history[("completed", block.id)] += 1
            go_on()

        for one in block.events:
            activity.events.append((one, self._boundary(one, activity, frame, scope, go_on)))
            if one.kind != "error":
                self._arm(one, one.id, scope, activity, frame, activity.events[-1][1])
        work(activity, finish)

    def _boundary(self, one: Attached, activity: Live, frame: Frame, scope: Scope,
                  go_on: Done) -> Fire:  # fmt: skip
        def fire(values: dict[str, Any]) -> None:
            if one.interrupting:
                activity.cancel(self.history)
            self.passes(one.id)
            for name, value in values.items():
                scope.write(name, value)
            if one.body is not None:
                self.run(one.body, frame, scope, go_on)
            else:
                frame.threads += 1
                self._task(f"{one.id}_h", "user", frame, scope, lambda: self._ends(frame, f"{one.id}_x"))

        return fire

    def _task(self, name: str, kind: str, frame: Frame, scope: Scope, done: Done) -> None:
        """A user task or job without anything attached."""
        task = Live(name, frame)
        frame.children.append(task)
        self.history[("activated", name)] += 1

        def do(values: dict[str, Any]) -> None:
            task.alive = False
            for key, value in values.items():
                scope.write(key, value)
            self.history[("completed", name)] += 1
            done()

        self._wait(name, kind, scope, task, frame, do)

    def _work(self, kind: str, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        def work(activity: Live, finish: Done) -> None:
            def do(values: dict[str, Any]) -> None:
                for name, value in values.items():
                    scope.write(name, value)
                finish()

            self._wait(block.id, kind, scope, activity, frame, do)

        self._activity(block, frame, scope, done, work)

    def _user(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        self._work("user", block, frame, scope, done)

    def _job(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        self._work("job", block, frame, scope, done)

    def _sub(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        self._activity(block, frame, scope, done,
                       lambda host, finish: self._frame(block, host, Scope(scope), False, finish))  # fmt: skip

    def _call(self, block: Block, frame: Frame, scope: Scope, done: Done) -> None:
        seen = scope.seen()
        given = {name: value for name, value in seen.items() if name in GIVEN or name.startswith("item_")}
        called = Scope(None, given)

        def work(host: Live, finish: Done) -> None:
            def closed() -> None:
                if takes_all(block):
                    # What was given to the call is its own: it goes no further.
                    for name in called.values.keys() - given_names:
                        scope.write(name, called.values[name])
                else:
                    scope.write(f"r_{block.id}", called.values["pick"] + 1)
                finish()

            self._frame(block, host, called, False, closed)

        given_names = set(given)
        self._activity(block, frame, scope, done, work)

    # --- errors

    def catcher(self, wait: Wait) -> Fire | None:
        """Who catches an error thrown by a job."""
        for events in self._places(wait.owner, wait.frame):
            for one, fire in events:
                if one.kind == "error":
                    return fire
        return None

    def _places(self, owner: Live | None, frame: Frame | None) -> Iterator[list[Any]]:
        while owner is not None and frame is not None:
            yield owner.events
            if owner.around is not None:
                yield owner.around.events
            yield [event for event in frame.events if frame.alive]
            owner = frame.host
            frame = owner.within if owner else None
