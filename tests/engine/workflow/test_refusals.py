"""What a model must not say: refused when it is parsed, with element, name, line and hint."""

import pytest

from engine.core.errors import ModelFault
from engine.workflow import parse
from tests.engine.workflow.kit import (
    COMPENSATE,
    ERROR,
    MESSAGE,
    SIGNAL,
    TERMINATE,
    boundary,
    bpmn,
    catch,
    chain,
    end,
    event_sub,
    extension,
    faults,
    flow,
    gateway,
    job,
    loop,
    start,
    sub,
    throw,
    timer,
    user,
)

LINE = chain("start", "a", "end")
LISTENER = '<zeebe:taskListeners><zeebe:taskListener eventType="canceling" type="log"/></zeebe:taskListeners>'
NO_RESULT = extension('<zeebe:calledDecision decisionId="d"/>')
NO_SCRIPT_RESULT = extension('<zeebe:script expression="=1"/>')
STANDARD_LOOP = "<standardLoopCharacteristics/>"


def script(content: str) -> str:
    return f'<scriptTask id="a">{content}</scriptTask>'


def execution(event: str, operation: str = "log") -> str:
    one = f'<zeebe:executionListener eventType="{event}" type="{operation}"/>'
    return f"<zeebe:executionListeners>{one}</zeebe:executionListeners>"


REFUSED = {
    "a complex gateway": ("element_not_supported", "g", [start(), gateway("complex", "g"), user("a"), LINE, end()]),
    "a transaction": ("element_not_supported", "a", [start(), '<transaction id="a"/>', end()]),
    "an id that is ours": ("id_with_hash", "a#each", [start(), user("a#each"), end(), chain("start", "a#each", "end")]),
    "a sub-process called like its process": ("id_not_unique", "p", [
        start(), sub("p", start("si"), end("se"), chain("si", "se")), end(), chain("start", "p", "end")]),
    "a standard loop": ("standard_loop", "a", [start(), user("a", more=STANDARD_LOOP), end(), LINE]),
    "several definitions on one event": ("several_event_definitions", "c", [
        start(), catch("c", MESSAGE + timer("timeDuration", "P1D")), end(), chain("start", "c", "end")]),
    "a condition on a flow out of an activity": ("condition_not_allowed", "a-end", [
        start(), user("a"), end(), flow("start", "a"), flow("a", "end", "=x = 1")]),
    "a program as a script": ("script_not_feel", "a", [
        start(), script("<script>import os</script>"), end(), LINE]),
    "a FEEL expression that does not parse": ("expression_unreadable", "f", [
        start(), gateway("exclusive", "g", "d"), end(), end("e"), flow("start", "g"), flow("g", "end", "=1 +", "f"),
        flow("g", "e", id="d")]),
    "a condition that is not FEEL": ("expression_not_feel", "f", [
        start(), gateway("exclusive", "g", "d"), end(), end("e"), flow("start", "g"), flow("g", "end", "x &gt; 1", "f"),
        flow("g", "e", id="d")]),
    "a flow without an end": ("flow_end_missing", "a-nowhere", [start(), user("a"), chain("start", "a", "nowhere")]),
    "a default that is not there": ("default_missing", "g", [
        start(), gateway("exclusive", "g", "nothing"), end(), chain("start", "g", "end")]),
    "a choice without condition": ("condition_missing", "g-e", [
        start(), gateway("exclusive", "g"), end(), end("e"), flow("start", "g"), flow("g", "end", "=true"),
        flow("g", "e")]),
    "a service task without an operation": ("job_without_type", "a", [start(), '<serviceTask id="a"/>', end(), LINE]),
    "a message throw without an operation": ("job_without_type", "t", [
        start(), throw("t", MESSAGE), chain("start", "t")]),
    "a message published by the engine": ("publish_message", "t", [
        start(), throw("t", MESSAGE, '<zeebe:publishMessage correlationKey="=1"/>'), chain("start", "t")]),
    "a cancel event": ("event_not_supported", "end", [
        start(), end("end", "<cancelEventDefinition/>"), chain("start", "end")]),
    "a parallel multiple event": ("several_event_definitions", "b", [
        start(), user("a"), boundary("b", "a", MESSAGE + SIGNAL), end(), LINE, flow("b", "end")]),
    "a conditional start of a process": ("start_not_supported", "s", [
        '<startEvent id="s"><conditionalEventDefinition><condition>=a</condition></conditionalEventDefinition>'
        "</startEvent>", end(), chain("s", "end")]),
    "a node nobody can reach": ("unreachable", "b", [start(), user("a"), end(), LINE, user("b")]),
    "a message without a correlation key": ("correlation_key_missing", "c", [
        start(), catch("c", '<messageEventDefinition messageRef="N"/>'), chain("start", "c")]),
    "a message that does not exist": ("message_missing", "c", [
        start(), catch("c", '<messageEventDefinition messageRef="X"/>'), chain("start", "c")]),
    "a signal that does not exist": ("signal_missing", "c", [
        start(), catch("c", '<signalEventDefinition signalRef="X"/>'), chain("start", "c")]),
    "an error end without a code": ("error_without_code", "end", [
        start(), end("end", "<errorEventDefinition/>"), chain("start", "end")]),
    "a timer without a time": ("timer_missing", "c", [
        start(), catch("c", "<timerEventDefinition/>"), chain("start", "c")]),
    "a timer nobody can read": ("timer_unreadable", "c", [
        start(), catch("c", timer("timeDuration", "3 days")), chain("start", "c")]),
    "a boundary event on a gateway": ("boundary_not_attached", "b", [
        start(), gateway("exclusive", "g"), boundary("b", "g", MESSAGE), end(), chain("start", "g", "end")]),
    "an error boundary that does not interrupt": ("error_must_interrupt", "b", [
        start(), user("a"), boundary("b", "a", ERROR, interrupting=False), end(), LINE, flow("b", "end")]),
    "a compensation without a handler": ("compensation_without_handler", "b", [
        start(), user("a"), boundary("b", "a", COMPENSATE), end(), LINE]),
    "a compensation of what is not there": ("compensation_target", "t", [
        start(), throw("t", '<compensateEventDefinition activityRef="zz"/>'), chain("start", "t")]),
    "a multi-instance event": ("loop_not_allowed", "c", [
        start(), catch("c", MESSAGE + loop()), chain("start", "c")]),
    "an event as a compensation handler": ("compensation_not_allowed", "c", [
        start(), catch("c", MESSAGE).replace('id="c"', 'id="c" isForCompensation="true"'), chain("start", "c")]),
    "an event sub-process whose message has no key": ("correlation_key_missing", "es_start", [
        start(), end(), chain("start", "end"), event_sub("es", '<messageEventDefinition messageRef="N"/>')]),
    "a link without a catching end": ("link_without_target", "t", [
        start(), throw("t", '<linkEventDefinition name="L"/>'), chain("start", "t")]),
    "an event gateway before a task": ("event_gateway_targets", "g", [
        start(), gateway("eventBased", "g"), user("a"), catch("c", MESSAGE), chain("start", "g", "a"), flow("g", "c")]),
    "a flow out of an end event": ("flow_after_end", "end", [start(), end(), user("a"), chain("start", "end", "a")]),
    "a flow into a start event": ("flow_into_event", "start", [start(), user("a"), chain("start", "a", "start")]),
    "a process without a start": ("no_start", "p", [user("a")]),
    "two plain starts": ("several_plain_starts", "p", [start(), start("s2"), end(), chain("start", "end"),
                                                       flow("s2", "end")]),
    "an error start of a process": ("start_not_supported", "s", [
        f'<startEvent id="s">{ERROR}</startEvent>', end(), chain("s", "end")]),
    "a sub-process without a plain start": ("subprocess_start", "a", [start(), sub("a", user("i")), end(), LINE]),
    "an event sub-process with a plain start": ("event_subprocess_start", "es", [
        start(), end(), chain("start", "end"), event_sub("es", "")]),
    "an event sub-process in the flow": ("flow_beside", "es", [
        start(), event_sub("es", SIGNAL), chain("start", "es")]),
    "a terminate event in the middle": ("event_not_supported", "t", [
        start(), throw("t", TERMINATE), chain("start", "t")]),
    "a catch event without a definition": ("event_without_definition", "c", [
        start(), catch("c", ""), chain("start", "c")]),
    "a call without a process": ("expression_missing", "a", [start(), '<callActivity id="a"/>', end(), LINE]),
    "a decision without a result": ("result_missing", "a", [
        start(), f'<businessRuleTask id="a">{NO_RESULT}</businessRuleTask>',
        end(), LINE]),
    "a business rule that names nothing": ("job_without_type", "a", [
        start(), '<businessRuleTask id="a"/>', end(), LINE]),
    "a script that says nothing": ("job_without_type", "a", [start(), script(""), end(), LINE]),
    "a script without a result": ("result_missing", "a", [start(), script(NO_SCRIPT_RESULT), end(), LINE]),
    "a multi-instance without a collection": ("expression_missing", "a", [
        start(), user("a", more="<multiInstanceLoopCharacteristics/>"), end(), LINE]),
    "a listener to a cancellation": ("listener_not_supported", "a", [start(), user("a", LISTENER), end(), LINE]),
    "a start listener on a start event": ("listener_not_allowed", "start", [
        start().replace("/>", f">{extension(execution('start'))}</startEvent>"), end(), chain("start", "end")]),
    "a start listener on a boundary event": ("listener_not_allowed", "b", [
        start(), user("a"), boundary("b", "a", extension(execution("start")) + MESSAGE), end(), LINE,
        flow("b", "end")]),
    "an end listener on a gateway": ("listener_not_allowed", "g", [
        start(), gateway("exclusive", "g").replace("/>", f">{extension(execution('end'))}</exclusiveGateway>"), end(),
        chain("start", "g", "end")]),
    "an end listener on an error end": ("listener_not_allowed", "end", [
        start(), end("end", extension(execution("end")) + ERROR), chain("start", "end")]),
    "beforeAll without a multi-instance": ("listener_not_allowed", "a", [
        start(), user("a", execution("beforeAll")), end(), LINE]),
    "a task listener on a service task": ("listener_not_allowed", "a", [start(), job("a", LISTENER), end(), LINE]),
    "a listener without an operation": ("expression_missing", "a", [
        start(), user("a", execution("start", "")), end(), LINE]),
    "the same id twice": ("id_not_unique", "a", [start(), user("a"), sub("s", start("x"), user("a"), chain("x", "a")),
                                                 end(), LINE, flow("a", "s")]),
}  # fmt: skip
NO_KEY = '<bpmn:message id="N" name="no_key"/>'


@pytest.mark.parametrize("what", REFUSED)
def test_is_refused(what: str) -> None:
    code, element, body = REFUSED[what]

    assert (code, element) in faults(*body, more=NO_KEY)


def test_every_fault_is_reported_at_once_with_place_and_hint() -> None:
    model = bpmn(start(), job("a").replace('type="police.household"', 'type=""'), gateway("complex", "g"), end(), LINE)

    with pytest.raises(ModelFault) as caught:
        parse({"apply.bpmn": model, "broken.bpmn": b"<x"})

    found = {fault.code: fault for fault in caught.value.faults}
    assert {"job_without_type", "element_not_supported", "not_xml"} <= set(found)
    job_fault = found["job_without_type"]
    assert (job_fault.file, job_fault.element, job_fault.name) == ("apply.bpmn", "a", "核查a")
    assert job_fault.line > 0
    assert job_fault.hint


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_xml"),
        (b"\x00\xff", "not_xml"),
        (b"<html/>", "not_bpmn"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "doctype"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "doctype"),
    ],
    ids=["empty", "binary", "html", "entity", "outer entity"],
)
def test_what_is_no_clean_bpmn_file_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(ModelFault) as caught:
        parse({"x.bpmn": content})

    assert [fault.code for fault in caught.value.faults] == [code]


def test_the_same_process_in_two_files_is_refused() -> None:
    model = bpmn(start(), end(), chain("start", "end"))

    with pytest.raises(ModelFault, match="缺失或重复"):
        parse({"a.bpmn": model, "b.bpmn": model})


def test_a_file_without_an_executable_process_is_refused() -> None:
    model = bpmn(start(), end(), chain("start", "end")).replace(b'isExecutable="true"', b"")

    with pytest.raises(ModelFault) as caught:
        parse({"a.bpmn": model})

    assert caught.value.faults[0].code == "nothing_executable"


def test_what_does_not_hinder_is_a_warning() -> None:
    old = '<zeebe:formDefinition formKey="camunda-forms:bpmn:x"/>'
    called = '<extensionElements><zeebe:calledElement processId="elsewhere"/></extensionElements>'
    model = bpmn(start(), user("a", old), f'<callActivity id="c">{called}</callActivity>', chain("start", "a", "c"))

    definitions = parse({"a.bpmn": model})

    assert {(fault.code, fault.level) for fault in definitions.warnings} == {
        ("form_reference_old", "warning"),
        ("called_process_absent", "warning"),
    }


def test_a_parsed_process_tells_its_elements_flows_and_starts() -> None:
    begin = f'<startEvent id="t">{timer("timeCycle", "R/P1M")}</startEvent>'
    inner = sub("s", start("si"), user("a", '<zeebe:formDefinition formId="f"/>'), chain("si", "a"))

    process = parse({"x.bpmn": bpmn(start(), begin, inner, chain("start", "s"), flow("t", "s"))}).processes["p"]

    assert (process.id, process.name, process.file) == ("p", "测试流程", "x.bpmn")
    assert process.elements["a"].type == "userTask"
    assert process.elements["a"].parent == "s"
    assert process.elements["a"].extensions["formDefinition"] == {"formId": "f"}
    assert process.flows["si-a"] == ("si", "a", "")
    assert process.starts["t"].timer == ("timeCycle", "R/P1M")
    assert process.starts["start"].kind == "none"


def test_a_plain_camunda_deployment_may_have_what_an_item_must_not() -> None:
    model = bpmn(start(), user("a", LISTENER), end(), LINE, user("lost"))

    definitions = parse({"a.bpmn": model}, strict=False)

    assert {(fault.code, fault.element) for fault in definitions.warnings} == {
        ("unreachable", "lost"),
        ("listener_not_supported", "a"),
    }


def test_a_process_drawn_as_a_pool_has_the_pool_s_name() -> None:
    pool = '<bpmn:collaboration id="c"><bpmn:participant id="x" name="公示" processRef="p"/></bpmn:collaboration>'
    model = bpmn(start(), end(), chain("start", "end"), more=pool).decode().replace('name="测试流程"', "")

    assert parse({"x.bpmn": model.encode()}).processes["p"].name == "公示"
