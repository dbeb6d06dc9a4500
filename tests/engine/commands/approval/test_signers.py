"""加签 before, after and in parallel, 减签, and opinions: the token moves when all have spoken."""

from __future__ import annotations

import pytest

from engine.commands.approval.signers import AddSigners, GiveOpinion, RemoveSigner
from engine.commands.tasks import CompleteTask, ReleaseTask
from tests.engine.commands.approval.kit import YES, Office, only, step
from tests.engine.workflow.kit import chain, end, start
from tests.support.installation import Installation


def add(office: Office, login: str, how: str, *people: str, element: str = "b") -> None:
    ids = tuple(office.id(one) for one in people)
    office.act(login, AddSigners(office.task(element).id, ids, how, "请把关"))


@pytest.fixture
def office(anju: Installation) -> Office:
    return Office(anju, "line").do("a", "wangmin")


def test_those_asked_before_speak_first_and_the_worker_decides(anju_both: Installation) -> None:
    office = Office(anju_both, "line").do("a", "wangmin")
    add(office, "chenhao", "before", "zhaoling", "liuyang")
    host = office.task("b")

    assert office.at() == ["b", "b:before", "b:before"]
    assert office.refused("chenhao", CompleteTask(host.id, YES, host.version)) == "awaits_signers"
    office.say("zhaoling", "disagree").say("liuyang")
    assert office.at() == ["b"]
    office.do("b", "chenhao").do("c", "zhaoling")
    assert office.case().state == "closed"


def test_those_asked_after_have_their_turn_when_the_worker_is_done(anju_both: Installation) -> None:
    office = Office(anju_both, "line").do("a", "wangmin")
    add(office, "chenhao", "after", "zhaoling")

    assert office.at() == ["b"]
    office.do("b", "chenhao")
    assert office.at() == ["b:after"]
    office.say("zhaoling")
    assert office.at() == ["c"]


def test_the_token_waits_for_whoever_works_beside(office: Office) -> None:
    add(office, "chenhao", "parallel", "zhaoling", "liuyang")
    office.say("liuyang").do("b", "chenhao", sign_opinion="拟同意")

    assert office.at() == ["b:parallel"]
    office.say("zhaoling")
    assert office.at() == ["c"]


def test_the_answers_of_the_worker_are_what_the_process_goes_on_with(office: Office) -> None:
    from engine.cases.case import load_variables
    from engine.core.db import reading

    add(office, "chenhao", "parallel", "zhaoling")
    office.do("b", "chenhao", sign_opinion="拟同意").say("zhaoling", text="另一种说法")

    with reading() as session:
        known = load_variables(session, office.case_id)["0"]
    assert known["sign_opinion"] == "拟同意"
    assert known["b_by"]["name"] == "陈浩"


def test_a_no_from_beside_opens_the_task_again_for_the_worker(office: Office) -> None:
    add(office, "chenhao", "after", "zhaoling")
    office.do("b", "chenhao").say("zhaoling", "disagree", "面积不符")

    assert office.at() == ["b"]
    assert office.task("b", "chenhao").mark == "reopened"
    office.do("b", "chenhao", sign_result="no")
    assert office.at() == ["c"]


def test_one_who_is_asked_no_longer_is_not_waited_for(office: Office) -> None:
    add(office, "chenhao", "after", "zhaoling")
    office.do("b", "chenhao")
    asked = office.task("b", kind="added_after")

    assert office.refused("wangmin", RemoveSigner(asked.id)) == "forbidden"
    office.act("chenhao", RemoveSigner(asked.id, "赵玲出差"))
    assert office.at() == ["c"]
    assert ("signer_removed", "陈浩", "「办理b」减签：赵玲") in office.lines()


def test_the_last_signer_removed_before_sets_the_worker_free(office: Office) -> None:
    add(office, "chenhao", "before", "zhaoling")
    office.act("sunqiang", RemoveSigner(office.task("b", kind="added_before").id))

    assert office.do("b", "chenhao").at() == ["c"]


def test_what_is_added_can_only_be_answered_by_whom_it_names(office: Office) -> None:
    add(office, "chenhao", "parallel", "zhaoling")
    asked = office.task("b", kind="added_parallel")

    assert office.refused("wangmin", GiveOpinion(asked.id, "agree", "好", asked.version)) == "forbidden"
    assert office.refused("zhaoling", GiveOpinion(asked.id, "agree", " ", asked.version)) == "opinion_missing"
    assert office.refused("zhaoling", GiveOpinion(asked.id, "agree", "好", 7)) == "task_changed"
    assert office.refused("zhaoling", ReleaseTask(asked.id)) == "forbidden"
    assert office.refused("zhaoling", CompleteTask(asked.id, YES, asked.version)) == "opinion_only"
    assert office.refused("zhaoling", AddSigners(asked.id, (office.id("liuyang"),), "before")) == "added_task"


def test_nobody_is_asked_twice_or_from_another_office(office: Office) -> None:
    task = office.task("b")
    add(office, "chenhao", "parallel", "zhaoling")

    def asking(login: str, how: str = "before") -> str:
        return office.refused("chenhao", AddSigners(task.id, (office.id(login),), how))

    assert asking("zhaoling") == asking("chenhao") == "already_there"
    assert asking("zhoujie") == "not_a_colleague"
    assert asking("liuyang", "beside") == "bad_how"
    assert office.refused("chenhao", AddSigners(task.id, (), "before")) == "nobody_chosen"
    assert office.refused("wangmin", AddSigners(task.id, (office.id("liuyang"),), "before")) == "forbidden"


def test_an_item_says_what_a_step_allows(anju: Installation) -> None:
    model = (start(), step("a", properties=only("return,copy")), end(), chain("start", "a", "end"))
    office = Office(anju, "strict", *model)

    asked = AddSigners(office.task("a").id, (office.id("liuyang"),), "before")
    assert office.refused("wangmin", asked) == "verb_not_allowed"


def test_the_record_tells_who_asked_whom_and_what_they_said(office: Office) -> None:
    add(office, "chenhao", "before", "zhaoling")
    office.say("zhaoling")

    told = [(kind, who, title) for kind, who, title in office.lines() if kind in ("signers_added", "opinion")]
    assert told == [
        ("signers_added", "陈浩", "「办理b」前加签：赵玲"),
        ("opinion", "赵玲", "「办理b（前加签）」同意"),
    ]
