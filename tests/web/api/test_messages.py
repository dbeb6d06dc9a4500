"""Messages and signals over the API, and the instances they begin; instances begun by a date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from engine.cases.case import Case, LiveKey
from engine.catalog.starts import StartEvent
from engine.commands import dispatch
from engine.commands.deploy import DeployResources
from engine.commands.signals import BroadcastSignal
from engine.core import clock
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.jobs.queue import Job
from engine.workers import housekeeping
from tests.web.api.conftest import Caller
from tests.web.api.job_models import by_message, by_signal, by_timer, waiting

OFFICE = {"office_code": "330106", "amount": 5}


def deploy(name: str, content: str) -> None:
    dispatch(DeployResources([(f"{name}.bpmn", content.encode())]), SYSTEM)


def cases(process_id: str, state: str | None = None) -> list[Case]:
    with reading() as session:
        query = select(Case).where(Case.process_id == process_id).order_by(Case.id)
        return list(session.scalars(query.where(Case.state == state) if state else query))


def publish(api: Caller, name: str, key: str = "", **more: Any) -> str:
    body = {"name": name, "correlationKey": key, "variables": OFFICE, **more}
    message_key: str = api.ask("POST", "/messages/publication", body)["messageKey"]
    return message_key


def finish(api: Caller, process_id: str) -> None:
    """Do the one job of an instance."""
    asked = {"type": f"{process_id}.charge", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": -1}
    [job] = api.ask("POST", "/jobs/activation", asked)["jobs"]
    api.ask("POST", f"/jobs/{job['jobKey']}/completion", {})


def test_a_message_is_correlated_to_who_waits_and_the_answer_says_who(api_both: Caller) -> None:
    api = api_both
    deploy("order", waiting("order", "order.paid"))
    body = {"name": "order.begin", "variables": {**OFFICE, "order": "o1"}}
    begun = api.ask("POST", "/messages/correlation", body)
    assert set(begun) == {"tenantId", "messageKey", "processInstanceKey"}
    again = {"name": "order.paid", "correlationKey": "o1", "variables": {"paid": True}}
    assert api.ask("POST", "/messages/correlation", again)["processInstanceKey"] == begun["processInstanceKey"]
    assert cases("order")[0].outcome == "done"
    gone = api("POST", "/messages/correlation", again)
    assert (gone.status_code, gone.get_json()["code"]) == (404, "nobody_waits")


def test_a_published_message_waits_for_its_subscriber_as_long_as_it_lives(api: Caller) -> None:
    deploy("order", waiting("order", "order.paid"))
    publish(api, "order.paid", "late", timeToLive=1000)
    publish(api, "order.paid", "gone")
    api.anju.move(timedelta(seconds=2))
    publish(api, "order.paid", "kept", timeToLive=60_000, messageId="m1")
    for order in ("late", "gone", "kept"):
        body = {"name": "order.begin", "variables": {**OFFICE, "order": order}}
        api.ask("POST", "/messages/correlation", body)
    assert [case.state for case in cases("order")] == ["open", "open", "closed"]


def test_the_same_message_id_answers_with_the_same_key(api: Caller) -> None:
    first = publish(api, "nobody", "k", timeToLive=60_000, messageId="m1")
    assert publish(api, "nobody", "k", timeToLive=60_000, messageId="m1") == first
    assert publish(api, "nobody", "other", timeToLive=60_000, messageId="m1") != first


def test_a_message_with_a_key_begins_one_instance_at_a_time_and_the_next_when_it_is_over(api_both: Caller) -> None:
    api = api_both
    deploy("pay", by_message("pay"))
    for number in range(3):
        publish(api, "pay.begin", "house 7", timeToLive=600_000, messageId=str(number))
    publish(api, "pay.begin", "house 8", timeToLive=600_000)
    assert len(cases("pay")) == 2
    finish(api, "pay")
    api.anju.drain()
    assert len(cases("pay", "closed")) == 1
    assert len(cases("pay")) == 3
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(LiveKey).where(LiveKey.key.startswith("message:"))) == 2


def test_messages_without_a_key_each_begin_an_instance(api: Caller) -> None:
    deploy("pay", by_message("pay"))
    publish(api, "pay.begin")
    publish(api, "pay.begin")
    [first, second] = cases("pay")
    assert first.id != second.id
    assert (first.channel, first.item, first.number) == ("message", "", str(first.id))
    assert first.office_id == api.anju.office("330106")


def test_a_kept_message_begins_an_instance_of_what_is_deployed_later(api: Caller) -> None:
    publish(api, "pay.begin", "k", timeToLive=600_000)
    deploy("pay", by_message("pay"))
    assert cases("pay") == []
    assert housekeeping.deliver_kept_messages() == 1
    assert len(cases("pay")) == 1


def test_the_newest_version_takes_the_place_of_the_older_ones_start_events(api: Caller) -> None:
    deploy("pay", by_message("pay"))
    deploy("pay", by_message("pay").replace("pay.begin", "pay.go"))
    publish(api, "pay.begin")
    publish(api, "pay.go")
    assert len(cases("pay")) == 1
    with reading() as session:
        assert session.scalars(select(StartEvent.name)).all() == ["pay.go"]


def test_a_signal_reaches_every_waiting_token_and_begins_what_it_begins(api_both: Caller) -> None:
    api = api_both
    deploy("flood", waiting("flood", "flooded", signal=True))
    deploy("pumps", by_signal("pumps", "flooded"))
    for _ in range(2):
        publish(api, "flood.begin")
    answer = api.ask("POST", "/signals/broadcast", {"signalName": "flooded", "variables": OFFICE})
    assert answer["signalKey"].isdigit()
    assert len(cases("flood", "open")) == 2
    api.anju.drain()
    assert [case.outcome for case in cases("flood")] == ["done", "done"]
    assert [case.channel for case in cases("pumps")] == ["signal"]


def test_a_date_begins_an_instance_once_and_a_cycle_as_often_as_it_says(api: Caller) -> None:
    due = (clock.now() + timedelta(hours=1)).isoformat()
    deploy("once", by_timer("once", "timeDate", due))
    deploy("thrice", by_timer("thrice", "timeCycle", "R3/PT1H"))
    assert not cases("once")
    for _ in range(5):
        api.anju.move(timedelta(hours=1))
    assert len(cases("once")) == 1
    assert len(cases("thrice")) == 3
    with reading() as session:
        assert not session.scalars(select(Job.id).where(Job.kind == "start")).all()


def test_what_cannot_begin_is_set_aside_and_told(api: Caller) -> None:
    deploy("pumps", by_signal("pumps", "flooded"))
    wrong = {"office_code": "nowhere"}
    refused = api("POST", "/signals/broadcast", {"signalName": "flooded", "variables": wrong})
    assert (refused.status_code, refused.get_json()["code"]) == (400, "unknown_office")
    dispatch(BroadcastSignal("flooded", wrong), SYSTEM)
    api.anju.drain()
    assert cases("pumps") == []
    with reading() as session:
        [job] = session.scalars(select(Job).where(Job.kind == "start"))
    assert (job.state, job.error_code) == ("failed", "unknown_office")


def test_nothing_without_a_name(api: Caller) -> None:
    for path in ("/messages/publication", "/messages/correlation", "/signals/broadcast"):
        assert api("POST", path, {}).status_code == 400
        assert api("POST", path, {"name": "x" * 161, "signalName": "x" * 161}).status_code == 400
