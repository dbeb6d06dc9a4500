"""Operations on a task without a script: pages that say what will happen, and do it."""

from __future__ import annotations

import re
from typing import Any

from engine.commands import dispatch
from engine.commands.approval.signers import AddSigners
from engine.commands.approval.steps import ReturnTask
from engine.commands.approval.words import AddComment
from tests.engine.commands.approval.kit import Office
from tests.support.installation import Installation, picture


def page(office: Office, login: str, path: str, status: int = 200) -> str:
    answer = office.anju.client(office.who(login)).get(path)
    assert answer.status_code == status, re.sub("<[^>]+>", " ", answer.text)
    return answer.text


def post(office: Office, login: str, to: str, status: int = 303, **form: Any) -> str:
    answer = office.anju.client(office.who(login)).post(to, data={"csrf_token": "token", **form})
    assert answer.status_code == status, re.sub("<[^>]+>", " ", answer.text)
    return answer.text


def test_a_return_says_beforehand_who_gets_it_and_then_does_it(anju: Installation) -> None:
    office = Office(anju, "line").do("a", "wangmin").do("b", "chenhao")
    path = f"/tasks/{office.task('c').id}/do/return"

    said = page(office, "zhaoling", f"{path}?target=a&path=again")
    assert "「办理a」重新交给王敏办理" in said
    assert "逐级再走一遍" in said
    assert "办理期限不变" in said
    assert "请写明退回原因" in post(office, "zhaoling", path, 422, target="a", reason=" ")
    post(office, "zhaoling", path, target="a", path="straight", reason="缺页")
    assert "赵玲退回：缺页" in page(office, "wangmin", f"/tasks/{office.task('a').id}")


def test_a_task_shows_who_is_asked_and_what_they_said(anju: Installation) -> None:
    office = Office(anju, "line").do("a", "wangmin")
    task = office.task("b").id
    assert "前加签" in page(office, "chenhao", f"/tasks/{task}/do/add?people={office.id('zhaoling')}&how=before")
    post(office, "chenhao", f"/tasks/{task}/do/add", people=str(office.id("zhaoling")), how="before", reason="请看")

    assert "正在等待赵玲的意见" in page(office, "chenhao", f"/tasks/{task}")
    asked = office.task("b", kind="added_before")
    shown = page(office, "zhaoling", f"/tasks/{asked.id}")
    assert "请您提意见" in shown
    said = {"verdict": "agree", "text": "同意上报", "version": asked.version}
    post(office, "zhaoling", f"/tasks/{asked.id}/opinion", **said)
    assert "同意上报" in page(office, "chenhao", f"/tasks/{task}")


def test_what_cannot_be_done_says_why_on_its_page(anju: Installation) -> None:
    office = Office(anju, "line")

    assert "没有可以退回的环节" in page(office, "wangmin", f"/tasks/{office.task('a').id}/do/return")
    assert "没有可以转办的人" in page(office, "wangmin", f"/tasks/{office.task('a').id}/do/transfer")
    page(office, "wangmin", f"/tasks/{office.task('a').id}/do/sell", 404)
    page(office, "zhoujie", f"/tasks/{office.task('a').id}/do/copy", 404)


def test_a_finished_task_can_be_taken_back_from_its_page(anju: Installation) -> None:
    office = Office(anju, "line").do("a", "wangmin")
    done = office.done("a").id

    assert "撤回" in page(office, "wangmin", f"/tasks/{done}")
    assert "取消后续待办：办理b" in page(office, "wangmin", f"/tasks/{done}/do/take_back")
    post(office, "wangmin", f"/tasks/{done}/do/take_back")
    assert office.at() == ["a"]


def test_messages_are_read_one_by_one_or_all(anju: Installation) -> None:
    office = Office(anju, "line")
    for _ in range(2):
        dispatch(AddComment(office.case_id, "@王敏 请看"), office.who("liuyang"))

    shown = page(office, "wangmin", "/messages")
    assert shown.count("标为已读") > 2
    assert "@王敏 请看" not in page(office, "chenhao", "/messages")
    number = re.findall(r"/messages/(\d+)", shown)[0]
    post(office, "chenhao", "/messages/read", id=number)
    assert "未读" in page(office, "wangmin", "/messages")
    post(office, "wangmin", "/messages/read")
    assert "未读" not in page(office, "wangmin", "/messages")
    page(office, "chenhao", f"/messages/{number}", 404)


def test_a_drawn_signature_stands_on_the_printed_form(anju: Installation) -> None:
    import io

    from pypdf import PdfReader

    office = Office(anju, "line")
    client = anju.client(office.who("wangmin"))
    assert "请先书写签名" in post(office, "wangmin", "/desk/signature", 422)
    file = (io.BytesIO(picture("black")), "sign.png")
    client.post("/desk/signature", data={"csrf_token": "token", "file": file}, content_type="multipart/form-data")
    task = office.task("a")
    answers = '{"sign_result": "yes", "sign_opinion": "同意上报"}'
    post(office, "wangmin", f"/tasks/{task.id}", answers=answers, version=task.version, sign="1")
    dispatch(AddSigners(office.task("b").id, (office.id("zhaoling"),), "before"), office.who("chenhao"))
    office.say("zhaoling", "disagree", "面积不符")

    printed = client.get(f"/cases/{office.case_id}/approval.pdf")
    assert printed.mimetype == "application/pdf"
    reader = PdfReader(io.BytesIO(printed.data))
    text = "".join(one.extract_text() for one in reader.pages)
    for said in ("同意上报", "王敏", "赵玲", "面积不符", "审批表"):
        assert said in text
    assert len(reader.pages) == 1
    assert len(reader.pages[0].images) == 1
    assert client.get(f"/tasks/{task.id}/signature.png").mimetype == "image/png"
    assert anju.client(office.who("zhoujie")).get(f"/tasks/{task.id}/signature.png").status_code == 404


def test_phrases_are_kept_and_dropped(anju: Installation) -> None:
    office = Office(anju, "line")
    post(office, "wangmin", "/desk/phrases", text="材料齐全，同意上报")

    assert "材料齐全，同意上报" in page(office, "wangmin", f"/tasks/{office.task('a').id}")
    number = re.findall(r'name="drop" value="(\d+)"', page(office, "wangmin", "/desk/phrases"))[0]
    post(office, "wangmin", "/desk/phrases", drop=number)
    assert "还没有常用意见" in page(office, "wangmin", "/desk/phrases")


def test_tasks_of_one_step_are_approved_together_and_doubtful_ones_stay(anju: Installation) -> None:
    first = Office(anju, "line")
    others = [Office(anju, "line", item="talent/line") for _ in range(2)]
    others[1].do("a", "wangmin")
    dispatch(ReturnTask(others[1].task("b").id, "a", "缺页"), first.who("chenhao"))
    tasks = [one.task("a") for one in (first, *others)]

    chosen = {"task": [str(one.id) for one in tasks]}
    asked = post(first, "wangmin", "/inbox/approve", 200, **chosen)
    assert "可批量办理 2 件" in asked
    versions = {f"version_{one.id}": one.version for one in tasks}
    answers = {"answers": '{"sign_result": "yes", "sign_opinion": "同意"}'}
    done = post(first, "wangmin", "/inbox/approve/confirmed", 200, **chosen, **versions, **answers)
    assert "成功 2 件，共 3 件" in done
    assert "需要逐件办理" in done
    assert (first.at(), others[0].at(), others[1].at()) == (["b"], ["b"], ["a"])
    assert ("bulk", "王敏", "批量审批「办理a」") in first.lines()
    mixed = {"task": [str(first.task("b").id), str(others[1].task("a").id)]}
    assert "同一环节" in post(first, "chenhao", "/inbox/approve", 422, **mixed)


def test_an_incomplete_form_is_refused_row_by_row(anju: Installation) -> None:
    office = Office(anju, "line")
    task = office.task("a")
    form = {"task": str(task.id), f"version_{task.id}": task.version, "answers": "{}"}

    assert "表单不完整" in post(office, "wangmin", "/inbox/approve/confirmed", 200, **form)
    assert office.at() == ["a"]
