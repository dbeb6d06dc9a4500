"""The pages of deputies, leave, avoidance and hand-over, as people use them without script."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine.commands import dispatch
from engine.commands.tasks import ClaimTask
from engine.core import clock
from tests.support.installation import FAMILY, Installation


def post(client: FlaskClient, path: str, **fields: object) -> TestResponse:
    return client.post(path, data={"csrf_token": "token", **fields})


def text(answer: TestResponse, status: int = 200) -> str:
    told = answer.get_data(as_text=True)
    assert answer.status_code == status, told[:800]
    return told


def moments() -> dict[str, str]:
    now = clock.local(clock.now())
    return {"from": f"{now:%Y-%m-%dT%H:%M}", "until": f"{now + timedelta(days=3):%Y-%m-%dT%H:%M}"}


def test_one_names_a_deputy_who_finds_the_tasks_and_is_taken_back(anju: Installation) -> None:
    task = anju.tasks(anju.apply().case_id)["accept"]
    mine = anju.client(anju.staff("liuyang"))
    assert "没有代理和请假" in text(mine.get("/deputies"))
    deputy = anju.staff("wangmin")
    bad = post(mine, "/deputies", deputy=deputy.id, **{**moments(), "until": "2026-01-01T08:00"})
    assert "结束时间应晚于开始时间" in text(bad, 422)
    assert post(mine, "/deputies", deputy=deputy.id, reason="外出培训", **moments()).status_code == 303
    told = text(mine.get("/deputies"))
    assert "王敏" in told
    assert "外出培训" in told
    theirs = anju.client(anju.staff("wangmin"))
    assert "刘洋的待办" in text(theirs.get("/deputies"))
    listed = text(theirs.get(f"/deputies/for/{anju.staff('liuyang').id}"))
    assert f"/tasks/{task.id}" in listed
    assert "代刘洋" in text(theirs.get(f"/tasks/{task.id}"))
    [grant] = anju.staff("wangmin").principals
    assert post(mine, f"/deputies/{grant.grant}/revoke").status_code == 303
    assert theirs.get(f"/deputies/for/{anju.staff('liuyang').id}").status_code == 404


def test_a_supervisor_sees_who_is_away_and_registers_leave_for_others(anju: Installation) -> None:
    boss = anju.client(anju.staff("sunqiang"))
    who = anju.staff("liuyang").id
    assert post(boss, "/deputies", principal=who, kind="leave", reason="病假", **moments()).status_code == 303
    told = text(boss.get("/deputies/office"))
    assert "病假" in told
    assert told.count('class="away"') == 4
    assert anju.client(anju.staff("liuyang")).get("/deputies/office").status_code == 403


def test_declaring_a_relative_bars_and_only_a_supervisor_lifts_it(anju: Installation) -> None:
    task = anju.tasks(anju.apply().case_id)["accept"]
    mine = anju.client(anju.staff("liuyang"))
    told = {"name": "周雨桐", "id_number": FAMILY["co_applicants"][0]["id_number"], "relation": "兄弟姐妹"}
    assert "证件" in text(post(mine, "/deputies/relatives", **{**told, "id_number": "123"}), 422)
    assert post(mine, "/deputies/relatives", **told).status_code == 303
    shown = text(mine.get("/deputies"))
    assert "周*桐" in shown
    assert "周雨桐" not in shown
    assert "回避" in text(mine.get(f"/tasks/{task.id}"))
    assert post(mine, f"/tasks/{task.id}/claim").status_code == 403
    assert "周*桐" in text(anju.client(anju.staff("sunqiang")).get("/deputies/office"))


def test_a_hand_over_is_looked_at_before_it_is_done(anju: Installation) -> None:
    task = anju.tasks(anju.apply().case_id)["accept"]
    dispatch(ClaimTask(task.id), anju.staff("liuyang"))
    boss, who = anju.client(anju.staff("sunqiang")), anju.staff("liuyang").id
    page = f"/handover/{who}"
    assert "接收人" in text(boss.get(page))
    plan = text(post(boss, page, to=anju.staff("wangmin").id))
    assert "放回岗位池" in plan
    seen = plan.split('name="seen" value="')[1].split('"')[0]
    assert "情况有变" not in plan
    assert "请写明" in text(post(boss, page, to=anju.staff("wangmin").id, seen=seen), 422)
    assert "清单已更新" in text(post(boss, page, to=anju.staff("wangmin").id, seen="0" * 16, reason="调离"), 409)
    done = text(post(boss, page, to=anju.staff("wangmin").id, seen=seen, reason="调离"))
    assert "账号已停用" in done
    assert anju.tasks(task.case_id)["accept"].assignee == ""
