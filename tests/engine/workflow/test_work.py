"""User tasks, jobs, scripts, decisions: what stands in the row and what comes back."""

import pytest

from engine.core.errors import NotFound, Refused
from engine.workflow import BpmnError
from tests.engine.workflow.kit import (
    ERROR,
    House,
    Play,
    boundary,
    chain,
    end,
    extension,
    io,
    job,
    start,
    throw,
    user,
)


def test_a_user_task_carries_form_assignment_schedule_and_properties() -> None:
    zeebe = (
        '<zeebe:formDefinition formId="apply_form"/>'
        '<zeebe:assignmentDefinition assignee="=clerk" candidateGroups="acceptance, counter" '
        'candidateUsers="=[clerk]"/>'
        '<zeebe:taskSchedule dueDate="=due" followUpDate="2026-11-05T09:00:00+08:00"/>'
        '<zeebe:priorityDefinition priority="80"/>'
        '<zeebe:properties><zeebe:property name="stage" value="受理"/></zeebe:properties>'
    )
    play = Play(start(), user("a", zeebe), chain("start", "a"), variables={"clerk": "li", "due": "2026-11-09"})

    wait = play.wait("a")

    assert (wait.kind, wait.name, wait.process_id, wait.lane) == ("user", "办理a", "p", None)
    assert wait.token.isdecimal()
    assert wait.attrs == {
        "form_id": "apply_form",
        "assignee": "li",
        "candidate_groups": ["acceptance", "counter"],
        "candidate_users": ["li"],
        "due_date": "2026-11-09",
        "follow_up_date": "2026-11-05T09:00:00+08:00",
        "priority": 80,
        "properties": {"stage": "受理"},
    }


def test_a_lane_gives_its_name_to_the_tasks_in_it_and_in_its_sub_processes() -> None:
    lanes = '<laneSet id="ls"><lane id="l1" name="受理"><flowNodeRef>s</flowNodeRef></lane></laneSet>'
    inside = f'<subProcess id="s">{start("si")}{user("a")}{chain("si", "a")}</subProcess>'

    play = Play(lanes, start(), inside, chain("start", "s"))

    assert play.wait("a").lane == "受理"


def test_completing_a_user_task_moves_on_and_keeps_its_variables() -> None:
    play = Play(start(), user("a"), user("b"), end("granted"), chain("start", "a", "b", "granted"))

    play.do("a", income=2000).do("b")

    assert play.completed
    assert play.process.outcome == "granted"
    assert play.variables == {"income": 2000}
    assert play.happened("flow") == ["start-a", "a-b", "b-granted"]
    assert play.happened("completed") == ["start", "a", "b", "granted"]


def test_a_completed_task_cannot_be_completed_again() -> None:
    play = Play(start(), user("a"), user("b"), chain("start", "a", "b"))
    token = play.wait("a").token
    play.do("a")

    with pytest.raises(NotFound):
        play.process.complete(token)


def test_a_job_names_its_operation_retries_and_headers() -> None:
    headers = '<zeebe:taskHeaders><zeebe:header key="on" value="applied"/></zeebe:taskHeaders>'
    play = Play(start(), job("a", headers, type="=check.operation"), chain("start", "a"),
                variables={"check": {"operation": "tax.income"}})  # fmt: skip

    assert play.wait("a").attrs == {"type": "tax.income", "retries": 3, "headers": {"on": "applied"}, "properties": {}}


def test_a_job_whose_operation_cannot_be_named_is_an_incident_that_retry_resolves() -> None:
    play = Play(start(), job("a", type="=check.operation"), chain("start", "a"))
    assert play.wait("a").attrs["code"] == "job_type_missing"
    assert play.wait("a").attrs["kind"] == "job"

    play.act("set_variables", {"check": {"operation": "tax.income"}}).act("retry", play.wait("a").token)

    assert play.at == ["a:job"]


def test_a_message_throw_a_send_task_and_a_message_end_are_jobs() -> None:
    definition, message = '<zeebe:taskDefinition type="sms.send"/>', '<messageEventDefinition messageRef="M"/>'
    send = f'<sendTask id="s">{extension(definition)}</sendTask>'
    finish = f'<endEvent id="e">{extension(definition)}{message}</endEvent>'
    play = Play(start(), throw("t", message, definition), send, finish, chain("start", "t", "s", "e"))

    assert play.at == ["t:job"]
    assert play.do("t").at == ["s:job"]
    assert play.do("s").at == ["e:job"]
    assert play.do("e").process.outcome == "e"


def test_an_inside_operation_runs_at_once_and_its_results_become_variables() -> None:
    house = House(operations={"waiting.enter": lambda v: {"waiting_number": v["n"] + 1}})
    mapping = io(("input", "=position", "n"), ("output", "=waiting_number", "number_in_line"))
    play = Play(start(), job("a", mapping, type="waiting.enter"), end(), chain("start", "a", "end"),
                variables={"position": 6}, house=house)  # fmt: skip

    assert play.completed
    assert play.variables == {"position": 6, "number_in_line": 7}


def test_a_business_error_of_an_inside_operation_is_caught_at_its_border() -> None:
    def decline(_: object) -> dict[str, object]:
        raise BpmnError("declined", "名额已满", {"why": "full"})

    play = Play(start(), job("a", type="waiting.enter"), boundary("b", "a", ERROR), user("x"),
                chain("start", "a"), chain("b", "x"), house=House(operations={"waiting.enter": decline}))  # fmt: skip

    assert play.at == ["x:user"]
    assert play.variables == {"why": "full"}


def test_an_inside_operation_that_refuses_refuses_the_whole_command() -> None:
    def refuse(_: object) -> dict[str, object]:
        raise Refused("该家庭已有在办申请")

    house = House(operations={"waiting.enter": refuse})
    play = Play(start(), user("u"), job("a", type="waiting.enter"), chain("start", "u", "a"), house=house)

    with pytest.raises(Refused, match="在办申请"):
        play.process.complete(play.wait("u").token)


def test_a_script_is_feel_and_its_value_becomes_a_variable() -> None:
    script = '<zeebe:script expression="=income / size" resultVariable="average"/>'
    play = Play(start(), f'<scriptTask id="a">{extension(script)}</scriptTask>', user("b"), chain("start", "a", "b"),
                variables={"income": 9000, "size": 3})  # fmt: skip

    assert play.variables["average"] == 3000


def test_a_decision_is_asked_with_the_visible_variables() -> None:
    called = '<zeebe:calledDecision decisionId="eligibility" resultVariable="verdict"/>'
    house = House(decisions={"eligibility": lambda v: {"granted": v["income"] < 3000}})
    play = Play(start(), f'<businessRuleTask id="a">{extension(called)}</businessRuleTask>', user("b"),
                chain("start", "a", "b"), variables={"income": 2000}, house=house)  # fmt: skip

    assert play.variables["verdict"] == {"granted": True}


def test_a_decision_that_fails_is_an_incident_and_can_be_asked_again() -> None:
    called = '<zeebe:calledDecision decisionId="eligibility" resultVariable="verdict"/>'
    play = Play(start(), f'<businessRuleTask id="a">{extension(called)}</businessRuleTask>', user("b"),
                chain("start", "a", "b"))  # fmt: skip
    assert play.at == ["a:incident"]
    assert play.wait("a").attrs["code"] == "decision_not_found"

    play.house.decisions["eligibility"] = lambda v: "yes"
    play.act("retry", play.wait("a").token)

    assert play.variables == {"verdict": "yes"}


def test_a_job_held_as_an_incident_is_a_job_again_after_retry() -> None:
    play = Play(start(), job("a"), user("b"), chain("start", "a", "b"))
    token = play.wait("a").token

    play.act("raise_incident", token, "unreachable", "公安接口连续无应答")
    assert play.at == ["a:incident"]
    assert play.wait("a").attrs == {"code": "unreachable", "message": "公安接口连续无应答", "kind": "job"}
    with pytest.raises(Refused):
        play.process.complete(token)
    play.act("retry", token)

    assert play.at == ["a:job"]
    assert play.wait("a").token == token
    assert play.do("a").at == ["b:user"]


def test_an_output_mapping_that_fails_does_not_run_the_job_again() -> None:
    mapping = io(("output", "=assert(found, found != null)", "kept"))
    play = Play(start(), job("a", mapping), user("b"), chain("start", "a", "b"))

    play.do("a", other=1)
    assert play.at == ["a:incident"]
    token = play.wait("a").token
    play.act("set_variables", {"found": "yes"}, token).act("retry", token)

    assert play.at == ["b:user"]
    assert play.variables == {"kept": "yes"}


def test_an_assignee_that_is_no_name_is_an_incident() -> None:
    zeebe = '<zeebe:assignmentDefinition assignee="=clerk"/>'
    play = Play(start(), user("a", zeebe), chain("start", "a"), variables={"clerk": {"name": "li"}})

    assert play.wait("a").attrs["code"] == "attribute_not_text"
    assert play.wait("a").attrs["kind"] == "user"


def test_a_user_task_of_the_old_kind_with_an_operation_is_a_job() -> None:
    old = extension('<zeebe:taskDefinition type="legacy.form"/>')
    play = Play(start(), f'<userTask id="a">{old}</userTask>', user("b", '<zeebe:taskDefinition type="ignored"/>'),
                chain("start", "a", "b"))  # fmt: skip

    assert play.at == ["a:job"]
    assert play.do("a").at == ["b:user"]
