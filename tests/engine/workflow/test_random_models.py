"""Random models run as an independent, naive interpreter says, whatever the order, saved and loaded at every step."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.workflow import Wait
from tests.engine.workflow.blocks import Block, Drawing, blocks, numbered
from tests.engine.workflow.kit import Play
from tests.engine.workflow.naive.state import Key
from tests.engine.workflow.naive.state import Wait as Offer
from tests.engine.workflow.naive.world import World

MOST_STEPS = 400
MOST_EXTRA = 4
VARIABLES = st.fixed_dictionaries(
    {
        "pick": st.integers(0, 3),
        "mask": st.lists(st.booleans(), min_size=3, max_size=3),
        "items": st.lists(st.integers(1, 9), max_size=3, unique=True),
    }
)


class Race:
    """The engine and the interpreter, side by side."""

    def __init__(self, root: Block, variables: dict[str, Any], order: Random) -> None:
        processes: list[str] = []
        lines = Drawing(processes).process(numbered(root))
        self.play = Play(*lines, more="".join(processes), variables=variables)
        self.world = World(root, {"number": "BZSQ-1", **variables})
        self.order, self.extra = order, 0

    def run(self) -> None:
        """Work at random until the end; both must offer the same at every step."""
        for _ in range(MOST_STEPS):
            self.agree()
            if self.world.completed:
                break
            self.step()
        assert self.play.completed
        assert self.play.process.variables == self.world.scope.values
        assert self.play.process.outcome == self.world.outcome
        assert set(self.play.process.save()[1]) == {"0"}
        happened = Counter(
            (event.kind, event.element_id)
            for event in self.play.events
            if event.kind in ("activated", "completed", "cancelled")
        )
        assert happened == +self.world.history

    def agree(self) -> None:
        ours = Counter(self.key(wait) for wait in self.play.process.waits())
        assert ours == Counter(wait.key for wait in self.world.waits)
        assert self.play.completed == self.world.completed

    def key(self, wait: Wait) -> Key:
        context = self.play.process.context(wait.token)
        items = tuple(sorted((name, value) for name, value in context.items() if name.startswith("item_")))
        return wait.element_id, wait.kind, items

    def step(self) -> None:
        choices = [wait for wait in self.world.waits if self.may(wait)]
        chosen = self.order.choice(choices)
        token = next(wait.token for wait in self.play.process.waits() if self.key(wait) == chosen.key)
        name, kind, _ = chosen.key
        values = {} if kind == "timer" else {f"v_{name}": self.order.randrange(100)}
        catcher = self.world.catcher(chosen) if kind == "job" and self.order.random() < 0.4 else None
        if catcher is not None:
            self.play.act("throw_error", token, "declined", "", values)
            catcher(values)
            return
        event = chosen.event
        if event is not None:
            self.extra += not event.interrupting
            chosen.left -= event.kind in ("cycle", "timer")
            if not event.interrupting and chosen.left == 0:
                self.world.pending.remove(chosen)
        else:
            self.world.pending.remove(chosen)
        self.play.act("complete" if kind in ("user", "job") else "fire", token, values)
        chosen.do(values)

    def may(self, wait: Offer) -> bool:
        """Event sub-processes run once at a time, and what does not interrupt comes a few times only."""
        if wait.event is None or wait.event.interrupting:
            return True
        return self.extra < MOST_EXTRA and wait.event.id not in wait.frame.running


def race(root: Block, variables: dict[str, Any], order: Random) -> None:
    Race(root, variables, order).run()


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(root=blocks(), variables=VARIABLES, order=st.randoms(use_true_random=False))
def test_a_random_model_does_what_the_naive_interpreter_says(
    root: Block, variables: dict[str, Any], order: Random
) -> None:
    race(root, variables, order)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(root=blocks(depth=4), variables=VARIABLES, order=st.randoms(use_true_random=False))
def test_many_larger_random_models_do_too(root: Block, variables: dict[str, Any], order: Random) -> None:
    race(root, variables, order)
