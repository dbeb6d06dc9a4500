"""What may be asked of both invoice channels, and what they post when a request is settled."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connectors._kit.evidence import evidence
from connectors.invoice import client
from connectors.invoice.client import Told
from engine.core import clock
from engine.core.errors import OutsideFault
from engine.core.inbound import JSON, InboundEvent, NoticeCame, Reply, Taken, inbound
from engine.core.operations import Answer, Call, Evidence, LateAnswer, Pending, operation

SOURCE = {"tax": "数电发票", "fiscal": "财政电子票据"}
AREA_UNITS = ("平方米", "亩", "公顷", "平方千米", "孔公里")
ASK_AGAIN = timedelta(minutes=1)
# Numbers of the register of invoices; any other request was made by a step of a case, under its own key.
OURS = re.compile(r"FP\d{14}")
_PURPOSE = "开具电子票据"
_FEN = Decimal("0.01")


def _whole_fen(amount: Decimal) -> None:
    if not amount.is_finite() or amount <= 0 or amount != amount.quantize(_FEN) or amount > 10**10:
        raise ValidationError("金额应大于零，最多两位小数")


class _Request(Schema):
    channel = fields.String(required=True, validate=validate.OneOf(list(client.CHANNELS)), metadata={"title": "票种"})
    request_number = fields.String(
        load_default="", validate=validate.Regexp(r"^[0-9A-Za-z_-]{0,64}$"), metadata={"title": "开票请求号"}
    )


class _Payer(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=100), metadata={"personal": True})
    organisation = fields.Boolean(load_default=False)
    tax_number = fields.String(
        load_default="", validate=validate.Regexp(r"^[0-9A-Z]{0,20}$"), metadata={"personal": True}
    )
    phone = fields.String(load_default="", validate=validate.Length(max=20), metadata={"personal": True})
    email = fields.String(load_default="", validate=validate.Length(max=100), metadata={"personal": True})

    @validates_schema
    def check_number(self, data: Mapping[str, Any], **_: Any) -> None:
        """An organisation is known by its number."""
        if data.get("organisation") and not data.get("tax_number"):
            raise ValidationError("单位应有纳税人识别号或统一社会信用代码", "tax_number")


class _Item(Schema):
    """``tax_rate``: of the tax that ``amount`` holds, 0 for exempt; without one the office's setting counts."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=90))
    amount = fields.Decimal(required=True, validate=_whole_fen)
    tax_rate = fields.Decimal(load_default=None, allow_none=True, validate=validate.Range(min=0, max=Decimal("0.13")))
    tax_code = fields.String(load_default="", validate=validate.Regexp(r"^(\d{19})?$"))


class _Lease(Schema):
    """What an invoice for letting a home says of it. ``certificate``: number of the title, where there is one."""

    address = fields.String(required=True, validate=validate.Length(min=4, max=120), metadata={"personal": True})
    begins_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    area_unit = fields.String(load_default=AREA_UNITS[0], validate=validate.OneOf(AREA_UNITS))
    cross_city = fields.Boolean(load_default=False)
    certificate = fields.String(load_default="", validate=validate.Length(max=60))

    @validates_schema
    def check_period(self, data: Mapping[str, Any], **_: Any) -> None:
        """A period that ends before it begins is nobody's."""
        if data["ends_on"] < data["begins_on"]:
            raise ValidationError("租期的结束日期早于开始日期", "ends_on")


class IssueInputs(_Request):
    payer = fields.Nested(_Payer, required=True, metadata={"title": "购买方（缴款人）"})
    items = fields.List(
        fields.Nested(_Item), required=True, validate=validate.Length(min=1, max=20), metadata={"title": "项目"}
    )
    lease = fields.Nested(_Lease, load_default=None, allow_none=True, metadata={"title": "不动产租赁信息"})
    remark = fields.String(load_default="", validate=validate.Length(max=200), metadata={"title": "备注"})
    resubmit = fields.Boolean(load_default=False, metadata={"title": "没有开成的重新提交"})


class RedInputs(_Request):
    code = fields.String(load_default="", metadata={"title": "原票据代码"})
    number = fields.String(required=True, metadata={"title": "原票号"})
    amount = fields.Decimal(required=True, validate=_whole_fen, metadata={"title": "原票金额（元）"})
    reason = fields.String(required=True, validate=validate.Length(min=1, max=100), metadata={"title": "红冲原因"})
    resubmit = fields.Boolean(load_default=False, metadata={"title": "没有开成的重新提交"})


class Outputs(Schema):
    """``amount`` in 元, below zero where it is red; everything but state and summary is empty before it is issued."""

    state = fields.String(required=True, validate=validate.OneOf(client.STATES), metadata={"title": "状态"})
    code = fields.String(required=True, metadata={"title": "票据代码"})
    number = fields.String(required=True, metadata={"title": "票号"})
    check_code = fields.String(required=True, metadata={"title": "校验码"})
    amount = fields.String(required=True, metadata={"title": "金额（元）"})
    issued_at = fields.String(required=True, metadata={"title": "开票时间"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


class DownloadInputs(_Request):
    code = fields.String(load_default="", metadata={"title": "票据代码"})
    number = fields.String(required=True, validate=validate.Length(min=1), metadata={"title": "票号"})


class DownloadOutputs(Schema):
    pdf_file_id = fields.String(required=True, metadata={"title": "PDF 文件"})
    ofd_file_id = fields.String(required=True, metadata={"title": "OFD 文件"})


@operation(
    "invoice.issue", title="开具电子票据", inputs=IssueInputs, outputs=Outputs, party="invoice", purpose=_PURPOSE
)
def issue(call: Call) -> Answer | Pending:
    """A repeat first asks what became of the request: after an unclear time-out it may have been issued."""
    asked, key = _named(call), call.idempotency_key
    channel = client.channel(asked["channel"])
    again = call.attempt > 1 or asked["resubmit"]
    told = channel.query(asked["request_number"], key) if again else None
    if told is None or client.open_again(told, asked):
        told = channel.issue(asked, key)
    people = [(asked["payer"]["name"], asked["payer"]["tax_number"])]
    return _settled(asked, told, sum((one["amount"] for one in asked["items"]), Decimal(0)), people)


@operation("invoice.query", title="查询电子票据", inputs=_Request, outputs=Outputs, party="invoice", purpose=_PURPOSE)
def query(call: Call) -> Answer:
    """What became of a request, blue or red; ``absent`` where nobody heard of it."""
    asked = _named(call)
    told = client.channel(asked["channel"]).query(asked["request_number"], call.idempotency_key)
    return Answer(_plain(told), None, _kept(asked["channel"], told, []))


@operation(
    "invoice.red", title="红冲电子票据", inputs=RedInputs, outputs=Outputs, party="invoice", purpose="红冲电子票据"
)
def red(call: Call) -> Answer | Pending:
    """The whole of a blue invoice. May be asked again at any time: what is done already is only looked up."""
    asked = _named(call)
    told = client.channel(asked["channel"]).red(asked, call.idempotency_key)
    return _settled(asked, told, -asked["amount"], [])


@operation(
    "invoice.download",
    title="下载电子票据",
    inputs=DownloadInputs,
    outputs=DownloadOutputs,
    party="invoice",
    purpose=_PURPOSE,
)
def download(call: Call) -> Answer:
    """PDF and OFD, looked into and kept."""
    if call.files is None:
        raise TypeError("invoice.download needs access to files")
    asked = _named(call)
    found = client.channel(asked["channel"]).download(asked, call.idempotency_key)
    name = f"{asked['code']}{asked['number']}"
    pdf = call.files.write(found.pdf, name=f"{name}.pdf", media_type="application/pdf")
    ofd = call.files.write(found.ofd, name=f"{name}.ofd", media_type="application/ofd")
    return Answer({"pdf_file_id": pdf, "ofd_file_id": ofd})


def _named(call: Call) -> dict[str, Any]:
    """The inputs with the request's number: fixed before anything is sent, the same for every attempt."""
    return {**call.inputs, "request_number": call.inputs["request_number"] or call.idempotency_key}


def _settled(
    asked: Mapping[str, Any], told: Told, amount: Decimal, people: Sequence[tuple[str, str]]
) -> Answer | Pending:
    if told.request_number != asked["request_number"] or told.state == "absent":
        raise OutsideFault(f"「{SOURCE[asked['channel']]}」答非所问，请核对接口版本", code="unexpected_answer")
    if told.state == "failed":
        raise client.refusal(told.why)
    if told.state in ("working", "confirming"):
        return Pending(told.request_number, clock.now() + ASK_AGAIN, _kept(asked["channel"], told, people))
    if told.amount != amount:
        raise OutsideFault("所开票据的金额与申请不同，请与对方核实后再办理", code="invoice_differs")
    return Answer(_plain(told), None, _kept(asked["channel"], told, people))


def _plain(told: Told) -> dict[str, Any]:
    return {
        "state": told.state,
        "code": told.code,
        "number": told.number,
        "check_code": told.check_code,
        "amount": "" if told.amount is None else f"{told.amount:.2f}",
        "issued_at": told.issued_at.isoformat() if told.issued_at else "",
        "summary": _summary(told),
    }


def _summary(told: Told) -> str:
    words = {
        "absent": "对方没有这项请求",
        "working": "对方正在开具",
        "confirming": "红字信息确认单待购买方确认",
        "failed": "没有开成",
        "seal_failed": f"已开具 {told.code}{told.number}，签章失败",
    }
    return words.get(told.state, f"已开具 {told.code}{told.number}")


def _kept(channel: str, told: Told, people: Sequence[tuple[str, str]]) -> Evidence | None:
    return None if told.exchange is None else evidence(SOURCE[channel], people, told.exchange, _summary(told))


# --- what they post -----------------------------------------------------------------------------------------------


def thank_tax(taken: Taken) -> Reply:
    """The tax side posts once; what it is told only stands in its log."""
    return Reply(b'{"code":"0000"}') if taken.error is None else Reply(b'{"code":"4001"}', _status(taken), JSON)


def thank_fiscal(taken: Taken) -> Reply:
    """As the tax side, in other words."""
    return Reply(b'{"result":"S0000"}') if taken.error is None else Reply(b'{"result":"E0001"}', _status(taken), JSON)


@inbound("invoice/tax", thank_tax)
def from_tax(body: bytes, headers: Mapping[str, str]) -> Sequence[InboundEvent]:
    """A request of the tax side is settled."""
    return _events("tax", body, headers)


@inbound("invoice/fiscal", thank_fiscal)
def from_fiscal(body: bytes, headers: Mapping[str, str]) -> Sequence[InboundEvent]:
    """A request of the finance side is settled."""
    return _events("fiscal", body, headers)


def _events(channel: str, body: bytes, headers: Mapping[str, str]) -> Sequence[InboundEvent]:
    """That it is still worked on is no news: such a word may also come after the last one."""
    told = client.channel(channel).callback(body, headers)
    if told.state in ("working", "confirming"):
        return []
    declined = client.refusal(told.why) if told.state == "failed" else None
    why = declined.message if declined else ""
    content = {"channel": channel, "request_number": told.request_number, **_plain(told), "why": why}
    digest = hashlib.sha256(repr(sorted(content.items())).encode()).hexdigest()[:32]
    message_id = f"{channel}/{digest}"
    if OURS.fullmatch(told.request_number):
        return [NoticeCame("invoice", message_id, "invoice", content)]
    answer = None if declined else Answer(_plain(told))
    return [LateAnswer("invoice", told.request_number, message_id, answer, declined)]


def _status(taken: Taken) -> int:
    return 401 if taken.error is not None and taken.error.code in ("bad_signature", "stale_message") else 400
