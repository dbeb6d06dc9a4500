"""Supervisors mend many at once: by party, by step, by kind; each one by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.cases.fault_types import fault_type
from engine.cases.work import Incident
from engine.commands import dispatch
from engine.commands.incidents import RetryIncident, RetryIncidents
from engine.core.db import reading
from engine.core.errors import Forbidden, Refused
from engine.jobs.queue import Job
from tests.support.installation import Installation


def stuck(anju: Installation) -> int:
    """A case whose registry of homes is down for good."""
    anju.simulators.state.switch("realestate", "*", "outage")
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    for _ in range(3):
        anju.move(timedelta(minutes=5))
    return case_id


def test_an_incident_of_a_call_says_whose_it_is_and_all_of_that_party_are_retried(anju: Installation) -> None:
    case_id = stuck(anju)
    [incident] = anju.incidents(case_id)
    assert incident.party == "realestate"
    anju.simulators.state.switch("realestate", "*", "recovery")
    supervisor = anju.staff("sunqiang")
    assert dispatch(RetryIncidents(party="police"), supervisor) == 0
    assert dispatch(RetryIncidents(party="realestate"), supervisor) == 1
    # Asked twice before it was done: still one retry.
    assert dispatch(RetryIncidents(party="realestate"), supervisor) == 0
    anju.drain()
    assert not anju.incidents(case_id)
    assert "first_review" in anju.tasks(case_id)


def test_what_somebody_mended_meanwhile_is_left_alone(anju: Installation) -> None:
    case_id = stuck(anju)
    anju.simulators.state.switch("realestate", "*", "recovery")
    supervisor = anju.staff("sunqiang")
    [incident] = anju.incidents(case_id)
    dispatch(RetryIncidents(element_id=incident.element_id), supervisor)
    dispatch(RetryIncident(incident.id), supervisor)
    anju.drain()
    with reading() as session:
        assert len(session.scalars(select(Incident).where(Incident.case_id == case_id)).all()) == 1
        assert not session.scalars(select(Job).where(Job.kind == "retry")).all()
    assert "first_review" in anju.tasks(case_id)


def test_nobody_retries_everything_and_only_supervisors_retry_many(anju: Installation) -> None:
    with pytest.raises(Refused):
        dispatch(RetryIncidents(), anju.staff("sunqiang"))
    with pytest.raises(Forbidden):
        dispatch(RetryIncidents(party="police"), anju.staff("liuyang"))


@pytest.mark.parametrize(
    ("code", "listener", "type_"),
    [
        ("no_retries", "", "JOB_NO_RETRIES"),
        ("no_retries", "start", "EXECUTION_LISTENER_NO_RETRIES"),
        ("no_retries", "completing", "TASK_LISTENER_NO_RETRIES"),
        ("error_not_caught", "", "UNHANDLED_ERROR_EVENT"),
        ("condition_not_boolean", "", "CONDITION_ERROR"),
        ("never heard of", "", "UNKNOWN"),
    ],
)
def test_a_code_has_a_type_in_the_words_of_the_api(code: str, listener: str, type_: str) -> None:
    assert fault_type(code, listener) == type_
