"""Any id an analyst may give works, also those that SpiffWorkflow keeps for itself."""

import pytest

from tests.engine.workflow.kit import Play, boundary, chain, end, flow, loop, start, sub, timer, user

NAMES = ["Start", "End", "Root", "EndJoin", "default", "None", "受理", "a.b", "a-b", "_1", "x" * 200, "process", "p2"]


@pytest.mark.parametrize("name", NAMES)
def test_any_id_works(name: str) -> None:
    play = Play(start(), user(name), end(), chain("start", name, "end"))
    assert play.at == [f"{name}:user"]

    assert play.do(name).completed
    assert play.happened("completed") == ["start", name, "end"]


def test_all_of_them_work_together_around_each_other() -> None:
    inside = sub("Root", start("Start"), user("End"), end("None"), chain("Start", "End", "None"),
                 more=loop())  # fmt: skip
    play = Play(start("default"), inside, boundary("a.b", "Root", timer("timeDuration", "P1D")), end("受理"),
                end("迟"), chain("default", "Root", "受理"), flow("a.b", "迟"),
                variables={"items": [1, 2]})  # fmt: skip

    play.do("End", result=1).do("End", result=2)

    assert play.completed
    assert play.process.outcome == "受理"


def test_lanes_data_objects_and_notes_do_not_hinder() -> None:
    beside = (
        '<laneSet id="ls"><lane id="l" name="窗口"><flowNodeRef>a</flowNodeRef></lane></laneSet>'
        '<dataObject id="do"/><dataObjectReference id="dr" dataObjectRef="do"/><dataStoreReference id="ds"/>'
        '<textAnnotation id="ta"><text>说明</text></textAnnotation><group id="gr"/>'
        '<association id="as" sourceRef="a" targetRef="ta"/>'
    )
    data = '<dataInputAssociation id="di"><sourceRef>dr</sourceRef></dataInputAssociation>'
    play = Play(beside, start(), user("a", more=data), end(), chain("start", "a", "end"))

    assert play.wait("a").lane == "窗口"
    assert play.do("a").completed


@pytest.mark.parametrize("kind", ["task", "manualTask"])
def test_a_task_nobody_does_is_passed(kind: str) -> None:
    assert Play(start(), f'<{kind} id="a"/>', end(), chain("start", "a", "end")).completed
