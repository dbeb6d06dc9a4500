"""会签, 或签, 依次 and 票签 as the snippets for analysts draw them."""

from __future__ import annotations

import pytest

from engine.commands.approval.signers import AddSigners
from tests.engine.commands.approval.kit import PATTERNS, Office
from tests.support.installation import Installation

PEOPLE = ("wangmin", "chenhao", "zhaoling")


def pattern(anju: Installation, name: str) -> Office:
    model = (PATTERNS / f"{name}.bpmn").read_text("utf-8")
    for number, login in enumerate(PEOPLE, 1):
        model = model.replace(f"login{number}", login)
    ends = {"outcomes": {f"{name}_passed": "通过", f"{name}_refused": "未通过"}}
    return Office(anju, name, settings=ends, model=model.encode())


@pytest.mark.parametrize(
    ("name", "said", "outcome"),
    [
        ("countersign", {"wangmin": "yes", "chenhao": "yes", "zhaoling": "yes"}, "passed"),
        ("countersign", {"wangmin": "yes", "chenhao": "no"}, "refused"),
        ("any_one", {"chenhao": "yes"}, "passed"),
        ("any_one", {"zhaoling": "no"}, "refused"),
        ("in_turn", {"wangmin": "yes", "chenhao": "yes", "zhaoling": "yes"}, "passed"),
        ("in_turn", {"wangmin": "no"}, "refused"),
        ("votes", {"chenhao": "no", "wangmin": "yes", "zhaoling": "yes"}, "passed"),
        ("votes", {"wangmin": "yes", "chenhao": "yes"}, "passed"),
        ("votes", {"zhaoling": "no", "chenhao": "no"}, "refused"),
    ],
)
def test_the_decision_falls_when_it_is_clear(name: str, said: dict[str, str], outcome: str, anju: Installation) -> None:
    office = pattern(anju, name)
    for login, answer in said.items():
        assert office.case().state == "open"
        office.do(f"{name}_sign", login, sign_result=answer)
        assert not anju.incidents(office.case_id), anju.stuck(office.case_id)

    assert office.case().outcome == f"{name}_{outcome}"


def test_in_turn_only_the_next_is_asked(anju: Installation) -> None:
    office = pattern(anju, "in_turn")

    assert [one.assignee for one in office.open()] == [office.who("wangmin").key]
    office.do("in_turn_sign", "wangmin")
    assert [one.assignee for one in office.open()] == [office.who("chenhao").key]


def test_a_vote_is_nobody_elses(anju: Installation) -> None:
    office = pattern(anju, "votes")
    task = office.task("votes_sign", "wangmin")

    asked = AddSigners(task.id, (office.id("liuyang"),), "parallel")
    assert office.refused("wangmin", asked) == "verb_not_allowed"
