"""The wire of the signing platform: JSON posts signed both ways, files, and what it posts to us.

What we asked of whom travels with a flow (``attach``): a keyed digest per signer. So whoever the platform says has
signed is held against whom we asked for, in an answer, a callback, or a question months later.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from marshmallow import EXCLUDE, Schema, fields, validate

from connectors._kit import settings, webhooks
from connectors._kit.answers import read, signed_by, unexpected
from connectors._kit.http import Exchange, post, post_json
from connectors._kit.settings import PartySettings
from connectors._kit.signatures import signed
from engine.core.errors import Declined, OutsideFault, Refused, Unreachable

SIGNING, DONE, RESCINDED = 1, 2, 12
INBOUND = "/inbound/esign"
# The platform refuses what is older, and so do we.
WINDOW_SECONDS = 900
ENDS = {
    3: ("esign_withdrawn", "签署已撤回，请重新发起"),
    4: ("esign_ended", "签署被平台终止，请联系签约平台后重新发起"),
    5: ("esign_expired", "签署期限已过，仍有人没有签署，请重新发起"),
    7: ("esign_refused", "签署人拒绝签署，请与对方沟通后重新发起"),
    12: ("esign_rescinded", "合同已解约"),
}
FACE = ("esign_face_failed", "签署人的人脸识别没有通过，请本人重新发起签署")
DECLINED = {
    2001: ("esign_no_authority", "签约平台没有开通这项功能，请联系签约平台"),
    2201: ("esign_not_pdf", "要签署的文件不是可用的 PDF，请重新生成文书"),
    2202: ("esign_file_absent", "签约平台没有这个文件，请重新发起"),
    2301: ("esign_absent", "签约平台没有这个签署流程，请核对流程编号"),
    2303: ("esign_state", "签署流程的状态不允许这样办理，请先查询签署情况"),
    2304: ("esign_no_signer", "这个人不在签署人之中，请核对签署次序"),
    2305: ("esign_not_their_turn", "前一位签署人还没有签署，请等待"),
    2402: ("esign_pin_locked", "口令连续输错，CA 证书已锁定，请联系签约平台解锁，或改用手写签名"),
    2403: ("esign_no_certificate", "您在签约平台没有 CA 证书，请先申领，或改用手写签名"),
    2404: ("esign_certificate_ended", "您的 CA 证书已停用，请先续期，或改用手写签名"),
    2501: ("esign_no_seal", "签约平台没有这枚印章，请核对印章编号"),
}
NOT_ARCHIVED, CLOCK, WRONG_PIN = 2302, 1003, 2401
_nonces = webhooks.MemoryNonces()


class _Signer(Schema):
    class Meta:
        unknown = EXCLUDE

    order = fields.Integer(required=True, strict=True)
    name = fields.String(required=True)
    id_number = fields.String(required=True, data_key="idNumber")
    state = fields.Integer(required=True, strict=True)
    signed_at = fields.Integer(required=True, strict=True, data_key="signedAt")
    serial = fields.String(required=True, data_key="certSerial")


class _File(Schema):
    class Meta:
        unknown = EXCLUDE

    name = fields.String(required=True, data_key="fileName")


class _Over(Schema):
    number = fields.String(required=True, data_key="flowId")
    biz = fields.String(required=True, data_key="bizNo")
    attach = fields.String(required=True)
    state = fields.Integer(required=True, strict=True, validate=validate.OneOf([0, SIGNING, DONE, *ENDS]))
    reason = fields.String(required=True)
    finished_at = fields.Integer(required=True, strict=True, data_key="finishedAt")
    signers = fields.List(fields.Nested(_Signer), required=True)


class _Flow(_Over):
    files = fields.List(fields.Nested(_File), required=True)


class _Signed(Schema):
    """One signer's news."""

    number = fields.String(required=True, data_key="flowId")
    biz = fields.String(required=True, data_key="bizNo")
    order = fields.Integer(required=True, strict=True)
    state = fields.Integer(required=True, strict=True, data_key="signerState", validate=validate.OneOf([DONE, 7]))


class _Number(Schema):
    file_id = fields.String(required=True, data_key="fileId")


class _Url(Schema):
    url = fields.Url(required=True, schemes={"http", "https"}, require_tld=False)
    expires_at = fields.Integer(required=True, strict=True, data_key="expireAt")


class _Standing(Schema):
    found = fields.Boolean(required=True, truthy={True}, falsy={False})
    number = fields.String(required=True, data_key="flowId")
    state = fields.Integer(required=True, strict=True)


class _Opinion(Schema):
    signature = fields.String(required=True, validate=validate.Length(min=64, max=65_536))


@dataclass(frozen=True)
class Signer:
    """One who signs: ``state`` 1 asked, 2 signed, 7 refused; ``serial`` of the certificate, ``at`` when it was."""

    order: int
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    state: int = SIGNING
    serial: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Flow:
    """What the platform says of a flow. ``files``: names; empty in a callback."""

    number: str
    biz: str
    state: int
    reason: str
    finished_at: datetime | None
    signers: tuple[Signer, ...]
    attach: str
    exchange: Exchange
    files: tuple[str, ...] = ()

    def refusal(self) -> Declined | None:
        """Why nothing more will come of it; None while it is open or where all signed."""
        if self.state in (0, SIGNING, DONE):
            return None
        code, text = FACE if self.state == 4 and self.reason == "FACE" else ENDS[self.state]
        return Declined(text, code=code)


@dataclass(frozen=True)
class SignerNews:
    """One signer signed or refused."""

    number: str
    biz: str
    order: int
    refused: bool


def upload(name: str, content: bytes, key: str) -> str:
    """The platform's number of a file; the same content has one."""
    asked = {"fileName": name, "content": base64.b64encode(content).decode()}
    return str(_ask("/v1/files", asked, key, _Number)[0]["file_id"])


def create(asked: Mapping[str, Any], file_ids: Sequence[str], key: str) -> Flow:
    """Open a flow under our ``key``, or the one that was opened under it before."""
    party = settings.of("esign")
    names = ("order", "name", "id_number", "phone")
    wire = dict(zip(names, ("order", "name", "idNumber", "phone"), strict=True))
    wanted = {
        "bizNo": key,
        "title": asked["title"],
        "files": [{"fileId": one} for one in file_ids],
        "signers": [{wire[name]: one[name] for name in names} for one in asked["signers"]],
        "positions": [{name: one[name] for name in ("file", "signer", "page", "x", "y")} for one in asked["positions"]],
        "expireHours": asked["hours"],
        "notifyUrl": party.url("ANJU_ESIGN_NOTIFY_URL", INBOUND),
        "attach": ".".join(_digest(party, one["order"], one["name"], one["id_number"]) for one in asked["signers"]),
    }
    return _flow(*_ask("/v1/flows", wanted, key, _Flow))


def find(key: str) -> Flow | None:
    """The flow that was opened under our ``key``, if any."""
    try:
        return _flow(*_ask("/v1/flows/get", {"bizNo": key, "flowId": ""}, key, _Flow))
    except Declined as error:
        if error.code == "esign_absent":
            return None
        raise


def get(number: str, key: str) -> Flow:
    """A flow as it stands."""
    return _flow(*_ask("/v1/flows/get", {"flowId": number}, key, _Flow), number)


def revoke(number: str, reason: str, key: str) -> Flow:
    """Nobody can sign any more."""
    return _flow(*_ask("/v1/flows/revoke", {"flowId": number, "reason": reason}, key, _Flow), number)


def rescind(old: Flow, reason: str, key: str) -> Flow:
    """Ask the same people to sign that a finished flow ends."""
    notify = settings.of("esign").url("ANJU_ESIGN_NOTIFY_URL", INBOUND)
    asked = {"bizNo": key, "flowId": old.number, "reason": reason, "notifyUrl": notify, "attach": old.attach}
    return _flow(*_ask("/v1/flows/rescind", asked, key, _Flow))


def sign_url(number: str, order: int, key: str) -> tuple[str, datetime, Exchange]:
    """Where a signer signs, and until when."""
    told, exchange = _ask("/v1/flows/sign-url", {"flowId": number, "order": order}, key, _Url)
    return told["url"], _moment(told["expires_at"]), exchange


def flow_file(number: str, index: int, key: str) -> bytes:
    """A signed file of a finished flow. ``OutsideFault`` (``not_archived``) until it may be fetched."""
    return _binary("/v1/flows/file", {"flowId": number, "index": index}, key)


def seal(file_id: str, reason: str, key: str) -> tuple[str, Exchange]:
    """Put the office's seal on an uploaded file: the number of the sealed one."""
    number = settings.of("esign").text("ANJU_ESIGN_SEAL")
    asked = {"bizNo": key, "sealId": number, "fileId": file_id, "reason": reason}
    told, exchange = _ask("/v1/seals/sign", asked, key, _Number)
    return told["file_id"], exchange


def file(file_id: str, key: str) -> bytes:
    """A file of ours at the platform."""
    return _binary("/v1/files/get", {"fileId": file_id}, key)


def standing(sha256: str, key: str) -> tuple[int | None, Exchange]:
    """The state of the flow a file came from, None where the platform does not know it."""
    told, exchange = _ask("/v1/files/verify", {"sha256": sha256}, key, _Standing)
    return (told["state"] if told["found"] else None), exchange


def opinion(account: str, name: str, digest: bytes, pin: str, key: str) -> tuple[bytes, Exchange]:
    """A detached CMS signature over ``digest`` with the person's certificate. The PIN itself is not sent."""
    party = settings.of("esign")
    proof = hmac.new(party.secret("ANJU_ESIGN_SECRET"), f"{account}|{digest.hex()}|{pin}".encode(), hashlib.sha256)
    asked = {"bizNo": key, "account": account, "name": name, "digest": digest.hex(), "pinProof": proof.hexdigest()}
    told, exchange = _ask("/v1/opinions/sign", asked, key, _Opinion)
    try:
        return base64.b64decode(told["signature"], validate=True), exchange
    except ValueError as error:
        raise unexpected(party) from error


def read_news(body: bytes, headers: Mapping[str, str]) -> Flow | SignerNews:
    """Check and read what the platform posted. Raises ``Refused``; ``OutsideFault`` where another person signed."""
    party = settings.of("esign")
    verify = webhooks.by_hmac(party.secret("ANJU_ESIGN_SECRET"))
    agreed = webhooks.Agreed("esign", verify, window_seconds=WINDOW_SECONDS, message_id="notifyId")
    event = webhooks.receive(agreed, body, headers, _nonces)
    try:
        if event.data.get("event") == "signer":
            told = read(_Signed, party, event.data)
            return SignerNews(told["number"], told["biz"], told["order"], told["state"] != DONE)
        told = read(_Over, party, event.data)
    except OutsideFault as error:
        raise Refused("回调内容不合接口约定，已拒收", code="bad_message") from error
    return _flow(told, Exchange(200, {}, b"", body))


# --- inside -------------------------------------------------------------------------------------------------------


def _ask(path: str, asked: Mapping[str, Any], key: str, schema: type[Schema]) -> tuple[dict[str, Any], Exchange]:
    party = settings.of("esign")
    url, secret = party.url("ANJU_ESIGN_URL", path), party.secret("ANJU_ESIGN_SECRET")
    app = {"X-App-Id": party.text("ANJU_ESIGN_APP")}
    got = post_json(party, url, asked, key=key, headers=lambda body: {**app, **signed(secret, "POST", url, body)})
    signed_by(party, secret, url, got)
    _refused(party, got.data)
    data = got.data.get("data")
    if not isinstance(data, dict):
        raise unexpected(party)
    return read(schema, party, data), got


def _binary(path: str, asked: Mapping[str, Any], key: str) -> bytes:
    party = settings.of("esign")
    url, secret = party.url("ANJU_ESIGN_URL", path), party.secret("ANJU_ESIGN_SECRET")
    body = orjson.dumps(asked)
    head = {"Content-Type": "application/json; charset=utf-8", "X-App-Id": party.text("ANJU_ESIGN_APP")}
    got = post(party, url, body, {**head, "X-Request-Id": key, **signed(secret, "POST", url, body)})
    if got.status == 500:
        raise Unreachable(f"「{party.title}」内部出错（500）")
    kind = got.headers.get("Content-Type", "")
    if kind == "application/pdf" and got.response.startswith(b"%PDF-"):
        signed_by(party, secret, url, got)
        return got.response
    try:
        data = orjson.loads(got.response)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        raise Unreachable(f"「{party.title}」的应答不是约定的格式", code="unexpected_answer")
    signed_by(party, secret, url, got)
    _refused(party, data)
    raise unexpected(party)


def _refused(party: PartySettings, data: Mapping[str, Any]) -> None:
    code = data.get("code")
    if code == 0:
        return
    if code == CLOCK:
        raise OutsideFault(f"「{party.title}」认为本机时间相差超过 15 分钟，请管理员校准时间", code="clock_skew")
    if code == NOT_ARCHIVED:
        raise OutsideFault("合同已签完，签约平台尚未归档，稍后自动重试下载", code="not_archived")
    if code == WRONG_PIN:
        raise Declined(f"CA 证书口令不正确，还可以输入 {int(data.get('left') or 0)} 次", code="esign_pin_wrong")
    if code not in DECLINED:
        raise unexpected(party)
    known, text = DECLINED[code]
    raise Declined(text, code=known)


def _flow(told: Mapping[str, Any], exchange: Exchange, number: str = "") -> Flow:
    """Raises ``OutsideFault`` (``signer_differs``) where the signers are not those we asked for."""
    party = settings.of("esign")
    if number and told["number"] != number:
        raise unexpected(party)
    signers = tuple(
        Signer(one["order"], one["name"], one["id_number"], one["state"], one["serial"], _when(one["signed_at"]))
        for one in told["signers"]
    )
    came = ".".join(_digest(party, one.order, one.name, one.id_number) for one in signers)
    if not hmac.compare_digest(came.encode(), told["attach"].encode()):
        text = "签约平台报告的签署人与我方要求的不是同一人，请与平台核实后重试"
        raise SignerDiffers(text, told["biz"])
    finished = _when(told["finished_at"])
    names = tuple(one["name"] for one in told.get("files", []))
    return Flow(
        told["number"], told["biz"], told["state"], told["reason"], finished, signers, told["attach"], exchange, names
    )


class SignerDiffers(OutsideFault):
    """Somebody else signed than was asked to; ``biz``: our number of the flow."""

    def __init__(self, message: str, biz: str) -> None:
        super().__init__(message, code="signer_differs")
        self.biz = biz


def _digest(party: PartySettings, order: int, name: str, id_number: str) -> str:
    text = f"{order}|{name}|{id_number}".encode()
    return hmac.new(party.secret("ANJU_ESIGN_SECRET"), text, hashlib.sha256).hexdigest()[:16]


def _when(seconds: int) -> datetime | None:
    return _moment(seconds) if seconds else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
