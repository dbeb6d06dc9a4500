"""An opinion signed with a colleague's own certificate at the platform, and the signature checked years later."""

from __future__ import annotations

import base64
import hashlib

import orjson
from marshmallow import Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors._kit.http import Exchange
from connectors.esign import client
from engine.core.errors import Declined, OutsideFault
from engine.core.operations import Answer, Call, operation

SOURCE = "电子签约平台"


class _OfPerson(Schema):
    """``text``: the opinion in its canonical form; only its SHA-256 leaves the house."""

    text = fields.String(required=True, validate=validate.Length(min=1), metadata={"title": "意见全文"})
    account = fields.String(required=True, validate=validate.Length(min=1, max=80), metadata={"title": "账号"})
    name = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "姓名"})


class OpinionInputs(_OfPerson):
    pin = fields.String(
        required=True, validate=validate.Length(min=1, max=64), metadata={"title": "证书口令", "personal": True}
    )


class OpinionOutputs(Schema):
    signature = fields.String(required=True, metadata={"title": "签名（CMS，base64）"})
    serial = fields.String(required=True, metadata={"title": "证书序列号"})
    signed_at = fields.String(required=True, metadata={"title": "签名时间"})


@operation("esign.opinion", title="CA 签署意见", inputs=OpinionInputs, outputs=OpinionOutputs, party="esign", retries=0)
def opinion(call: Call) -> Answer:
    """Signed by the platform, then checked by us. Never repeated by itself: a PIN may be locked."""
    from connectors.esign import papers

    asked = call.inputs
    text = asked["text"].encode()
    digest = hashlib.sha256(text).digest()
    made, exchange = client.opinion(asked["account"], asked["name"], digest, asked["pin"], call.idempotency_key)
    found = papers.judge(text, made, asked["account"], asked["name"], fresh=True)
    if found.problem or found.at is None:
        raise OutsideFault(f"CA 签名核验不通过：{found.problem}。意见没有提交，请联系管理员", code="bad_signature")
    summary = f"CA 签名，证书 {found.serial}"
    kept = evidence(SOURCE, [(asked["name"], "")], _without_proof(exchange), summary)
    variables = {"signature": base64.b64encode(made).decode(), "serial": found.serial}
    return Answer({**variables, "signed_at": found.at.isoformat()}, None, kept)


class CheckInputs(_OfPerson):
    signature = fields.String(required=True, validate=validate.Length(min=1), metadata={"title": "签名"})


class CheckOutputs(Schema):
    """``problem``: empty where the signature counts."""

    valid = fields.Boolean(required=True, metadata={"title": "有效"})
    serial = fields.String(required=True, metadata={"title": "证书序列号"})
    signed_at = fields.String(required=True, metadata={"title": "签名时间"})
    problem = fields.String(required=True, metadata={"title": "不成立的原因"})


@operation(
    "esign.opinion_check",
    title="核验意见的 CA 签名",
    inputs=CheckInputs,
    outputs=CheckOutputs,
    party="esign",
    retries=0,
)
def opinion_check(call: Call) -> Answer:
    """By our own means, years later too: nobody is asked."""
    from connectors.esign import papers

    asked = call.inputs
    try:
        signature = base64.b64decode(asked["signature"], validate=True)
    except ValueError:
        raise Declined("签名数据读不懂", code="bad_signature") from None
    found = papers.judge(asked["text"].encode(), signature, asked["account"], asked["name"], fresh=False)
    signed_at = found.at.isoformat() if found.at else ""
    told = {"valid": not found.problem, "serial": found.serial, "signed_at": signed_at, "problem": found.problem}
    return Answer(told)


def _without_proof(exchange: Exchange) -> Exchange:
    """What was asked is kept without what proved that the PIN was known."""
    asked = {name: value for name, value in orjson.loads(exchange.request).items() if name != "pinProof"}
    return Exchange(exchange.status, exchange.headers, orjson.dumps(asked), exchange.response)
