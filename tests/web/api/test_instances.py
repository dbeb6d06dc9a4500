"""Instances over the API: begun, followed, worked on, changed, ended."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.db import reading
from engine.registers.clients import client_actor
from tests.support.installation import Installation
from tests.web.api.conftest import Caller, let_in
from tests.web.api.models import HEAD, process
from tests.web.api.test_definitions import deploy, entries


def begin(api: Caller, process_id: str = "order", **more: Any) -> dict[str, Any]:
    """A new instance."""
    body = {"processDefinitionId": process_id, "variables": {"order_id": "A-1"}, **more}
    created: dict[str, Any] = api.ask("POST", "/process-instances", body)
    return created


def work(api: Caller, kind: str = "charge", variables: dict[str, Any] | None = None) -> dict[str, Any]:
    """Take one job and do it."""
    asked = {"type": kind, "timeout": 60_000, "maxJobsToActivate": 1, "requestTimeout": -1}
    [job] = api.ask("POST", "/jobs/activation", asked)["jobs"]
    api.ask("POST", f"/jobs/{job['jobKey']}/completion", {"variables": variables or {}})
    found: dict[str, Any] = job
    return found


def items(api: Caller, path: str, **filter_: Any) -> list[dict[str, Any]]:
    """What a search finds."""
    found: list[dict[str, Any]] = api.ask("POST", f"{path}/search", {"filter": filter_})["items"]
    return found


def test_an_instance_runs_through_job_task_and_message_to_its_end(api_both: Caller) -> None:
    api = api_both
    deploy(api, order_bpmn=process("order", tag="v1"))
    created = begin(api, tags=["vip", "web"], businessId="ERP-7")
    key = created["processInstanceKey"]
    assert (created["tags"], created["businessId"], created["variables"]) == (["vip", "web"], "ERP-7", {})
    job = work(api, variables={"receipt": {"no": 12}})
    assert (job["processInstanceKey"], job["customHeaders"]) == (key, {"channel": "bank"})
    [task] = items(api, "/user-tasks", processInstanceKey=key, state="CREATED")
    assert (task["elementId"], task["candidateGroups"], task["assignee"]) == ("review", ["acceptance"], None)
    api.ask("POST", f"/user-tasks/{task['userTaskKey']}/assignment", {"assignee": "liuyang"})
    assert api.ask("GET", f"/user-tasks/{task['userTaskKey']}")["assignee"] == "liuyang"
    api.ask("DELETE", f"/user-tasks/{task['userTaskKey']}/assignee")
    api.ask("POST", f"/user-tasks/{task['userTaskKey']}/completion", {"variables": {"checked": True}})
    assert api("POST", f"/user-tasks/{task['userTaskKey']}/completion", {}).status_code == 409
    variables = {one["name"]: one["value"] for one in items(api, "/variables", processInstanceKey=key)}
    assert variables == {"order_id": '"A-1"', "receipt": '{"no":12}', "checked": "true"}
    api.ask("POST", "/messages/publication", {"name": "paid", "correlationKey": "A-1", "variables": {"paid": 1}})
    api.anju.drain()
    ended = api.ask("GET", f"/process-instances/{key}")
    assert (ended["state"], ended["processDefinitionVersionTag"], ended["businessId"]) == ("COMPLETED", "v1", "ERP-7")
    elements = items(api, "/element-instances", processInstanceKey=key)
    assert [(one["elementId"], one["type"]) for one in elements] == [
        ("start", "START_EVENT"),
        ("work", "SERVICE_TASK"),
        ("review", "USER_TASK"),
        ("wait", "INTERMEDIATE_CATCH_EVENT"),
        ("end", "END_EVENT"),
    ]
    assert {one["state"] for one in elements} == {"COMPLETED"}
    assert elements[1]["elementName"] == "收费"
    told = {one["name"]: one["value"] for one in items(api, "/variables", processInstanceKey=key)}
    assert told == {**variables, "paid": "1"}


def test_an_instance_is_of_the_version_that_was_asked_for(api: Caller) -> None:
    first = entries(deploy(api, order_bpmn=process("order", tag="old")), "processDefinition")[0]
    deploy(api, order_bpmn=process("order", note="<!-- 2 -->"))
    assert begin(api)["processDefinitionVersion"] == 2
    assert begin(api, processDefinitionVersion=1)["processDefinitionVersion"] == 1
    assert begin(api, processDefinitionVersion=-1)["processDefinitionVersion"] == 2
    assert begin(api, processDefinitionVersionTag="old")["processDefinitionVersion"] == 1
    by_key = api.ask("POST", "/process-instances", {"processDefinitionKey": first["processDefinitionKey"]})
    assert by_key["processDefinitionVersion"] == 1
    found = items(api, "/process-instances", processDefinitionKey=first["processDefinitionKey"])
    assert len(found) == 3
    unknown = api("POST", "/process-instances", {"processDefinitionId": "order", "processDefinitionVersion": 9})
    assert unknown.status_code == 404


def test_a_called_process_is_bound_to_its_newest_version_unless_the_model_says_otherwise(api: Caller) -> None:
    def calling(binding: str) -> str:
        return (
            HEAD
            + f"""<process id="caller" isExecutable="true"><startEvent id="s"/>
  <callActivity id="call"><extensionElements>
  <zeebe:calledElement processId="called" {binding}/></extensionElements></callActivity><endEvent id="e"/>
  <sequenceFlow id="a" sourceRef="s" targetRef="call"/><sequenceFlow id="b" sourceRef="call" targetRef="e"/>
  </process></definitions>"""
        )

    for binding, job in (('bindingType="latest"', "new"), ('bindingType="deployment"', "old"), ("", "new")):
        deploy(api, caller_bpmn=calling(binding), called_bpmn=process("called", job="old", tag="t"))
        deploy(api, called_bpmn=process("called", job="new"))
        key = begin(api, "caller")["processInstanceKey"]
        assert work(api, job)["processInstanceKey"] == key, binding
    deploy(api, caller_bpmn=calling('bindingType="versionTag" versionTag="t"'))
    begin(api, "caller")
    assert work(api, "old")["elementId"] == "work"


def test_who_waits_for_the_end_gets_the_variables_and_who_waits_too_long_504(api: Caller) -> None:
    short = HEAD + '<process id="short" isExecutable="true"><startEvent id="s"/><endEvent id="e"/>'
    deploy(api, short_bpmn=short + '<sequenceFlow id="f" sourceRef="s" targetRef="e"/></process></definitions>')
    deploy(api, order_bpmn=process("order"))
    waits = {"awaitCompletion": True, "variables": {"a": 1, "b": [2]}}
    assert begin(api, "short", **waits)["variables"] == {"a": 1, "b": [2]}
    assert begin(api, "short", **waits, fetchVariables=["b"])["variables"] == {"b": [2]}
    late = api("POST", "/process-instances", {"processDefinitionId": "order", **waits, "requestTimeout": 100})
    assert (late.status_code, late.get_json()["title"]) == (504, "DEADLINE_EXCEEDED")
    assert len(items(api, "/process-instances", processDefinitionId="order", state="ACTIVE")) == 1


def test_an_instance_may_begin_before_an_element(api: Caller) -> None:
    deploy(api, order_bpmn=process("order"))
    key = begin(api, startInstructions=[{"elementId": "review"}])["processInstanceKey"]
    assert [one["elementId"] for one in items(api, "/element-instances", processInstanceKey=key)] == ["review"]
    assert items(api, "/user-tasks", processInstanceKey=key)
    wrong = api(
        "POST", "/process-instances", {"processDefinitionId": "order", "startInstructions": [{"elementId": "x"}]}
    )
    assert wrong.status_code == 400


def test_an_instance_is_cancelled_once(api: Caller) -> None:
    deploy(api, order_bpmn=process("order"))
    key = begin(api)["processInstanceKey"]
    api.ask("POST", f"/process-instances/{key}/cancellation", {})
    assert api.ask("GET", f"/process-instances/{key}")["state"] == "TERMINATED"
    assert api("POST", f"/process-instances/{key}/cancellation").status_code == 409
    assert api("POST", "/process-instances/1/cancellation").status_code == 404


def test_an_instance_is_modified_in_one_go(api: Caller) -> None:
    deploy(api, order_bpmn=process("order"))
    key = begin(api)["processInstanceKey"]
    [stands] = items(api, "/element-instances", processInstanceKey=key, state="ACTIVE")
    change = {
        "activateInstructions": [{"elementId": "review", "variableInstructions": [{"variables": {"skipped": True}}]}],
        "terminateInstructions": [{"elementInstanceKey": stands["elementInstanceKey"]}],
    }
    api.ask("POST", f"/process-instances/{key}/modification", change)
    active = items(api, "/element-instances", processInstanceKey=key, state="ACTIVE")
    assert [one["elementId"] for one in active] == ["review"]
    assert {one["name"] for one in items(api, "/variables", processInstanceKey=key)} == {"order_id", "skipped"}
    source = {"sourceType": "byId", "sourceElementId": "review"}
    move = {"moveInstructions": [{"sourceElementInstruction": source, "targetElementId": "wait"}]}
    api.ask("POST", f"/process-instances/{key}/modification", move)
    active = items(api, "/element-instances", processInstanceKey=key, state="ACTIVE")
    assert [one["elementId"] for one in active] == ["wait"]


def test_an_instance_goes_on_in_another_version(api: Caller) -> None:
    deploy(api, order_bpmn=process("order"))
    key = begin(api)["processInstanceKey"]
    renamed = process("order").replace('"work"', '"pay"')
    target = entries(deploy(api, order_bpmn=renamed), "processDefinition")[0]["processDefinitionKey"]
    body = {
        "targetProcessDefinitionKey": target,
        "mappingInstructions": [{"sourceElementId": "work", "targetElementId": "pay"}],
    }
    api.ask("POST", f"/process-instances/{key}/migration", body)
    assert api.ask("GET", f"/process-instances/{key}")["processDefinitionKey"] == target
    assert work(api)["elementId"] == "pay"
    assert items(api, "/user-tasks", processInstanceKey=key, state="CREATED")


def test_variables_are_written_where_their_name_is_known_or_locally(api: Caller) -> None:
    deploy(api, order_bpmn=process("order"))
    key = begin(api)["processInstanceKey"]
    work(api)
    [task] = items(api, "/user-tasks", processInstanceKey=key)
    at = f"/element-instances/{task['elementInstanceKey']}/variables"
    api.ask("PUT", at, {"variables": {"order_id": "A-2", "note": "x"}})
    api.ask("PUT", at, {"variables": {"order_id": "local"}, "local": True})
    api.ask("PUT", f"/element-instances/{key}/variables", {"variables": {"whole": None}})
    scopes = {
        (one["scopeKey"] == key, one["name"]): one["value"] for one in items(api, "/variables", processInstanceKey=key)
    }
    assert scopes == {
        (True, "order_id"): '"A-2"',
        (True, "note"): '"x"',
        (True, "whole"): "null",
        (False, "order_id"): '"local"',
    }
    effective = api.ask("POST", f"/user-tasks/{task['userTaskKey']}/effective-variables/search", {})["items"]
    assert {one["name"]: one["value"] for one in effective} == {"note": '"x"', "order_id": '"local"', "whole": "null"}
    every = api.ask("POST", f"/user-tasks/{task['userTaskKey']}/variables/search", {"filter": {"name": "order_id"}})
    assert {one["value"] for one in every["items"]} == {'"A-2"', '"local"'}
    for one in every["items"]:
        assert len(one["variableKey"]) <= 25
        assert api.ask("GET", f"/variables/{one['variableKey']}")["value"] == one["value"]
    assert api("PUT", "/element-instances/5/variables", {"variables": {}}).status_code == 404
    assert len(items(api, "/process-instances", variables=[{"name": "note", "value": '"x"'}])) == 1
    assert items(api, "/process-instances", variables=[{"name": "note", "value": '"y"'}]) == []


def test_a_task_is_changed(api: Caller) -> None:
    deploy(api, order_bpmn=process("order"))
    key = begin(api)["processInstanceKey"]
    work(api)
    [task] = items(api, "/user-tasks", processInstanceKey=key)
    changes = {
        "dueDate": "2026-03-05T12:00:00+08:00",
        "followUpDate": None,
        "priority": 80,
        "candidateUsers": ["liuyang"],
        "candidateGroups": ["supervisor"],
    }
    api.ask("PATCH", f"/user-tasks/{task['userTaskKey']}", {"changeset": changes})
    changed = api.ask("GET", f"/user-tasks/{task['userTaskKey']}")
    assert (changed["dueDate"], changed["priority"]) == ("2026-03-05T04:00:00.000Z", 80)
    assert (changed["candidateUsers"], changed["candidateGroups"]) == (["liuyang"], ["supervisor"])
    for filter_ in ({"candidateUser": "liuyang"}, {"candidateGroup": "supervisor"}, {"priority": {"$gte": 80}}):
        assert len(items(api, "/user-tasks", **filter_)) == 1, filter_
    assert api("PATCH", f"/user-tasks/{task['userTaskKey']}", {"changeset": {"priority": 101}}).status_code == 400


def test_a_task_that_is_somebodys_is_not_taken_without_override(api: Caller) -> None:
    deploy(api, order_bpmn=process("order"))
    key = begin(api)["processInstanceKey"]
    work(api)
    [task] = items(api, "/user-tasks", processInstanceKey=key)
    path = f"/user-tasks/{task['userTaskKey']}/assignment"
    api.ask("POST", path, {"assignee": "somebody-of-theirs"})
    assert api("POST", path, {"assignee": "liuyang", "allowOverride": False}).status_code == 409
    assert len(items(api, "/user-tasks", assignee="somebody-of-theirs")) == 1


def test_another_office_sees_and_touches_nothing(api: Caller) -> None:
    deploy(api, order_bpmn=process("order"))
    key = begin(api)["processInstanceKey"]
    work(api)
    [task] = items(api, "/user-tasks", processInstanceKey=key)
    other = let_in(api.anju, "elsewhere", office="330105")
    for path in ("/process-instances", "/element-instances", "/user-tasks", "/variables", "/incidents"):
        assert items(other, path) == [], path
    for method, path in (
        ("GET", f"/process-instances/{key}"),
        ("POST", f"/process-instances/{key}/cancellation"),
        ("POST", f"/process-instances/{key}/modification"),
        ("GET", f"/user-tasks/{task['userTaskKey']}"),
        ("POST", f"/user-tasks/{task['userTaskKey']}/completion"),
        ("PUT", f"/element-instances/{key}/variables"),
    ):
        body = {"variables": {}} if method == "PUT" else None
        assert other(method, path, body).status_code == 404, path


def test_an_item_begins_with_its_form_checked_like_in_the_browser(api: Caller) -> None:
    wrong = api(
        "POST", "/process-instances", {"processDefinitionId": "rental_eligibility_application", "variables": {}}
    )
    assert (wrong.status_code, wrong.get_json()["code"]) == (400, "invalid_answers")
    client = let_in(api.anju, "counter", roles=("acceptance",))
    answers = api.anju.family(_actor_of(api.anju, "counter"))
    created = begin(client, "rental_eligibility_application", variables=answers)
    assert api.anju.case(int(created["processInstanceKey"])).item == "rental/eligibility_application"


def _actor_of(anju: Installation, client_id: str) -> Any:
    with reading() as session:
        return client_actor(session, client_id)


@pytest.mark.parametrize("tags", [["1a"], ["a b"], ["a"] * 11, ["x" * 101]])
def test_tags_that_cannot_be_are_refused(api: Caller, tags: list[str]) -> None:
    assert api("POST", "/process-instances", {"processDefinitionId": "order", "tags": tags}).status_code == 400
