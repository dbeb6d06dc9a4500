"""What supervisors and analysts see before they act."""

from __future__ import annotations

import pytest

from engine.catalog import releases
from engine.commands import dispatch
from engine.commands.cases import StartCase
from engine.commands.publish import PublishItem
from engine.commands.versions import RollBack
from engine.core.db import reading
from engine.core.errors import Forbidden, NotFound, Refused
from engine.queries import migrations, operations, versions
from tests.support.installation import ITEM, Installation

FORM = "forms/rental/eligibility_application/accept.form"
MODEL = "processes/rental/eligibility_application/eligibility_application.bpmn"
TABLE = "rules/rental/eligibility_application/eligibility.dmn"
YAML = "processes/rental/eligibility_application/item.yaml"
PAPER = "forms/rental/eligibility_application/notice_granted.html"


def publish(anju: Installation, *changes: tuple[str, str, str]) -> tuple[int, int]:
    """Publish with files changed: (release before, release after)."""
    with reading() as session:
        before = releases.current_id(session, ITEM)
        files = dict(releases.view(session, before).files)
    for path, old, new in changes:
        assert old.encode() in files[path]
        files[path] = files[path].replace(old.encode(), new.encode())
    return before, int(dispatch(PublishItem(ITEM, files), anju.staff("sunqiang")).release_id)


def test_a_supervisor_sees_where_a_case_stands_and_what_may_begin(anju: Installation) -> None:
    case_id = anju.apply().case_id
    with reading() as session:
        found = operations.standing(session, anju.staff("sunqiang"), case_id)
        effect = operations.preview(session, anju.staff("sunqiang"), case_id, move=[("accept", "approve")])

    assert [(place.name, place.type, place.within) for place in found.places] == [
        ("办理", "子流程", ""),
        ("受理审查", "人工任务", "办理"),
    ]
    assert {"first_review", "approve"} <= {target.element_id for target in found.targets}
    assert "start" not in {target.element_id for target in found.targets}
    assert (found.state, found.tasks, found.incidents) == ("open", 1, 0)
    assert ([one.element_id for one in effect.cancelled], effect.ends) == (["accept"], False)
    assert list(anju.tasks(case_id)) == ["accept"]


def test_another_office_sees_nothing(anju: Installation) -> None:
    case_id = anju.apply().case_id
    with reading() as session, pytest.raises(NotFound):
        operations.standing(session, anju.citizen("19900000005"), case_id)


def test_the_differences_of_two_releases_are_said_kind_by_kind(anju: Installation) -> None:
    before, after = publish(
        anju,
        (MODEL, 'id="second_review" name="复审"', 'id="second_review" name="再审"'),
        (FORM, '"label": "审查结果"', '"label": "受理结论（新）"'),
        (YAML, "name: 保障资格申请", "name: 住房保障资格申请"),
        (PAPER, "特别说明", "说明"),
    )
    with reading() as session:
        parts = versions.compare(session, before, after)
        assert versions.compare(session, before, before) == []
    said = {part.title: [(one.how, one.name) for one in part.changes] for part in parts}

    assert ("changed", "再审") in said["流程"]
    assert said["表单"] == [("changed", "受理结论（新）")]
    assert said["事项说明"] == [("changed", "name")]
    assert said["文书模板"] == [("changed", "notice_granted.html")]


def test_a_changed_row_of_a_table_is_named(anju: Installation) -> None:
    with reading() as session:
        content = releases.view(session, releases.current_id(session, ITEM)).files[TABLE].decode()
    start = content.index("<inputEntry", content.index("<rule"))
    begin = content.index("<text>", start)
    cell = content[begin : content.index("</text>", begin)]
    before, after = publish(anju, (TABLE, content[start:begin] + cell, content[start:begin] + "<text>-"))
    with reading() as session:
        [part] = versions.compare(session, before, after)

    assert part.title == "决策表"
    assert [(one.how, one.kind) for one in part.changes] == [("changed", "规则")]
    assert part.changes[0].differences[0].after == "-"


def test_new_cases_begin_on_the_release_that_was_rolled_back_to(anju_both: Installation) -> None:
    anju = anju_both
    before, after = publish(anju, (MODEL, 'id="second_review" name="复审"', 'id="second_review" name="再审"'))
    running = anju.apply().case_id
    analyst = anju.staff("sunqiang")
    with pytest.raises(Forbidden):
        dispatch(RollBack(before, "新版有误"), anju.staff("wangmin"))
    with pytest.raises(Refused):
        dispatch(RollBack(before, " "), analyst)
    dispatch(RollBack(before, "新版有误"), analyst)
    with pytest.raises(Refused) as twice:
        dispatch(RollBack(before, "新版有误"), analyst)
    assert twice.value.code == "is_current"

    alone = {"name": "孙伯年", "id_number": "330106196511091117", "phone": "19900000005"}
    answers = anju.family(anju.citizen("19900000005"), co_applicants=[])
    answers["applicant"].update(alone)
    second = dispatch(StartCase(ITEM, answers, "portal", anju.office()), anju.citizen("19900000005")).case_id
    assert (anju.case(running).release_id, anju.case(second).release_id) == (after, before)
    with reading() as session:
        lines = versions.versions(session, ITEM)
        assert [(line.id, line.current, line.open) for line in lines] == [(after, False, 1), (before, True, 1)]
        assert [(line.item, line.version, line.releases) for line in versions.items(session) if line.item == ITEM] == [
            (ITEM, 1, 2)
        ]


def test_the_mapping_shows_first_where_cases_stand(anju: Installation) -> None:
    anju.apply()
    before, after = publish(anju, (MODEL, 'id="second_review" name="复审"', 'id="second_review" name="再审"'))
    with reading() as session:
        found = migrations.mapping(session, anju.staff("sunqiang"), before, after, {"second_review": "first_review"})

    assert [(one.element_id, one.standing, one.target_id) for one in found[:2]] == [
        ("handling", 1, "handling"),
        ("accept", 1, "accept"),
    ]
    [by_hand] = [one for one in found if one.by_hand]
    assert (by_hand.element_id, by_hand.target_id) == ("second_review", "first_review")
    assert ("approve", "审批") in by_hand.choices
