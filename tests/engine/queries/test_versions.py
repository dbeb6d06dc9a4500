"""What analysts see of two versions: which processes differ, and what is marked where in their drawings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from lxml import etree

from engine.catalog import releases
from engine.core.db import reading, transaction
from engine.core.errors import NotFound
from engine.queries import versions
from tests.support.installation import Installation

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def model(process_id: str, *tasks: str) -> bytes:
    """A chain of tasks; ``a/核对`` is task a under another name."""
    named = {"start": "", **{one.partition("/")[0]: one.partition("/")[2] or one for one in tasks}, "end": ""}
    kinds = {"start": "startEvent", "end": "endEvent"}
    nodes = "".join(f'<{kinds.get(id, "task")} id="{id}" name="{name}"/>' for id, name in named.items())
    flows = "".join(f'<sequenceFlow id="{a}-{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairwise(named))
    body = f'<process id="{process_id}" name="流程{process_id}" isExecutable="true">{nodes}{flows}</process>'
    return f'<definitions xmlns="{BPMN}" targetNamespace="t">{body}</definitions>'.encode()


def published(**processes: bytes) -> int:
    with transaction() as session:
        files = {f"processes/t/{name}.bpmn": content for name, content in processes.items()}
        return releases.store(session, "t/t", files, "测试").id


@pytest.fixture
def two(anju: Installation) -> tuple[int, int]:
    """In the newer one «b» is gone, «c» is new, «a» has another name; the second process is the same."""
    return (
        published(one=model("one", "a", "b"), same=model("same", "x")),
        published(one=model("one", "a/核对", "c"), same=model("same", "x")),
    )


def test_a_process_that_differs_is_drawn_as_it_is_and_as_it_was_where_something_is_gone(two: tuple[int, int]) -> None:
    with reading() as session:
        drawn = versions.drawings(session, *two)
    assert [(one.process_id, one.before, one.said) for one in drawn] == [
        ("one", False, "新增 3 处，修改 1 处"),
        ("one", True, "删除 3 处"),
    ]


def test_what_is_marked_stands_in_the_drawing_it_is_marked_in(two: tuple[int, int]) -> None:
    with reading() as session:
        marks = versions.became(session, *two, "one")
        was, now = (set(etree.fromstring(versions.diagram_xml(session, one, "one")).xpath("//@id")) for one in two)
    assert marks == {"added": ["c", "a-c", "c-end"], "changed": ["a"], "removed": ["b", "a-b", "b-end"]}
    assert now >= {*marks["added"], *marks["changed"]}
    assert was >= set(marks["removed"])


def test_versions_without_a_difference_are_not_drawn(two: tuple[int, int]) -> None:
    with reading() as session:
        assert versions.drawings(session, two[1], two[1]) == []
        with pytest.raises(NotFound):
            versions.diagram_xml(session, two[0], "nowhere")
