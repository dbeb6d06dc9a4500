"""Asking the sharing gateway, and taking its answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from marshmallow import Schema, fields, validate

from connectors._kit.evidence import masked
from connectors._kit.mq import Delivery
from connectors.exchange import client
from connectors.exchange.catalogue import ITEMS
from engine.core import clock
from engine.core.inbound import collection
from engine.core.operations import Answer, Call, Evidence, LateAnswer, Pending, Verdict, operation

SOURCE = "共享交换网关"
# How long sources behind the gateway usually take; then the same question is put again.
ASK_AGAIN = timedelta(minutes=10)


class QueryInputs(Schema):
    catalogue_item = fields.String(required=True, validate=validate.OneOf(list(ITEMS)), metadata={"title": "目录编码"})
    name = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "姓名"})
    id_number = fields.String(
        required=True, validate=validate.Length(min=1, max=40), metadata={"title": "证件号码", "personal": True}
    )
    reason = fields.String(required=True, validate=validate.Length(min=2, max=100), metadata={"title": "查询事由"})
    operator = fields.String(
        load_default="", allow_none=True, validate=validate.Length(max=60), metadata={"title": "经办人"}
    )


class QueryOutputs(Schema):
    """``records``: the fields of the item that are not personal (``catalogue.yaml``), days as ISO text."""

    result = fields.String(required=True, validate=validate.OneOf(["pass", "unknown"]), metadata={"title": "核查结果"})
    records = fields.List(fields.Dict(), required=True, metadata={"title": "查得记录"})
    data_time = fields.String(required=True, metadata={"title": "数据更新时间"})
    trace_number = fields.String(required=True, metadata={"title": "追踪号"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation("exchange.query", title="查询共享数据", inputs=QueryInputs, outputs=QueryOutputs, party="exchange")
def query(call: Call) -> Pending:
    """Always answered later, from the queue of answers; a repeat is the same question and is answered again."""
    asked = call.inputs
    sent = client.ask(asked, matter=call.item, case_number=call.case_number, key=call.idempotency_key)
    title = ITEMS[asked["catalogue_item"]].title
    about = masked(asked["name"], asked["id_number"])
    kept = Evidence(SOURCE, about, sent.body, b"", clock.now(), f"已送出：{title}，追踪号 {sent.trace}")
    return Pending(call.idempotency_key, clock.now() + ASK_AGAIN, kept)


@collection("exchange", every=timedelta(seconds=15))
def fetch() -> Iterator[LateAnswer]:
    """Answers by our own key; each stays in the queue until it was taken."""
    for came in client.answers():
        done = partial(_taken, came.delivery)
        answer = None if came.fault or came.declined else _answer(came)
        yield LateAnswer("exchange", came.key, came.message_id, answer, came.declined, came.fault, done)


def _taken(delivery: Delivery) -> None:
    delivery.fate = "taken"


def _answer(came: client.Came) -> Answer:
    """Pass: what the source knows. Unknown: it knows nothing, or name and number do not belong together."""
    verdict: Verdict = "pass" if came.rows else "unknown"
    told = f"查得 {len(came.rows)} 条记录" if came.rows else "没有查得记录，需人工核对"
    if came.code == client.STRANGER:
        told = "姓名与证件号码不符，需人工核对"
    summary = f"{told}（数据截至 {came.data_time}，追踪号 {came.trace}）"
    variables = {
        "result": verdict,
        "records": [dict(one) for one in came.rows],
        "data_time": came.data_time,
        "trace_number": came.trace,
        "summary": summary,
    }
    # Whom it is about stands with the question: the answer does not say.
    return Answer(variables, verdict, Evidence(SOURCE, "", b"", came.body, clock.now(), summary))
