"""Any well-nested model comes to its end, whatever the order of work: no token is lost, none is left over."""

from dataclasses import dataclass, field
from itertools import count, pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.workflow.kit import Play, end, flow, gateway, loop, start, sub, user

Block = tuple[str, list["Block"]]
LEAF = st.sampled_from([("task", []), ("user", []), ("many", [])])
BLOCKS = st.recursive(
    LEAF,
    lambda inner: st.tuples(
        st.sampled_from(["sequence", "exclusive", "parallel", "inclusive", "sub"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@dataclass
class Drawing:
    """Writes a block as BPMN; a block has one way in and one way out."""

    lines: list[str] = field(default_factory=list)
    numbers: count = field(default_factory=count)

    def draw(self, block: Block) -> tuple[str, str]:
        kind, parts = block
        name = f"{kind}{next(self.numbers)}"
        if kind in ("task", "user", "many"):
            more = loop(output="=loopCounter", out=f"out_{name}") if kind == "many" else ""
            self.lines.append(f'<task id="{name}"/>' if kind == "task" else user(name, more=more))
            return name, name
        if kind == "sequence":
            return self._sequence(parts)
        if kind == "sub":
            inside = Drawing(numbers=self.numbers)
            first, last = inside._sequence(parts)
            begin, stop = f"{name}_start", f"{name}_end"
            self.lines.append(sub(name, start(begin), end(stop), *inside.lines, flow(begin, first), flow(last, stop)))
            return name, name
        return self._branches(kind, name, parts)

    def _sequence(self, parts: list[Block]) -> tuple[str, str]:
        ends = [self.draw(part) for part in parts]
        for (_, last), (first, _) in pairwise(ends):
            self.lines.append(flow(last, first))
        return ends[0][0], ends[-1][1]

    def _branches(self, kind: str, name: str, parts: list[Block]) -> tuple[str, str]:
        split, join = f"{name}_split", f"{name}_join"
        default = "" if kind == "parallel" else f"{name}_default"
        self.lines += [gateway(kind, split, default), gateway(kind, join)]
        for number, part in enumerate(parts):
            first, last = self.draw(part)
            condition = "" if kind == "parallel" else f"=modulo(pick, {number + 2}) = 0"
            self.lines += [flow(split, first, condition), flow(last, join)]
        if default:
            self.lines.append(flow(split, join, id=default))
        return split, join


@settings(max_examples=60, deadline=None, derandomize=True)
@given(block=BLOCKS, pick=st.integers(0, 12), order=st.randoms(use_true_random=False))
def test_a_well_nested_model_always_comes_to_its_end(block: Block, pick: int, order: Random) -> None:
    drawing = Drawing()
    first, last = drawing.draw(block)

    play = Play(start(), end(), *drawing.lines, flow("start", first), flow(last, "end"),
                variables={"pick": pick, "items": [1, 2]})  # fmt: skip
    while not play.completed:
        waits = play.process.waits()
        assert {wait.kind for wait in waits} == {"user"}
        play.act("complete", order.choice(waits).token)

    assert play.process.outcome == "end"
    assert play.happened("completed").count("end") == 1
    assert play.process.save()[1].keys() == {"0"}
