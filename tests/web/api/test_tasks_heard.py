"""Task listeners and optional steps over the API, and the task of a deployment in the browser."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from engine.cases import final
from engine.cases.case import Case, load_variables
from engine.cases.record import ElementInstance
from engine.catalog.plain_form import opened
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.core.actor import SYSTEM
from engine.core.db import reading
from tests.engine.commands.test_adhoc import MODEL as OPTIONAL
from tests.engine.commands.test_listeners import model
from tests.web.api.conftest import Caller


def begin(api: Caller, process_id: str, content: bytes, **variables: Any) -> int:
    dispatch(DeployResources([(f"{process_id}.bpmn", content)]), SYSTEM)
    body = {"processDefinitionId": process_id, "variables": variables}
    return int(api.ask("POST", "/process-instances", body)["processInstanceKey"])


def test_a_worker_refuses_and_corrects_what_was_asked_of_a_task(api: Caller) -> None:
    case_id = begin(api, "heard", model("completing"), income=900)
    [task] = api.ask("POST", "/user-tasks/search", {"filter": {"processInstanceKey": str(case_id)}})["items"]
    path = f"/user-tasks/{task['userTaskKey']}"
    wanted = {"type": "check.completing", "timeout": 60_000, "maxJobsToActivate": 5, "requestTimeout": -1}
    for result, state in (({"denied": True, "deniedReason": "金额不符"}, "CREATED"), ({}, "COMPLETED")):
        api.ask("POST", f"{path}/completion", {"variables": {"income": 1200}})
        assert api.ask("GET", path)["state"] == "COMPLETING"
        assert api("POST", f"{path}/completion", {}).status_code == 409
        [job] = api.ask("POST", "/jobs/activation", wanted)["jobs"]
        assert (job["kind"], job["listenerEventType"]) == ("TASK_LISTENER", "COMPLETING")
        assert job["userTask"]["userTaskKey"] == task["userTaskKey"]
        api.ask("POST", f"/jobs/{job['jobKey']}/completion", {"result": {"type": "userTask", **result}})
        assert api.ask("GET", path)["state"] == state
    assert api.anju.case(case_id).state == "closed"


def test_optional_steps_are_begun_by_the_key_of_their_sub_process(api: Caller) -> None:
    case_id = begin(api, "p", OPTIONAL)
    found = api.ask("POST", "/element-instances/search", {"filter": {"elementId": "extra", "state": "ACTIVE"}})
    key = min(int(one["elementInstanceKey"]) for one in found["items"])
    path = f"/element-instances/ad-hoc-activities/{key}/activation"
    assert api("POST", path, {"elements": [{"elementId": "visit", "variables": {"n": 1}}]}).status_code == 204
    assert set(api.anju.tasks(case_id)) == {"visit"}
    assert api("POST", path, {"elements": [{"elementId": "nothing"}]}).status_code in (400, 409)
    with reading() as session:
        inner = select(ElementInstance.id).where(ElementInstance.element_id == "visit")
        assert session.scalars(inner).all()


def test_a_caseworker_completes_a_task_without_a_form_in_the_browser(api: Caller) -> None:
    case_id = begin(api, "heard", model(), income=900, note="旧")
    [task] = api.anju.tasks(case_id).values()
    clerk = api.anju.staff("wangmin")
    browser = api.anju.client(clerk)
    assert "不限岗位" in browser.get("/inbox?view=role-").text
    assert "income" in browser.get(f"/tasks/{task.id}").text
    [income, note] = opened({"income": 900, "note": "旧"})
    answers = {income: 1000, note: "旧", "anju_more": [{"anju_name": "checked", "anju_value": "true"}]}
    form = {"csrf_token": "token", "answers": json.dumps(answers), "version": task.version, "view": "mine"}
    assert browser.post(f"/tasks/{task.id}", data=form).status_code == 303
    assert browser.get(f"/cases/{case_id}").status_code == 200
    assert api.anju.case(case_id).state == "closed"
    with reading() as session:
        found = final.variables(session, session.get_one(Case, case_id))["0"]
    assert found == {"income": 1000, "note": "旧", "checked": True}


def test_what_is_being_checked_says_so_on_its_pages(api: Caller) -> None:
    case_id = begin(api, "heard", model("completing"), income=900)
    [task] = api.anju.tasks(case_id).values()
    browser = api.anju.client(api.anju.staff("wangmin"))
    form = {"csrf_token": "token", "answers": "{}", "version": task.version, "view": "mine"}
    assert browser.post(f"/tasks/{task.id}", data=form).status_code == 303
    assert "正在校验" in browser.get(f"/tasks/{task.id}").text
    assert "正在校验" in browser.get(f"/cases/{case_id}").text
    wanted = {"type": "check.completing", "timeout": 60_000, "maxJobsToActivate": 5, "requestTimeout": -1}
    [job] = api.ask("POST", "/jobs/activation", wanted)["jobs"]
    denied = {"result": {"type": "userTask", "denied": True, "deniedReason": "金额不符"}}
    api.ask("POST", f"/jobs/{job['jobKey']}/completion", denied)
    assert "提交的内容未通过校验：金额不符" in browser.get(f"/tasks/{task.id}").text
    with reading() as session:
        assert load_variables(session, case_id)["0"] == {"income": 900}
