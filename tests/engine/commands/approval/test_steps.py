"""退回 and 撤回 on running cases: who gets the task, what is cancelled, what cannot be undone."""

from __future__ import annotations

from engine.cases import drafts
from engine.commands.approval.passing import DelegateTask, TransferTask
from engine.commands.approval.signers import AddSigners
from engine.commands.approval.steps import ReturnTask, TakeBack
from engine.commands.inbox import LookAtTask
from engine.commands.tasks import ClaimTask, CompleteTask, ReleaseTask
from engine.core.db import reading
from tests.engine.commands.approval.kit import OUTSIDE, YES, Office
from tests.support.installation import Installation


def back(office: Office, element: str, target: str, straight: bool = False) -> ReturnTask:
    return ReturnTask(office.task(element).id, target, "材料不清", straight)


# --- going back


def test_a_returned_task_goes_to_whoever_did_it_and_the_way_is_walked_again(anju_both: Installation) -> None:
    office = Office(anju_both, "line").do("a", "wangmin").do("b", "chenhao")
    office.act("zhaoling", back(office, "c", "a"))

    task = office.task("a", "wangmin")
    assert (office.at(), task.mark, task.asked_by) == (["a"], "returned", office.who("zhaoling").key)
    office.do("a", "wangmin")
    assert office.at() == ["b"]
    assert office.do("b", "chenhao").do("c", "zhaoling").case().outcome == "end"


def test_it_may_come_straight_back_to_whoever_returned_it(anju: Installation) -> None:
    office = Office(anju, "line").do("a", "wangmin").do("b", "chenhao")
    office.act("zhaoling", back(office, "c", "a", straight=True))
    office.do("a", "wangmin")

    assert office.task("c", "zhaoling").mark == "came_back"
    assert office.do("c", "zhaoling").case().outcome == "end"


def test_in_a_branch_the_other_branch_goes_on(anju: Installation) -> None:
    office = Office(anju, "forked").do("a", "wangmin").do("b", "chenhao")

    assert office.refused("chenhao", back(office, "b2", "a")) == "not_earlier"
    office.act("chenhao", back(office, "b2", "b"))
    assert office.at() == ["b", "c"]
    office.do("c", "zhaoling").do("b", "chenhao").do("b2", "chenhao")
    assert office.at() == ["d"]
    office.act("zhaoling", back(office, "d", "a"))
    assert office.do("a", "wangmin").at() == ["b", "c"]


def test_one_of_several_signers_returns_for_all(anju: Installation) -> None:
    office = Office(anju, "signed").do("a", "wangmin").do("s", "chenhao")
    task = office.task("s", "zhaoling")
    office.act("zhaoling", ReturnTask(task.id, "a", "附件缺页"))

    assert office.at() == ["a"]
    office.do("a", "wangmin").do("s", "wangmin").do("s", "chenhao").do("s", "zhaoling").do("d", "zhaoling")
    assert office.case().outcome == "end"


def test_out_of_a_sub_process_only_the_long_way_leads_back(anju: Installation) -> None:
    office = Office(anju, "inside").do("a", "wangmin").do("b", "chenhao")

    assert office.refused("chenhao", back(office, "b2", "a", straight=True)) == "not_straight"
    office.act("chenhao", back(office, "b2", "a"))
    assert office.do("a", "wangmin").at() == ["b"]


def test_with_the_task_goes_what_was_asked_about_it(anju: Installation) -> None:
    office = Office(anju, "line").do("a", "wangmin")
    office.act("chenhao", AddSigners(office.task("b").id, (office.id("zhaoling"),), "parallel"))
    office.act("chenhao", back(office, "b", "a"))

    assert office.at() == ["a"]


def test_a_return_asks_a_reason_and_a_step_that_was_done(anju: Installation) -> None:
    office = Office(anju, "line").do("a", "wangmin")

    assert office.refused("chenhao", ReturnTask(office.task("b").id, "a", " ")) == "reason_missing"
    assert office.refused("chenhao", back(office, "b", "c")) == "not_earlier"
    assert office.refused("wangmin", back(office, "b", "a")) == "forbidden"


# --- taking back


def test_what_nobody_has_begun_is_taken_back_with_its_answers(anju_both: Installation) -> None:
    office = Office(anju_both, "line").do("a", "wangmin", sign_opinion="拟同意")
    opened = office.act("wangmin", TakeBack(office.done("a").id))

    assert office.at() == ["a"]
    assert office.task("a", "wangmin").mark == "taken_back"
    with reading() as session:
        draft = drafts.find(session, office.who("wangmin").key, f"task:{opened}")
    assert draft is not None
    assert draft.answers["sign_opinion"] == "拟同意"
    assert office.do("a", "wangmin").at() == ["b"]


def test_a_branch_that_waits_for_the_other_is_taken_back(anju: Installation) -> None:
    office = Office(anju, "forked").do("a", "wangmin").do("b", "chenhao").do("b2", "chenhao")
    office.act("chenhao", TakeBack(office.done("b2").id))

    assert office.at() == ["b2", "c"]
    office.do("c", "zhaoling").do("b2", "chenhao").do("d", "zhaoling")
    assert office.case().outcome == "end"


def test_what_somebody_took_or_did_stays(anju: Installation) -> None:
    office = Office(anju, "line").do("a", "wangmin")
    done = office.done("a")
    office.act("chenhao", LookAtTask(office.task("b").id))

    assert office.refused("wangmin", TakeBack(done.id)) == "begun"
    office.act("chenhao", ClaimTask(office.task("b").id))
    assert office.refused("wangmin", TakeBack(done.id)) == "begun"
    office.act("chenhao", ReleaseTask(office.task("b").id))
    assert office.refused("wangmin", TakeBack(done.id)) == "begun"
    assert office.refused("chenhao", TakeBack(done.id)) == "forbidden"
    office.do("b", "chenhao")
    assert office.refused("wangmin", TakeBack(done.id)) == "begun"


def test_whom_the_model_names_cannot_put_back_what_no_role_waits_for(anju: Installation) -> None:
    office = Office(anju, "signed").do("a", "wangmin")
    named = office.task("s", "chenhao")

    assert office.refused("chenhao", ReleaseTask(named.id)) == "forbidden"
    assert office.refused("sunqiang", ReleaseTask(named.id)) == "forbidden"
    page = anju.client(office.who("chenhao")).get(f"/tasks/{named.id}").text
    assert "放回岗位池" not in page
    assert office.task("s", "chenhao").assignee == office.who("chenhao").key


def test_what_left_the_house_stays(anju: Installation) -> None:
    from engine.batches.approval import WHY_NOT

    office = Office(anju, "signed").do("a", "wangmin").do("s", "chenhao")

    assert office.refused("chenhao", TakeBack(office.done("s").id)) == "cannot_take_back"
    assert set(WHY_NOT) == {"outside", "gathered", "ended"}


def test_a_submit_on_which_others_are_asked_is_taken_back_until_they_begin(anju: Installation) -> None:
    office = Office(anju, "line").do("a", "wangmin")
    office.act("chenhao", AddSigners(office.task("b").id, (office.id("zhaoling"),), "after"))
    office.do("b", "chenhao")
    office.act("chenhao", TakeBack(office.done("b").id))

    assert office.at() == ["b"]
    office.do("b", "chenhao").say("zhaoling")
    assert office.at() == ["c"]


# --- handing on


def test_a_transferred_task_is_the_others(anju_both: Installation) -> None:
    office = Office(anju_both, "line").do("a", "wangmin")
    task = office.task("b")

    assert office.refused("chenhao", TransferTask(task.id, office.id("zhaoling"), "出差")) == "receiver_without_role"
    assert office.refused("chenhao", TransferTask(task.id, office.id("chenhao"), " ")) == "reason_missing"
    assert office.refused("wangmin", TransferTask(task.id, office.id("chenhao"), "出差")) == "forbidden"
    office.act("sunqiang", TransferTask(task.id, office.id("chenhao"), "指定办理"))
    assert office.task("b", "chenhao").mark == "transferred"


def test_a_delegated_task_comes_back_with_the_opinion(anju_both: Installation) -> None:
    office = Office(anju_both, "line").do("a", "wangmin")
    office.act("chenhao", DelegateTask(office.task("b").id, office.id("liuyang"), "请核对面积"))
    task = office.task("b", "liuyang")

    assert office.refused("liuyang", CompleteTask(task.id, YES, task.version)) == "delegated"
    assert office.refused("liuyang", ReleaseTask(task.id)) == "forbidden"
    assert office.refused("liuyang", back(office, "b", "a")) in ("delegated", "forbidden", "task_changed")
    office.say("liuyang", "noted", "面积 60 平方米")
    assert office.task("b", "chenhao").mark == "answered"
    assert office.do("b", "chenhao").at() == ["c"]
    assert [kind for kind, _, _ in office.lines()][-3:-1] == ["delegated", "opinion"]


def test_a_call_to_another_party_cannot_be_taken_back(anju: Installation) -> None:
    model = tuple(part.replace('type="police.household"', 'type="case.accept"') for part in OUTSIDE)
    office = Office(anju, "outside", *model).do("a", "wangmin")

    assert office.refused("wangmin", TakeBack(office.done("a").id)) == "cannot_take_back"
