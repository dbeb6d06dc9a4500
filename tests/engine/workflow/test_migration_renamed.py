"""A case that goes over to the same model under other names comes to the same end, whenever it goes over."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from engine.workflow import migration, parse
from tests.engine.workflow.kit import Play, bpmn, end, flow, start
from tests.engine.workflow.test_soundness import BLOCKS, Block, Drawing


def renamed(content: bytes) -> tuple[bytes, dict[str, str]]:
    """The same model with every id changed, and the mapping."""
    root = etree.fromstring(content)
    mapping: dict[str, str] = {}
    process = next(node for node in root if str(node.tag).endswith("process"))
    for node in process.iterdescendants():
        for name in ("id", "sourceRef", "targetRef", "default", "attachedToRef"):
            if name in node.attrib:
                mapping[node.attrib[name]] = node.attrib[name] = f"{node.attrib[name]}_v2"
    elements = {node.get("id") for node in process.iterdescendants() if not str(node.tag).endswith("sequenceFlow")}
    return etree.tostring(root), {old: new for old, new in mapping.items() if new in elements}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(block=BLOCKS, pick=st.integers(0, 12), seed=st.integers(0, 99), steps=st.integers(0, 6))
def test_under_other_names_a_case_comes_to_the_same_end(block: Block, pick: int, seed: int, steps: int) -> None:
    drawing = Drawing()
    first, last = drawing.draw(block)
    body = (start(), end(), *drawing.lines, flow("start", first), flow(last, "end"))
    content, mapping = renamed(bpmn(*body))
    target = parse({"test.bpmn": content})
    given = {"pick": pick, "items": [1, 2]}
    stays, moves = Play(*body, variables=given), Play(*body, variables=given)
    order = Random(seed)
    done = 0

    while not stays.completed:
        if done == steps:
            plan = migration.plan(moves.definitions, target, mapping)
            assert not [one for one in migration.check(moves.process, plan) if one.refused]
            moves.process.migrate(plan)
            moves.definitions = target
            moves._turn()
        # Both are asked for the same wait: their order is the order in which the tokens came.
        which = order.randrange(len(stays.process.waits()))
        for play in (stays, moves):
            play.act("complete", play.process.waits()[which].token)
        done += 1

    assert moves.completed
    assert moves.variables == stays.variables
    assert [one.removesuffix("_v2") for one in moves.happened("completed")] == stays.happened("completed")
    assert str(moves.process.outcome).removesuffix("_v2") == stays.process.outcome
