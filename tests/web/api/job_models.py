"""Models whose work is done by workers over the API, begun by a message, a signal or a date."""

from __future__ import annotations

from tests.web.api.models import HEAD


def begun(process_id: str, event: str, declared: str = "", *, priority: str = "", boundary: bool = False) -> str:
    """A start event, one job ``charge`` with an input of its own, an end; ``boundary`` catches ``no_money``."""
    first = f'<zeebe:jobPriorityDefinition priority="{priority}"/>' if priority else ""
    caught = (
        """<boundaryEvent id="refused" attachedToRef="work"><outgoing>f3</outgoing>
    <errorEventDefinition id="ed" errorRef="e"/></boundaryEvent>
  <sequenceFlow id="f3" sourceRef="refused" targetRef="unpaid"/>
  <endEvent id="unpaid"><incoming>f3</incoming></endEvent>"""
        if boundary
        else ""
    )
    return (
        HEAD
        + declared
        + ('<error id="e" name="no money" errorCode="no_money"/>' if boundary else "")
        + f"""<process id="{process_id}" name="{process_id}" isExecutable="true">
  <startEvent id="start"><outgoing>f1</outgoing>{event}</startEvent>
  <sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
  <serviceTask id="work" name="收费"><extensionElements><zeebe:taskDefinition type="{process_id}.charge" retries="2"/>
    {first}
    <zeebe:ioMapping><zeebe:input source="=amount" target="due"/></zeebe:ioMapping>
    <zeebe:taskHeaders><zeebe:header key="channel" value="bank"/></zeebe:taskHeaders></extensionElements>
    <incoming>f1</incoming><outgoing>f2</outgoing></serviceTask>
  <sequenceFlow id="f2" sourceRef="work" targetRef="paid"/>
  <endEvent id="paid"><incoming>f2</incoming></endEvent>{caught}
</process></definitions>"""
    )


def by_message(process_id: str, **more: object) -> str:
    """Begun by the message ``<process>.begin``."""
    declared = f'<message id="mb" name="{process_id}.begin"/>'
    return begun(process_id, '<messageEventDefinition id="md" messageRef="mb"/>', declared, **more)  # type: ignore[arg-type]


def by_signal(process_id: str, name: str) -> str:
    """Begun by a signal."""
    return begun(process_id, '<signalEventDefinition id="sd" signalRef="s"/>', f'<signal id="s" name="{name}"/>')


def by_timer(process_id: str, kind: str, text: str) -> str:
    """Begun by a ``timeDate`` or ``timeCycle``."""
    timer = f'<timerEventDefinition id="td"><{kind}>{text}</{kind}></timerEventDefinition>'
    return begun(process_id, timer)


def waiting(process_id: str, name: str, *, signal: bool = False) -> str:
    """Begun by the message ``<process>.begin``, then waits for a message with the key ``order`` or for a signal."""
    declared = f'<message id="mb" name="{process_id}.begin"/>'
    if signal:
        declared += f'<signal id="s" name="{name}"/>'
        event = '<signalEventDefinition id="sd" signalRef="s"/>'
    else:
        declared += f"""<message id="m" name="{name}"><extensionElements>
          <zeebe:subscription correlationKey="=order"/></extensionElements></message>"""
        event = '<messageEventDefinition id="md" messageRef="m"/>'
    return (
        HEAD
        + declared
        + f"""<process id="{process_id}" name="{process_id}" isExecutable="true">
  <startEvent id="start"><outgoing>f1</outgoing><messageEventDefinition id="md0" messageRef="mb"/></startEvent>
  <sequenceFlow id="f1" sourceRef="start" targetRef="wait"/>
  <intermediateCatchEvent id="wait"><incoming>f1</incoming><outgoing>f2</outgoing>{event}</intermediateCatchEvent>
  <sequenceFlow id="f2" sourceRef="wait" targetRef="done"/>
  <endEvent id="done"><incoming>f2</incoming></endEvent>
</process></definitions>"""
    )
