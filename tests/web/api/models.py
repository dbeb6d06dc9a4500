"""Small models for the tests of the API."""

from __future__ import annotations

from textwrap import dedent

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="d" targetNamespace="t">\n'
)

FORM = (
    '{"id": "screen", "type": "default", "schemaVersion": 16, '
    '"components": [{"type": "textfield", "id": "f1", "key": "reason", "label": "理由"}]}'
)

DECISION = dedent("""\
    <?xml version="1.0" encoding="UTF-8"?>
    <definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="rules" name="规则" namespace="n">
      <decision id="grade" name="等级">
        <variable id="v" name="grade" typeRef="string"/>
        <decisionTable id="t" hitPolicy="FIRST">
          <input id="i1" label="分数"><inputExpression id="e1" typeRef="number">
            <text>score</text></inputExpression></input>
          <output id="o1" label="等级" name="grade" typeRef="string"/>
          <rule id="r1"><inputEntry id="c1"><text>&gt;= 60</text></inputEntry>
            <outputEntry id="p1"><text>"pass"</text></outputEntry></rule>
          <rule id="r2"><inputEntry id="c2"><text></text></inputEntry>
            <outputEntry id="p2"><text>"fail"</text></outputEntry></rule>
        </decisionTable>
      </decision>
    </definitions>
    """)


def process(process_id: str, *, note: str = "", tag: str = "", start: str = "", job: str = "charge") -> str:
    """Start, a job for a worker outside, a user task, a message, end."""
    tagged = f'<extensionElements><zeebe:versionTag value="{tag}"/></extensionElements>' if tag else ""
    return (
        HEAD
        + note
        + f"""<message id="m" name="paid"><extensionElements><zeebe:subscription correlationKey="=order_id"/>
  </extensionElements></message>
<process id="{process_id}" name="{process_id}" isExecutable="true">{tagged}
  <startEvent id="start">{start}<outgoing>f1</outgoing></startEvent>
  <sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
  <serviceTask id="work" name="收费"><extensionElements><zeebe:taskDefinition type="{job}" retries="2"/>
    <zeebe:taskHeaders><zeebe:header key="channel" value="bank"/></zeebe:taskHeaders></extensionElements>
    <incoming>f1</incoming><outgoing>f2</outgoing></serviceTask>
  <sequenceFlow id="f2" sourceRef="work" targetRef="review"/>
  <userTask id="review" name="核对"><extensionElements><zeebe:userTask/>
    <zeebe:assignmentDefinition candidateGroups="acceptance"/></extensionElements>
    <incoming>f2</incoming><outgoing>f3</outgoing></userTask>
  <sequenceFlow id="f3" sourceRef="review" targetRef="wait"/>
  <intermediateCatchEvent id="wait"><incoming>f3</incoming><outgoing>f4</outgoing>
    <messageEventDefinition id="md" messageRef="m"/></intermediateCatchEvent>
  <sequenceFlow id="f4" sourceRef="wait" targetRef="end"/>
  <endEvent id="end"><incoming>f4</incoming></endEvent>
</process></definitions>"""
    )
