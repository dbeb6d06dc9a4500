"""Contracts signed at the platform: opened, waited for, fetched, checked, ended; and what it tells us meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from marshmallow import EXCLUDE, Schema, fields, validate

from connectors._kit.evidence import evidence
from connectors.esign import client, opinions
from connectors.esign.client import DONE, Flow
from engine.core import clock
from engine.core.errors import OutsideFault, Refused
from engine.core.inbound import NoticeCame, inbound
from engine.core.operations import Answer, Call, Evidence, FileAccess, LateAnswer, Pending, Verdict, operation

__all__ = ["opinions"]

SOURCE = "电子签约平台"
PDF = "application/pdf"
# When an open flow is asked after, as parts of the time it may stay open; then once more when it must be over.
ASKED_AT = (1 / 64, 1 / 8, 1 / 3, 2 / 3)
AFTER_THE_END = timedelta(minutes=5)


class _Item(Schema):
    class Meta:
        unknown = EXCLUDE


class _File(_Item):
    file_id = fields.String(required=True, validate=validate.Length(min=1))
    name = fields.String(required=True, validate=validate.Length(min=1, max=100))


class _Signer(_Item):
    order = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=20))
    name = fields.String(required=True, validate=validate.Length(min=1, max=120), metadata={"personal": True})
    id_number = fields.String(required=True, validate=validate.Length(min=1, max=40), metadata={"personal": True})
    phone = fields.String(load_default="", metadata={"personal": True})


class _Position(_Item):
    """Where a signature stands: points from the lower left corner of a page; page -1 is the last."""

    file = fields.Integer(load_default=1, validate=validate.Range(min=1))
    signer = fields.Integer(required=True, validate=validate.Range(min=1))
    page = fields.Integer(load_default=-1)
    x = fields.Float(required=True, validate=validate.Range(min=0, max=2000))
    y = fields.Float(required=True, validate=validate.Range(min=0, max=2000))


class FlowInputs(Schema):
    title = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "签署名称"})
    files = fields.List(
        fields.Nested(_File), required=True, validate=validate.Length(min=1, max=10), metadata={"title": "文件"}
    )
    signers = fields.List(
        fields.Nested(_Signer), required=True, validate=validate.Length(min=1, max=20), metadata={"title": "签署人"}
    )
    positions = fields.List(fields.Nested(_Position), load_default=list, metadata={"title": "签署位置"})
    hours = fields.Integer(
        load_default=168, validate=validate.Range(min=1, max=2160), metadata={"title": "签署期限（小时）"}
    )


class _SignedBy(Schema):
    order = fields.Integer(required=True)
    name = fields.String(required=True, metadata={"personal": True})
    state = fields.String(required=True, validate=validate.OneOf(["asked", "signed", "refused"]))
    signed_at = fields.String(required=True)
    certificate = fields.String(required=True)


class FlowOutputs(Schema):
    """``finished_at`` and a signer's ``signed_at``: ISO date-times, empty where there is none."""

    flow_id = fields.String(required=True, metadata={"title": "签署流程编号"})
    state = fields.Integer(required=True, metadata={"title": "状态"})
    finished_at = fields.String(required=True, metadata={"title": "完成时间"})
    signed_by = fields.List(fields.Nested(_SignedBy), required=True, metadata={"title": "签署情况"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation("esign.flow", title="发起签署并等待完成", inputs=FlowInputs, outputs=FlowOutputs, party="esign")
def flow(call: Call) -> Answer | Pending:
    """All have signed, or an error says who or what stood against it: only a signed contract lets a case go on.

    A repeat finds the flow opened under the same key, and what became of it where no callback came through.
    """
    asked, key, files = call.inputs, call.idempotency_key, _files(call)
    found = client.find(key) if call.attempt > 1 else None
    if found is None:
        contents = [(one["name"], files.read(one["file_id"])) for one in asked["files"]]
        ids = [client.upload(name, content, f"{key}-{n}") for n, (name, content) in enumerate(contents)]
        found = client.create(asked, ids, key)
    return _came(found, call, timedelta(hours=asked["hours"]))


class OfFlow(Schema):
    flow_id = fields.String(
        required=True, validate=validate.Regexp(r"^[0-9A-Za-z_-]{6,40}$"), metadata={"title": "签署流程编号"}
    )


@operation("esign.query", title="查询签署情况", inputs=OfFlow, outputs=FlowOutputs, party="esign")
def query(call: Call) -> Answer:
    """A flow as it stands, also one that is over."""
    found = client.get(call.inputs["flow_id"], call.idempotency_key)
    return Answer(_plain(found), None, _kept(found))


class UrlInputs(OfFlow):
    order = fields.Integer(required=True, validate=validate.Range(min=1), metadata={"title": "签署次序"})


class UrlOutputs(Schema):
    """The address lets whoever has it sign, after a face check."""

    url = fields.String(required=True, metadata={"title": "签署地址", "personal": True})
    expires_at = fields.String(required=True, metadata={"title": "有效期至"})


@operation("esign.sign_url", title="取得签署地址", inputs=UrlInputs, outputs=UrlOutputs, party="esign")
def sign_url(call: Call) -> Answer:
    """Where one signer signs."""
    url, until, _ = client.sign_url(call.inputs["flow_id"], call.inputs["order"], call.idempotency_key)
    return Answer({"url": url, "expires_at": until.isoformat()})


class DownloadOutputs(Schema):
    files = fields.List(fields.Nested(_File), required=True, metadata={"title": "已签署的文件"})
    signed_file_id = fields.String(required=True, metadata={"title": "首个已签署文件"})


@operation("esign.download", title="下载已签署的文件", inputs=OfFlow, outputs=DownloadOutputs, party="esign")
def download(call: Call) -> Answer:
    """Into the files of the case, after every signature in them was checked. Not before the platform archived them."""
    from connectors.esign import papers

    number, key, files = call.inputs["flow_id"], call.idempotency_key, _files(call)
    found = client.get(number, key)
    if refusal := found.refusal():
        raise refusal
    contents = [client.flow_file(number, index, key) for index in range(len(found.files))]
    for content in contents:
        papers.check_signed(content, [one.serial for one in found.signers])
    kept = [
        {"file_id": files.write(content, name=name, media_type=PDF), "name": name}
        for name, content in zip(found.files, contents, strict=True)
    ]
    return Answer({"files": kept, "signed_file_id": kept[0]["file_id"]}, None, _kept(found))


class VerifyInputs(Schema):
    file_id = fields.String(required=True, validate=validate.Length(min=1), metadata={"title": "文件"})


class VerifyOutputs(Schema):
    result = fields.String(
        required=True, validate=validate.OneOf(["pass", "fail", "unknown"]), metadata={"title": "核验结果"}
    )
    signers = fields.List(fields.String(), required=True, metadata={"title": "签署人"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation("esign.verify", title="核验已签署的文件", inputs=VerifyInputs, outputs=VerifyOutputs, party="esign")
def verify(call: Call) -> Answer:
    """Pass: its signatures hold and the contract stands. Fail: altered, or rescinded. Unknown: not known there."""
    from connectors.esign import papers

    content = _files(call).read(call.inputs["file_id"])
    found = papers.read_pdf(content)
    state, exchange = client.standing(hashlib.sha256(content).hexdigest(), call.idempotency_key)
    verdict: Verdict = "pass"
    summary = f"签名有效，共 {len(found)} 个，合同有效"
    if not found or not all(one.holds for one in found):
        verdict, summary = "fail", "文件没有有效的签名，或签署后有改动"
    elif state is None:
        verdict, summary = "unknown", "签名有效，但签约平台没有这份文件，请人工核对"
    elif state != DONE:
        verdict, summary = "fail", client.ENDS.get(state, ("", "签署尚未完成"))[1]
    variables = {"result": verdict, "signers": [one.signer for one in found], "summary": summary}
    return Answer(variables, verdict, evidence(SOURCE, [], exchange, summary))


class EndInputs(OfFlow):
    reason = fields.String(required=True, validate=validate.Length(min=1, max=100), metadata={"title": "原因"})


@operation("esign.revoke", title="撤回签署", inputs=EndInputs, outputs=FlowOutputs, party="esign")
def revoke(call: Call) -> Answer:
    """While not all have signed; withdrawn before, it stays so."""
    found = client.revoke(call.inputs["flow_id"], call.inputs["reason"], call.idempotency_key)
    return Answer(_plain(found), None, _kept(found))


@operation("esign.rescind", title="解除已签合同", inputs=EndInputs, outputs=FlowOutputs, party="esign")
def rescind(call: Call) -> Answer | Pending:
    """The same people sign that the contract ends; waited for like the contract itself."""
    key = call.idempotency_key
    found = client.find(key) if call.attempt > 1 else None
    if found is None:
        old = client.get(call.inputs["flow_id"], key)
        found = client.rescind(old, call.inputs["reason"], key)
    return _came(found, call, timedelta(hours=168))


class SealInputs(Schema):
    file_id = fields.String(required=True, validate=validate.Length(min=1), metadata={"title": "文件"})
    name = fields.String(load_default="证照.pdf", metadata={"title": "文件名"})
    reason = fields.String(load_default="证照签发", validate=validate.Length(max=60), metadata={"title": "盖章事由"})


class SealOutputs(Schema):
    signed_file_id = fields.String(required=True, metadata={"title": "已盖章文件"})


@operation("esign.seal", title="证照自动盖章", inputs=SealInputs, outputs=SealOutputs, party="esign")
def seal(call: Call) -> Answer:
    """The office's seal at the platform, without a person; a repeat gives the same file."""
    from connectors.esign import papers

    asked, key, files = call.inputs, call.idempotency_key, _files(call)
    uploaded = client.upload(asked["name"], files.read(asked["file_id"]), f"{key}-0")
    number, exchange = client.seal(uploaded, asked["reason"], key)
    content = client.file(number, key)
    papers.check_signed(content, [])
    kept = files.write(content, name=asked["name"], media_type=PDF)
    return Answer({"signed_file_id": kept}, None, evidence(SOURCE, [], exchange, "已自动盖章"))


# --- what it tells us ---------------------------------------------------------------------------------------------


@inbound("esign")
def told(body: bytes, headers: Mapping[str, str]) -> LateAnswer | NoticeCame:
    """A signer's news goes into the record of the case; the end of a flow is the answer it waits for."""
    try:
        news = client.read_news(body, headers)
    except client.SignerDiffers as error:
        return LateAnswer("esign", error.biz, f"{error.biz}/differs", None, fault=error)
    if isinstance(news, client.SignerNews):
        done = "refused" if news.refused else "signed"
        content = {"key": news.biz, "flow_id": news.number, "order": news.order, "done": done}
        return NoticeCame("esign", f"{news.number}/{news.order}/{done}", "esign_signer", content)
    refusal, message_id = news.refusal(), f"{news.number}/{news.state}"
    if refusal is not None:
        return LateAnswer("esign", news.biz, message_id, None, refusal)
    if news.state != DONE:
        raise Refused("流程尚未结束，不应通知完成，已拒收", code="bad_message")
    return LateAnswer("esign", news.biz, message_id, Answer(_plain(news), None, _kept(news)))


# --- inside -------------------------------------------------------------------------------------------------------


def _files(call: Call) -> FileAccess:
    if call.files is None:
        raise TypeError("esign needs access to files")
    return call.files


def _came(found: Flow, call: Call, term: timedelta) -> Answer | Pending:
    """Signed by all, over (raises ``Declined``), or still open: then it is asked after at set times."""
    if refusal := found.refusal():
        raise refusal
    if found.state == DONE:
        return Answer(_plain(found), None, _kept(found))
    if found.biz != call.idempotency_key:
        raise OutsideFault(f"「{SOURCE}」答非所问，请核对接口版本", code="unexpected_answer")
    before = sum(ASKED_AT[: call.attempt - 1][-1:])
    part = ASKED_AT[call.attempt - 1] - before if call.attempt <= len(ASKED_AT) else 1 - before
    after = AFTER_THE_END if call.attempt > len(ASKED_AT) else timedelta(0)
    return Pending(call.idempotency_key, clock.now() + term * part + after, _kept(found))


def _kept(found: Flow) -> Evidence:
    people = [(one.name, one.id_number) for one in found.signers]
    return evidence(SOURCE, people, found.exchange, _summary(found))


def _summary(found: Flow) -> str:
    signed = sum(one.state == DONE for one in found.signers)
    refusal = found.refusal()
    if refusal is not None:
        return refusal.message
    return f"{len(found.signers)} 人已全部签署" if found.state == DONE else f"已签署 {signed}/{len(found.signers)} 人"


def _plain(found: Flow) -> dict[str, object]:
    states = {DONE: "signed", 7: "refused"}
    signed_by = [
        {
            "order": one.order,
            "name": one.name,
            "state": states.get(one.state, "asked"),
            "signed_at": one.at.isoformat() if one.at else "",
            "certificate": one.serial,
        }
        for one in found.signers
    ]
    finished = found.finished_at.isoformat() if found.finished_at else ""
    summary = _summary(found)
    return {
        "flow_id": found.number,
        "state": found.state,
        "finished_at": finished,
        "signed_by": signed_by,
        "summary": summary,
    }
