"""The unmodified Python client drives a whole process; its own models check every field of every answer."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from camunda_orchestration_sdk import CamundaAsyncClient, CamundaClient, WorkerConfig
from camunda_orchestration_sdk import models as m

from tests.support.installation import Installation
from tests.web.api.conftest import CLIENT, SECRET, let_in
from tests.web.api.models import DECISION, FORM, process


def settings(anju: Installation, strategy: str) -> dict[str, Any]:
    """The client's settings: a token of our endpoint, or basic credentials."""
    common = {"CAMUNDA_REST_ADDRESS": anju.url, "CAMUNDA_AUTH_STRATEGY": strategy}
    if strategy == "BASIC":
        return {**common, "CAMUNDA_BASIC_AUTH_USERNAME": CLIENT, "CAMUNDA_BASIC_AUTH_PASSWORD": SECRET}
    return {
        **common,
        "CAMUNDA_OAUTH_URL": f"{anju.url}/v2/oauth/token",
        "CAMUNDA_CLIENT_ID": CLIENT,
        "CAMUNDA_CLIENT_SECRET": SECRET,
        "CAMUNDA_TOKEN_AUDIENCE": "anju",
        "CAMUNDA_TOKEN_DISK_CACHE_DISABLE": "true",
    }


@pytest.fixture(params=["BASIC", "OAUTH"])
def camunda(request: pytest.FixtureRequest, anju: Installation) -> CamundaClient:
    """The client, once with each kind of credentials."""
    let_in(anju)
    return CamundaClient(configuration=settings(anju, request.param))


def files(folder: Path, **contents: str) -> list[str]:
    """Files on the disk: ``order_bpmn=…`` is ``order.bpmn``."""
    paths = []
    for name, text in contents.items():
        path = folder / name.replace("_", ".")
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths


def do_job(anju: Installation, work: Any) -> None:
    """A worker of the client runs until it has called ``work`` once."""

    async def run() -> None:
        done = asyncio.Event()
        async with CamundaAsyncClient(configuration=settings(anju, "BASIC")) as client:
            loop = asyncio.get_running_loop()

            async def handler(job: Any) -> Any:
                try:
                    return work(job)
                finally:
                    loop.call_later(0.3, done.set)

            config = WorkerConfig(job_type="charge", job_timeout_milliseconds=60_000)
            worker = client.create_job_worker(config, handler, execution_strategy="async")
            await asyncio.wait_for(done.wait(), 20)
            worker.stop()

    # A thread of its own: a browser test before us may have left its loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, run()).result()


def test_the_client_drives_a_process_from_deployment_to_its_end(
    anju: Installation, camunda: CamundaClient, tmp_path: Path
) -> None:
    paths = files(tmp_path, order_bpmn=process("order"), rules_dmn=DECISION, screen_form=FORM)
    deployed = camunda.deploy_resources_from_files(paths)
    assert [one.process_definition_id for one in deployed.processes] == ["order"]
    assert len(deployed.decisions) == len(deployed.forms) == 1
    key = deployed.processes[0].process_definition_key
    assert camunda.get_process_definition(key).version == 1
    assert camunda.get_process_definition_xml(key) == process("order")

    created = camunda.create_process_instance(
        data=m.ProcessCreationById.from_dict({"processDefinitionId": "order", "variables": {"order_id": "A-9"}})
    )
    instance = created.process_instance_key

    # The job fails without retries left: an incident, mended by new retries.
    taken = camunda.activate_jobs(
        data=m.JobActivationRequest.from_dict(
            {"type": "charge", "timeout": 60_000, "maxJobsToActivate": 5, "requestTimeout": -1}
        )
    )
    [job] = taken.jobs
    assert (job.process_instance_key, job.custom_headers.to_dict()) == (instance, {"channel": "bank"})
    camunda.fail_job(job.job_key, data=m.JobFailRequest.from_dict({"retries": 0, "errorMessage": "银行没有应答"}))
    [incident] = camunda.search_incidents(
        data=m.IncidentSearchQuery.from_dict({"filter": {"processInstanceKey": instance}})
    ).items
    assert (incident.error_type.value, incident.job_key) == ("JOB_NO_RETRIES", job.job_key)
    assert camunda.get_process_instance(instance).has_incident
    camunda.update_job(job.job_key, data=m.JobUpdateRequest.from_dict({"changeset": {"retries": 2}}))
    camunda.resolve_incident(incident.incident_key)
    assert camunda.get_incident(incident.incident_key).state.value == "RESOLVED"

    do_job(anju, lambda job: {"receipt": f"R-{job.variables.to_dict()['order_id']}"})

    [task] = camunda.search_user_tasks(
        data=m.UserTaskSearchQuery.from_dict({"filter": {"processInstanceKey": instance, "state": "CREATED"}})
    ).items
    camunda.assign_user_task(task.user_task_key, data=m.UserTaskAssignmentRequest.from_dict({"assignee": "liuyang"}))
    assert camunda.get_user_task(task.user_task_key).assignee == "liuyang"
    seen = camunda.search_user_task_effective_variables(
        task.user_task_key, data=m.UserTaskEffectiveVariableSearchQueryRequest.from_dict({})
    )
    assert {one.name: one.value for one in seen.items} == {"order_id": '"A-9"', "receipt": '"R-A-9"'}
    camunda.complete_user_task(
        task.user_task_key, data=m.UserTaskCompletionRequest.from_dict({"variables": {"ok": True}})
    )

    # A new version: the instance goes over to it, where it waits for its message.
    [path] = files(tmp_path, order_bpmn=process("order", note="<!-- 2 -->"))
    target = camunda.deploy_resources_from_files([path]).processes[0].process_definition_key
    camunda.migrate_process_instance(
        instance,
        data=m.ProcessInstanceMigrationInstruction.from_dict(
            {"targetProcessDefinitionKey": target, "mappingInstructions": []}
        ),
    )
    assert camunda.get_process_instance(instance).process_definition_version == 2
    camunda.publish_message(
        data=m.MessagePublicationRequest.from_dict({"name": "paid", "correlationKey": "A-9", "timeToLive": 60_000})
    )
    anju.drain()
    ended = camunda.get_process_instance(instance)
    assert (ended.state.value, ended.end_date is not None) == ("COMPLETED", True)
    elements = camunda.search_element_instances(
        data=m.ElementInstanceSearchQuery.from_dict({"filter": {"processInstanceKey": instance}})
    ).items
    assert {one.element_id for one in elements} == {"start", "work", "review", "wait", "end"}


def test_the_client_reads_what_else_we_serve(anju: Installation, camunda: CamundaClient, tmp_path: Path) -> None:
    deployed = camunda.deploy_resources_from_files(files(tmp_path, rules_dmn=DECISION, screen_form=FORM))
    assert camunda.get_topology().brokers[0].partitions[0].role.value == "leader"
    assert camunda.get_authentication().display_name == CLIENT
    assert camunda.get_license().valid_license
    assert camunda.get_form_by_key(deployed.forms[0].form_key).schema == FORM
    evaluated = camunda.evaluate_decision(
        data=m.DecisionEvaluationByID.from_dict({"decisionDefinitionId": "grade", "variables": {"score": 72}})
    )
    assert evaluated.output == '"pass"'
    [told] = evaluated.evaluated_decisions
    assert [(one.rule_id, one.rule_index) for one in told.matched_rules] == [("r1", 1)]
    assert told.matched_rules[0].evaluated_outputs[0].output_value == '"pass"'
    assert [(one.input_name, one.input_value) for one in told.evaluated_inputs] == [("分数", "72")]
    found = camunda.search_decision_definitions(data=m.DecisionDefinitionSearchQuery.from_dict({}))
    assert "grade" in {one.decision_definition_id for one in found.items}
    assert camunda.search_process_definitions(data=m.ProcessDefinitionSearchQuery.from_dict({})).items
