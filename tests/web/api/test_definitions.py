"""What is deployed over the API: one entry per resource, versions by content, byte for byte."""

from __future__ import annotations

import gc
import io
import re
import warnings
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.web.api.conftest import Caller, let_in
from tests.web.api.models import DECISION, FORM, process


def deploy(api: Caller, **files: bytes | str) -> Any:
    """The response; ``order_bpmn=…`` is the file ``order.bpmn``."""
    parts = [(io.BytesIO(_bytes(body)), re.sub(r"_(?=[a-z]+$)", ".", name)) for name, body in files.items()]
    return api("POST", "/deployments", data={"resources": parts}, content_type="multipart/form-data")


def _bytes(body: bytes | str) -> bytes:
    return body if isinstance(body, bytes) else body.encode()


def entries(response: Any, kind: str) -> list[dict[str, Any]]:
    """The entries of a kind."""
    assert response.status_code == 200, response.get_data(as_text=True)
    return [one[kind] for one in response.get_json()["deployments"] if one[kind] is not None]


def test_a_deployment_has_one_entry_per_resource_and_null_for_the_other_members(api_both: Caller) -> None:
    response = deploy(api_both, order_bpmn=process("order"), rules_dmn=DECISION, screen_form=FORM)
    body = response.get_json()
    assert [[name for name, one in entry.items() if one is not None] for entry in body["deployments"]] == [
        ["processDefinition"],
        ["decisionRequirements"],
        ["decisionDefinition"],
        ["form"],
    ]
    assert all(len(entry) == 5 for entry in body["deployments"])
    [order] = entries(response, "processDefinition")
    assert (order["processDefinitionId"], order["processDefinitionVersion"]) == ("order", 1)
    assert (order["tenantId"], order["resourceName"]) == ("<default>", "order.bpmn")
    [decision], [graph] = entries(response, "decisionDefinition"), entries(response, "decisionRequirements")
    assert decision["decisionRequirementsKey"] == graph["decisionRequirementsKey"]


def test_the_xml_comes_back_byte_for_byte(api: Caller) -> None:
    content = b"\xef\xbb\xbf" + process("order", note="<!-- 注释 -->\r\n").encode()
    [order] = entries(deploy(api, order_bpmn=content), "processDefinition")
    answer = api("GET", f"/process-definitions/{order['processDefinitionKey']}/xml")
    assert answer.data == content
    assert answer.content_type.startswith("text/xml")


def test_an_unchanged_file_keeps_its_version_and_key_beside_one_that_changed(api: Caller) -> None:
    before = entries(deploy(api, a_bpmn=process("a"), b_bpmn=process("b")), "processDefinition")
    after = entries(deploy(api, a_bpmn=process("a"), b_bpmn=process("b", note="<!-- new -->")), "processDefinition")
    assert after[0] == before[0]
    assert after[1]["processDefinitionVersion"] == 2
    assert after[1]["processDefinitionKey"] != before[1]["processDefinitionKey"]


def test_content_that_comes_back_is_a_new_version(api: Caller) -> None:
    versions = [
        entries(deploy(api, a_bpmn=process("a", note=note)), "processDefinition")[0]["processDefinitionVersion"]
        for note in ("", "<!-- other -->", "")
    ]
    assert versions == [1, 2, 3]


def test_what_cannot_be_deployed_is_refused_as_a_whole_with_every_fault(api: Caller) -> None:
    broken = process("broken").replace("serviceTask", "complexGateway")
    refused = deploy(api, good_bpmn=process("good"), broken_bpmn=broken, rules_dmn="<no/>", screen_form="{")
    assert (refused.status_code, refused.content_type) == (400, "application/problem+json")
    for file in ("broken.bpmn", "rules.dmn", "screen.form"):
        assert file in refused.get_json()["detail"]
    assert api.ask("POST", "/process-definitions/search", {"filter": {"processDefinitionId": "good"}})["items"] == []


@pytest.mark.parametrize(("name", "said"), [("a.txt", ".bpmn"), ("", "BPMN")])
def test_the_ending_of_a_file_decides_what_it_is(api: Caller, name: str, said: str) -> None:
    data = {"resources": [(io.BytesIO(b"x"), name)]} if name else {}
    refused = api("POST", "/deployments", data=data, content_type="multipart/form-data")
    assert refused.status_code == 400
    assert said in refused.get_json()["detail"]


def test_an_older_form_reference_is_a_warning(api: Caller) -> None:
    old = process("old").replace(
        "<zeebe:userTask/>", '<zeebe:formDefinition formKey="camunda-forms:bpmn:userTaskForm_1"/>'
    )
    body = deploy(api, old_bpmn=old).get_json()
    assert len(body["deployments"]) == 1
    assert body["warnings"]


def test_only_analysts_deploy(anju: Installation) -> None:
    clerk = let_in(anju, "clerk", roles=("acceptance",))
    assert deploy(clerk, a_bpmn=process("a")).status_code == 403


def test_published_items_are_definitions_too(api: Caller) -> None:
    found = api.ask("POST", "/process-definitions/search", {"filter": {"processDefinitionId": {"$like": "rental_*"}}})[
        "items"
    ]
    assert "rental_eligibility_application" in {one["processDefinitionId"] for one in found}
    assert {one["version"] for one in found} == {1}


def test_definitions_are_searched_by_filter_order_and_cursor(api_both: Caller) -> None:
    for name in ("p1", "p2", "p3", "p4", "p5"):
        deploy(api_both, **{f"{name}_bpmn": process(name, tag="v1" if name < "p3" else "")})
    deploy(api_both, p5_bpmn=process("p5", note="<!-- 2 -->"))
    ours = {"processDefinitionId": {"$like": "p?"}}
    ask = {"filter": ours, "sort": [{"field": "name", "order": "DESC"}], "page": {"limit": 2}}
    seen, versions = [], []
    page = api_both.ask("POST", "/process-definitions/search", ask)
    assert page["page"]["totalItems"] == 6
    while page["items"]:
        seen += [one["processDefinitionId"] for one in page["items"]]
        versions += [one["version"] for one in page["items"]]
        ask["page"] = {"limit": 2, "after": page["page"]["endCursor"]}
        page = api_both.ask("POST", "/process-definitions/search", ask)
    assert seen == ["p5", "p5", "p4", "p3", "p2", "p1"]
    back = api_both.ask(
        "POST", "/process-definitions/search", {**ask, "page": {"limit": 2, "before": ask["page"]["after"]}}
    )
    assert [one["processDefinitionId"] for one in back["items"]] == ["p3", "p2"]
    for filter_, expected in (
        ({"isLatestVersion": True}, 5),
        ({"version": {"$gt": 1}}, 1),
        ({"versionTag": "v1"}, 2),
        ({"versionTag": {"$exists": False}}, 4),
        ({"processDefinitionId": {"$in": ["p1", "p3"]}}, 2),
        ({"state": "ACTIVE"}, 6),
        ({"hasStartForm": True}, 0),
    ):
        found = api_both.ask("POST", "/process-definitions/search", {"filter": {**ours, **filter_}})
        assert found["page"]["totalItems"] == expected, filter_


@pytest.mark.parametrize(
    "body",
    [
        {"filter": {"nothing": 1}},
        {"filter": {"version": "one"}},
        {"filter": {"version": {"$about": 1}}},
        {"filter": {"state": "SLEEPING"}},
        {"sort": [{"field": "nothing"}]},
        {"page": {"limit": 10_001}},
        {"page": {"after": "no cursor"}},
        {"page": {"after": "WzFd"}, "sort": [{"field": "name"}]},
    ],
)
def test_a_search_that_cannot_be_is_told_why(api: Caller, body: dict[str, Any]) -> None:
    refused = api("POST", "/process-definitions/search", body)
    assert (refused.status_code, refused.content_type) == (400, "application/problem+json")


def test_forms_come_as_text_and_start_forms_with_their_process(api: Caller) -> None:
    with_form = process("asked", start='<extensionElements><zeebe:formDefinition formId="screen"/></extensionElements>')
    response = deploy(api, asked_bpmn=with_form, plain_bpmn=process("plain"), screen_form=FORM)
    asked, plain = (one["processDefinitionKey"] for one in entries(response, "processDefinition"))
    [form] = entries(response, "form")
    found = api.ask("GET", f"/forms/{form['formKey']}")
    assert found == {
        "tenantId": "<default>",
        "formId": "screen",
        "schema": FORM,
        "version": 1,
        "formKey": form["formKey"],
    }
    assert api.ask("GET", f"/process-definitions/{asked}/form") == found
    assert api.ask("GET", f"/process-definitions/{asked}")["hasStartForm"] is True
    assert api("GET", f"/process-definitions/{plain}/form").status_code == 204


def test_a_deleted_resource_is_out_of_use_and_an_items_stays(api: Caller) -> None:
    [order] = entries(deploy(api, order_bpmn=process("order")), "processDefinition")
    key = order["processDefinitionKey"]
    assert api.ask("POST", f"/resources/{key}/deletion", {}) == {"resourceKey": key, "batchOperation": None}
    assert api.ask("GET", f"/process-definitions/{key}")["state"] == "DELETED"
    assert api("POST", f"/resources/{key}/deletion", {}).status_code == 404
    again = entries(deploy(api, order_bpmn=process("order")), "processDefinition")[0]
    assert again["processDefinitionVersion"] == 2
    item = api.ask(
        "POST", "/process-definitions/search", {"filter": {"processDefinitionId": "rental_eligibility_application"}}
    )
    assert api("POST", f"/resources/{item['items'][0]['processDefinitionKey']}/deletion", {}).status_code == 400


def test_what_would_keep_everybody_waiting_is_refused_before_it_is_read(api: Caller) -> None:
    rules = "".join(f'<rule id="r{number}"/>' for number in range(2_001))
    fields = ",".join(f'{{"type":"textfield","id":"a{number}","key":"a{number}"}}' for number in range(2_001))
    files = {
        "many_dmn": (f"<definitions>{rules}</definitions>", "超过 2000 行规则"),
        "wide_form": (f'{{"id":"f","components":[{fields}]}}', "超过 2000 个组件"),
        "big_form": ('{"id":"f","components":[]}' + " " * 4_000_000, "超过 4 MB"),
        "long_bpmn": (process("x").replace('"start"', f'"{"s" * 60_000}"'), "其余从略"),
    }
    for name, (body, said) in files.items():
        answer = deploy(api, **{name: body})
        assert answer.status_code == 400
        assert said in answer.get_json()["detail"]
        assert len(answer.data) < 70_000


def test_a_large_deployment_leaves_no_file_open(api: Caller) -> None:
    form = FORM.replace('"components"', '"note":"' + "n" * 1_000_000 + '","components"')
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ResourceWarning)
        [found] = entries(deploy(api, wide_form=form), "form")
        gc.collect()
    assert found["resourceName"] == "wide.form"
    assert not said
