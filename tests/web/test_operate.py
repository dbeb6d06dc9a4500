"""Pages on which supervisors steer cases and analysts choose versions."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient

from engine.catalog import releases
from engine.commands import dispatch
from engine.commands.publish import PublishItem
from engine.core.db import reading
from tests.support.installation import ITEM, Installation

MODEL = "processes/rental/eligibility_application/eligibility_application.bpmn"
TOKEN = {"csrf_token": "token"}


def text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def publish(anju: Installation) -> tuple[int, int]:
    with reading() as session:
        before = releases.current_id(session, ITEM)
        files = dict(releases.view(session, before).files)
    files[MODEL] = files[MODEL].replace('id="accept" name="受理审查"'.encode(), 'id="accept" name="受理核对"'.encode())
    return before, int(dispatch(PublishItem(ITEM, files), anju.staff("sunqiang")).release_id)


def test_a_supervisor_suspends_resumes_and_ends_a_case(anju: Installation) -> None:
    case_id = anju.apply().case_id
    client = anju.client(anju.staff("sunqiang"))
    at = f"/cases/{case_id}/operate"
    assert at in text(client, f"/cases/{case_id}")
    assert "受理审查" in text(client, at)
    for action, state in (("suspend", "suspended"), ("resume", "open"), ("cancel", "cancelled")):
        answer = client.post(f"{at}/{action}", data={**TOKEN, "reason": "测试原因"})
        assert answer.status_code == 303
        assert anju.case(case_id).state == state
        text(client, at)
    assert "已终止" in text(client, f"/cases/{case_id}")
    again = client.post(f"{at}/cancel", data={**TOKEN, "reason": "测试原因"})
    assert (again.status_code, "不需要再终止" in again.get_data(as_text=True)) == (422, True)


def test_a_change_of_course_is_shown_before_it_is_made(anju: Installation) -> None:
    case_id = anju.apply().case_id
    client = anju.client(anju.staff("sunqiang"))
    page = text(client, f"/cases/{case_id}/operate")
    token = anju.tasks(case_id)["accept"].token
    version = re.search(r'name="seen_version" value="(\d+)"', page)
    assert version is not None
    form = {**TOKEN, "seen_version": version[1], "terminate": token, "activate": "first_review", "reason": "回避"}
    shown = client.post(f"/cases/{case_id}/operate/modify", data=form).get_data(as_text=True)
    assert "取消「受理审查」" in shown
    assert "启动「初审」" in shown
    assert list(anju.tasks(case_id)) == ["accept"]

    previewed = html.unescape(re.findall(r'name="previewed" value="([^"]+)"', shown)[0])
    confirmed = {**form, "previewed": previewed, "confirmed": "1"}
    # Something else than what was shown is shown first.
    other = client.post(f"/cases/{case_id}/operate/modify", data={**confirmed, "activate": "second_review"})
    assert "启动「复审」" in other.get_data(as_text=True)
    assert list(anju.tasks(case_id)) == ["accept"]
    done = client.post(f"/cases/{case_id}/operate/modify", data=confirmed)
    assert done.status_code == 303
    assert list(anju.tasks(case_id)) == ["first_review"]
    late = client.post(f"/cases/{case_id}/operate/modify", data=confirmed)
    assert late.status_code == 422


@pytest.mark.parametrize("variables", ["[1]", "{oops", "x = 1"])
def test_variables_that_cannot_be_read_are_told(variables: str, anju: Installation) -> None:
    case_id = anju.apply().case_id
    client = anju.client(anju.staff("sunqiang"))
    answer = client.post(f"/cases/{case_id}/operate/modify", data={**TOKEN, "variables": variables})

    assert (answer.status_code, "JSON" in answer.get_data(as_text=True)) == (422, True)


def test_cases_are_migrated_from_the_page(anju: Installation) -> None:
    case_id = anju.apply().case_id
    before, after = publish(anju)
    client = anju.client(anju.staff("sunqiang"))
    assert "保障资格申请" in text(client, "/migrations")
    page = text(client, f"/migrations/new?item={ITEM}&source={before}&target={after}")
    assert "有办件停留的环节" in page
    form = {**TOKEN, "item": ITEM, "source": before, "target": after, "reason": "换新版"}
    chosen = dict(re.findall(r'<select name="(map:[^"]+)".*?<option value="([^"]*)" selected', page))
    answer = client.post("/migrations/new", data=form | chosen)
    assert answer.status_code == 303
    anju.drain()
    run = answer.headers["Location"]
    assert "可以迁移" in text(client, run)
    client.post(f"{run}/start", data=TOKEN)
    part = client.get(run, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "every 1s" in part
    assert "<html" not in part
    anju.drain()
    done = text(client, run)
    assert "已迁移 1 件" in done
    assert anju.case(case_id).release_id == after

    undo = re.search(r'action="(/migrations/\d+/undo/\d+)"', done)
    assert undo is not None
    client.post(undo[1], data=TOKEN)
    assert anju.case(case_id).release_id == before
    assert "已撤销" in text(client, run)
    assert "1 件" in text(client, "/migrations") or "1 次" in text(client, "/migrations")


def test_an_analyst_compares_versions_and_goes_back(anju: Installation) -> None:
    before, after = publish(anju)
    client = anju.client(anju.staff("sunqiang"))
    assert "使用中" in text(client, f"/versions?item={ITEM}")
    told = text(client, f"/versions/compare?before={before}&after={after}")
    for expected in ("受理审查", "受理核对", "修改", "人工任务", "第 2 版流程图，修改 1 处"):
        assert expected in told
    asked = f"before={before}&after={after}&process=rental_eligibility_application"
    assert client.get(f"/versions/diagram.json?{asked}").json == {"added": [], "changed": ["accept"], "removed": []}
    assert b'id="accept"' in client.get(f"/versions/{after}/diagram.xml?{asked}").data
    assert client.get(f"/versions/{after}/diagram.xml?process=nowhere").status_code == 404
    with reading() as session:
        other = releases.current_id(session, "rental/decision_review")
    assert client.get(f"/versions/compare?before={other}&after={after}").status_code == 404
    client.post(f"/versions/{before}/default", data={**TOKEN, "item": ITEM, "reason": "新版有误"})
    with reading() as session:
        assert releases.current_id(session, ITEM) == before


@pytest.mark.parametrize("path", ["/migrations", "/versions", "/migrations/new?item=rental/eligibility_application"])
def test_others_do_not_get_in(path: str, anju: Installation) -> None:
    assert anju.client(anju.staff("wangmin")).get(path).status_code == 403
