"""Jobs over the API: taken, completed, failed, ended with a business error, changed; and the long poll."""

from __future__ import annotations

import threading
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import select

from engine.cases.case import load_variables
from engine.cases.work import Incident
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.incidents import RetryIncident
from engine.commands.messages import CorrelateMessage
from engine.core import clock
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.core.errors import Refused
from tests.web.api.conftest import Caller, let_in
from tests.web.api.job_models import by_message
from web.api import polling

ACTIVATED = {
    "type", "processDefinitionId", "processDefinitionVersion", "elementId", "customHeaders", "worker", "retries",
    "deadline", "variables", "tenantId", "physicalTenantId", "jobKey", "processInstanceKey", "processDefinitionKey",
    "elementInstanceKey", "kind", "listenerEventType", "userTask", "tags", "rootProcessInstanceKey", "businessId",
    "priority", "jobLeaseToken",
}  # fmt: skip


def begin(api: Caller, process_id: str = "pay", **variables: Any) -> int:
    """An instance with one job for a worker; deployed by the client itself."""
    content = by_message(process_id, boundary=True).encode()
    dispatch(DeployResources([(f"{process_id}.bpmn", content)]), SYSTEM)
    given = {"amount": 1200, "office_code": "330106", **variables}
    case_id: int = dispatch(CorrelateMessage(f"{process_id}.begin", "", given), SYSTEM).case_id
    return case_id


def take(api: Caller, process_id: str = "pay", **asked: Any) -> list[dict[str, Any]]:
    body = {"type": f"{process_id}.charge", "timeout": 60_000, "maxJobsToActivate": 10, "requestTimeout": -1, **asked}
    jobs: list[dict[str, Any]] = api.ask("POST", "/jobs/activation", body)["jobs"]
    return jobs


def incidents(case_id: int) -> list[Incident]:
    with reading() as session:
        return list(session.scalars(select(Incident).where(Incident.case_id == case_id, Incident.state == "open")))


def variables(case_id: int) -> dict[str, Any]:
    with reading() as session:
        return load_variables(session, case_id)["0"]


def test_a_worker_takes_a_job_with_every_field_and_completes_it(api_both: Caller) -> None:
    api = api_both
    case_id = begin(api)
    [job] = take(api, worker="cashier")
    assert set(job) == ACTIVATED
    assert job["processInstanceKey"] == str(case_id)
    assert job["customHeaders"] == {"channel": "bank"}
    assert job["variables"] == {"amount": 1200, "due": 1200, "office_code": "330106"}
    assert (job["kind"], job["listenerEventType"], job["userTask"]) == ("BPMN_ELEMENT", "UNSPECIFIED", None)
    assert (job["worker"], job["retries"], job["priority"]) == ("cashier", 2, 0)
    assert job["deadline"] == int((clock.now() + timedelta(minutes=1)).timestamp() * 1000)
    assert job["processDefinitionVersion"] == 1
    for key in ("jobKey", "processDefinitionKey", "elementInstanceKey"):
        assert job[key].isdigit()
        assert job[key] != "0"
    assert take(api) == []
    assert api("POST", f"/jobs/{job['jobKey']}/completion", {"variables": {"receipt": "r1"}}).status_code == 204
    assert api.anju.case(case_id).outcome == "paid"
    assert api("POST", f"/jobs/{job['jobKey']}/completion", {}).status_code == 404


def test_only_the_variables_asked_for_are_sent(api: Caller) -> None:
    begin(api)
    assert take(api, fetchVariable=["due"])[0]["variables"] == {"due": 1200}


def test_a_job_whose_time_ran_out_goes_to_the_next_worker_and_the_first_ones_lease_is_lost(api: Caller) -> None:
    case_id = begin(api)
    [first] = take(api, withLease=True)
    assert take(api) == []
    api.anju.move(timedelta(seconds=61))
    [second] = take(api, withLease=True)
    assert second["jobKey"] == first["jobKey"]
    late = api("POST", f"/jobs/{first['jobKey']}/completion", {"jobLeaseToken": first["jobLeaseToken"]})
    assert (late.status_code, late.get_json()["code"]) == (409, "lease_lost")
    assert late.content_type == "application/problem+json"
    api.ask("POST", f"/jobs/{first['jobKey']}/completion", {"jobLeaseToken": second["jobLeaseToken"]})
    assert api.anju.case(case_id).state == "closed"


def test_a_failed_job_comes_back_after_its_pause_and_without_retries_becomes_an_incident_of_the_job(
    api_both: Caller,
) -> None:
    api = api_both
    case_id = begin(api)
    [job] = take(api)
    path = f"/jobs/{job['jobKey']}"
    api.ask("POST", f"{path}/failure", {"retries": 1, "errorMessage": "银行没有应答", "retryBackOff": 5000})
    assert take(api) == []
    api.anju.move(timedelta(seconds=6))
    [again] = take(api)
    assert (again["jobKey"], again["retries"]) == (job["jobKey"], 1)
    api.ask("POST", f"{path}/failure", {"retries": 0, "errorMessage": "银行没有应答", "variables": {"tried": True}})
    [incident] = incidents(case_id)
    assert (incident.code, str(incident.job_id), incident.message) == ("no_retries", job["jobKey"], "银行没有应答")
    assert take(api) == []
    assert api("POST", f"{path}/completion", {}).status_code == 409
    with pytest.raises(Refused) as refused:
        dispatch(RetryIncident(incident.id), SYSTEM)
    assert refused.value.code == "job_no_retries"
    api.ask("PATCH", path, {"changeset": {"retries": 3}})
    dispatch(RetryIncident(incident.id, {"amount": 900}), SYSTEM)
    assert not incidents(case_id)
    [last] = take(api)
    assert (last["jobKey"], last["retries"], last["variables"]["amount"]) == (job["jobKey"], 3, 900)
    assert last["variables"]["tried"] is True
    api.ask("POST", f"{path}/completion", {})
    assert api.anju.case(case_id).outcome == "paid"


def test_an_incident_of_a_job_goes_with_its_token(api: Caller) -> None:
    case_id = begin(api)
    [job] = take(api)
    api.ask("POST", f"/jobs/{job['jobKey']}/failure", {"retries": 0})
    assert incidents(case_id)
    api.ask("PATCH", f"/jobs/{job['jobKey']}", {"changeset": {"retries": 1}})
    dispatch(RetryIncident(incidents(case_id)[0].id), SYSTEM)
    [job] = take(api)
    api.ask("POST", f"/jobs/{job['jobKey']}/error", {"errorCode": "no_money"})
    assert api.anju.case(case_id).outcome == "unpaid"
    assert not incidents(case_id)


def test_a_business_error_goes_the_way_the_model_drew_and_another_becomes_an_incident(api: Caller) -> None:
    case_id = begin(api)
    [job] = take(api)
    api.ask("POST", f"/jobs/{job['jobKey']}/error", {"errorCode": "no_money", "variables": {"short": 100}})
    assert api.anju.case(case_id).outcome == "unpaid"
    other = begin(api)
    [job] = take(api)
    api.ask("POST", f"/jobs/{job['jobKey']}/error", {"errorCode": "earthquake", "errorMessage": "地震"})
    assert [one.code for one in incidents(other)] == ["error_not_caught"]
    dispatch(RetryIncident(incidents(other)[0].id), SYSTEM)
    [job] = take(api)
    api.ask("POST", f"/jobs/{job['jobKey']}/completion", {})
    assert api.anju.case(other).outcome == "paid"


def test_the_urgent_job_is_taken_first_and_can_be_made_so(api: Caller) -> None:
    keys = []
    for _ in range(3):
        begin(api)
    for job in take(api, maxJobsToActivate=3):
        keys.append(job["jobKey"])
        api.ask("POST", f"/jobs/{job['jobKey']}/failure", {"retries": 1})
    api.ask("PATCH", f"/jobs/{keys[2]}", {"changeset": {"priority": 90}})
    assert [job["jobKey"] for job in take(api)] == [keys[2], keys[0], keys[1]]


def test_a_jobs_priority_stands_in_the_model(api: Caller) -> None:
    content = by_message("rush", priority="=amount / 100").encode()
    dispatch(DeployResources([("rush.bpmn", content)]), SYSTEM)
    dispatch(CorrelateMessage("rush.begin", "", {"amount": 1200, "office_code": "330106"}), SYSTEM)
    assert take(api, "rush")[0]["priority"] == 12


def test_the_time_of_a_taken_job_can_be_changed(api: Caller) -> None:
    begin(api)
    [job] = take(api)
    api.ask("PATCH", f"/jobs/{job['jobKey']}", {"changeset": {"timeout": 1000}})
    api.anju.move(timedelta(seconds=2))
    assert len(take(api)) == 1


def test_jobs_are_searched_with_every_field(api: Caller) -> None:
    case_id = begin(api)
    [job] = take(api, worker="cashier")
    api.ask("POST", f"/jobs/{job['jobKey']}/failure", {"retries": 1, "errorMessage": "坏了"})
    asked = {"filter": {"processInstanceKey": str(case_id), "state": "FAILED", "type": {"$like": "pay.*"}}}
    found = api.ask("POST", "/jobs/search", asked)
    [row] = found["items"]
    assert (row["jobKey"], row["errorMessage"], row["hasFailedWithRetriesLeft"]) == (job["jobKey"], "坏了", True)
    assert api.ask("POST", "/jobs/search", {"filter": {"state": "COMPLETED"}})["items"] == []


def test_a_client_of_another_office_or_without_the_role_gets_no_job(api: Caller) -> None:
    begin(api)
    stranger = let_in(api.anju, "elsewhere", "330105", ("integrator",))
    assert take(stranger) == []
    clerk = let_in(api.anju, "clerk", "330106", ("acceptance",))
    body = {"type": "pay.charge", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": -1}
    assert clerk("POST", "/jobs/activation", body).status_code == 403
    [job] = take(api)
    assert stranger("POST", f"/jobs/{job['jobKey']}/completion", {}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"type": "x"}, {"type": "x", "timeout": 0, "maxJobsToActivate": 1}, {"type": 1}, {"type": "x" * 300}],
)
def test_a_request_that_is_not_one_is_a_problem(api: Caller, body: dict[str, Any]) -> None:
    response = api("POST", "/jobs/activation", body)
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"


def test_a_long_poll_is_woken_by_a_new_job_and_gives_it_at_once(api_both: Caller) -> None:
    api = api_both
    begin(api)
    [job] = take(api)
    api.ask("POST", f"/jobs/{job['jobKey']}/completion", {})
    threading.Timer(0.3, lambda: begin(api)).start()
    began = monotonic()
    jobs = take(api, requestTimeout=8000)
    assert len(jobs) == 1
    assert monotonic() - began < 4


def test_a_long_poll_without_a_job_ends_empty_when_its_time_is_over(api: Caller) -> None:
    began = monotonic()
    assert take(api, requestTimeout=300) == []
    # Well before the usual wait would be over, however busy the machine is.
    assert 0.25 < monotonic() - began < polling.USUAL_SECONDS - 1


def test_a_client_that_hung_up_is_given_nothing(api: Caller) -> None:
    gone = threading.Timer(0.2, lambda: begin(api))
    gone.start()
    body = {"type": "pay.charge", "timeout": 60_000, "maxJobsToActivate": 1, "requestTimeout": 3000}
    left = api("POST", "/jobs/activation", body, environ_overrides={"waitress.client_disconnected": lambda: True})
    assert left.get_json() == {"jobs": []}
    gone.join()
    assert len(take(api)) == 1


def test_when_too_many_wait_the_next_is_answered_at_once(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = threading.BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr(polling, "_waiting", taken)
    began = monotonic()
    assert take(api, requestTimeout=5000) == []
    assert monotonic() - began < 1
