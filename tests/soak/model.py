"""The soak's process: a message; a booking; a program decides, a person checks; a payment beside a timer; a message."""

from __future__ import annotations

from tests.web.api.models import HEAD

MODEL = (
    HEAD
    + """
<message id="mb" name="soak.begin"/>
<message id="mp" name="soak.paid"><extensionElements><zeebe:subscription correlationKey="=name"/></extensionElements>
</message>
<process id="soak" name="浸泡" isExecutable="true">
  <startEvent id="start"><outgoing>f1</outgoing><messageEventDefinition id="d1" messageRef="mb"/></startEvent>
  <sequenceFlow id="f1" sourceRef="start" targetRef="book"/>
  <serviceTask id="book" name="记账"><extensionElements><zeebe:taskDefinition type="soak.book"/></extensionElements>
    <incoming>f1</incoming><outgoing>f2</outgoing></serviceTask>
  <sequenceFlow id="f2" sourceRef="book" targetRef="decide"/>
  <serviceTask id="decide" name="决定"><extensionElements><zeebe:taskDefinition type="soak.person"/></extensionElements>
    <incoming>f2</incoming><outgoing>f3</outgoing></serviceTask>
  <sequenceFlow id="f3" sourceRef="decide" targetRef="check"/>
  <userTask id="check" name="核对"><extensionElements><zeebe:userTask/><zeebe:formDefinition formId="soak_check"/>
    <zeebe:assignmentDefinition candidateGroups="acceptance"/></extensionElements>
    <incoming>f3</incoming><outgoing>f12</outgoing></userTask>
  <sequenceFlow id="f12" sourceRef="check" targetRef="which"/>
  <exclusiveGateway id="which" default="f5"><incoming>f12</incoming><outgoing>f4</outgoing><outgoing>f5</outgoing>
  </exclusiveGateway>
  <sequenceFlow id="f4" sourceRef="which" targetRef="fork"><conditionExpression xsi:type="tFormalExpression">
    =decision = "yes" and agreed = "yes"</conditionExpression></sequenceFlow>
  <sequenceFlow id="f5" sourceRef="which" targetRef="refused"/>
  <endEvent id="refused"><incoming>f5</incoming></endEvent>
  <parallelGateway id="fork"><incoming>f4</incoming><outgoing>f6</outgoing><outgoing>f7</outgoing></parallelGateway>
  <sequenceFlow id="f6" sourceRef="fork" targetRef="pay"/>
  <serviceTask id="pay" name="付款"><extensionElements><zeebe:taskDefinition type="soak.pay"/></extensionElements>
    <incoming>f6</incoming><outgoing>f8</outgoing></serviceTask>
  <sequenceFlow id="f7" sourceRef="fork" targetRef="rest"/>
  <intermediateCatchEvent id="rest"><incoming>f7</incoming><outgoing>f9</outgoing>
    <timerEventDefinition id="d2"><timeDuration>PT1S</timeDuration></timerEventDefinition></intermediateCatchEvent>
  <sequenceFlow id="f8" sourceRef="pay" targetRef="join"/>
  <sequenceFlow id="f9" sourceRef="rest" targetRef="join"/>
  <parallelGateway id="join"><incoming>f8</incoming><incoming>f9</incoming><outgoing>f10</outgoing></parallelGateway>
  <sequenceFlow id="f10" sourceRef="join" targetRef="paid"/>
  <intermediateCatchEvent id="paid"><incoming>f10</incoming><outgoing>f11</outgoing>
    <messageEventDefinition id="d3" messageRef="mp"/></intermediateCatchEvent>
  <sequenceFlow id="f11" sourceRef="paid" targetRef="granted"/>
  <endEvent id="granted"><incoming>f11</incoming></endEvent>
</process></definitions>"""
)

FORM = """{"id": "soak_check", "type": "default", "schemaVersion": 16, "components": [
  {"type": "number", "id": "f1", "key": "number", "label": "第几件", "disabled": true},
  {"type": "textarea", "id": "f2", "key": "note", "label": "核对意见", "validate": {"required": true}},
  {"type": "radio", "id": "f3", "key": "agreed", "label": "是否同意", "validate": {"required": true},
   "values": [{"label": "同意", "value": "yes"}, {"label": "不同意", "value": "no"}]}]}"""
