"""What models may ask of market supervision."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate
from stdnum.cn import uscc as credit_code

from connectors._kit.evidence import evidence
from connectors.market import client
from engine.core.errors import Declined
from engine.core.operations import Answer, Call, Verdict, operation

SOURCE = "市场监管"


def _valid_code(text: str) -> None:
    if not credit_code.is_valid(text):
        raise ValidationError("统一社会信用代码校验不通过，请核对 18 位代码")


class PostsInputs(Schema):
    """``consent``: true, or the number under which the person's consent is kept."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=60), metadata={"title": "姓名"})
    id_number = fields.String(required=True, metadata={"title": "证件号码", "personal": True})
    consent = fields.Raw(required=True, allow_none=True, metadata={"title": "本人同意"})


class _Post(Schema):
    uscc = fields.String(required=True, metadata={"title": "统一社会信用代码"})
    firm = fields.String(required=True, metadata={"title": "企业名称"})
    role = fields.String(required=True, metadata={"title": "职务"})
    share = fields.String(required=True, allow_none=True, metadata={"title": "出资比例（%）"})
    state = fields.String(required=True, metadata={"title": "登记状态"})
    is_head = fields.Boolean(required=True, metadata={"title": "是否法定代表人"})


class PostsOutputs(Schema):
    """Null means that the party did not say. ``legal_person``: head of a firm that is still on the register."""

    result = fields.String(required=True, validate=validate.OneOf(["pass", "unknown"]), metadata={"title": "核查结果"})
    legal_person = fields.Boolean(required=True, allow_none=True, metadata={"title": "是否法定代表人"})
    posts = fields.List(fields.Nested(_Post), required=True, metadata={"title": "任职情况"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "market.posts",
    title="查询企业任职",
    inputs=PostsInputs,
    outputs=PostsOutputs,
    party="market",
    purpose="核对申请人是否为企业法定代表人",
)
def posts(call: Call) -> Answer:
    """Pass: the register answered, also with no post at all. Unknown: it does not hold the person."""
    inputs = call.inputs
    if not inputs["consent"]:
        raise Declined("申请人没有同意查询企业任职，请先取得授权", code="consent_missing")
    found = client.posts(
        name=inputs["name"],
        id_number=inputs["id_number"],
        consent=inputs["consent"] if isinstance(inputs["consent"], str) else call.case_number,
        key=call.idempotency_key,
    )
    held = None if found.body is None else [_post(post) for post in found.body["posts"]]
    summary = _posts_summary(held)
    verdict: Verdict = "unknown" if held is None else "pass"
    head = None if held is None else any(post["is_head"] and post["state"] == "存续" for post in held)
    variables = {"result": verdict, "legal_person": head, "posts": held or [], "summary": summary}
    return Answer(
        variables, verdict, evidence(SOURCE, [(inputs["name"], inputs["id_number"])], found.exchange, summary)
    )


def _post(post: dict[str, Any]) -> dict[str, Any]:
    role, state = client.ROLES[post["role"]], client.STATES[post["state"]]
    return {**post, "role": role, "state": state, "is_head": post["role"] in client.HEADS}


def _posts_summary(held: list[dict[str, Any]] | None) -> str:
    if held is None:
        return "市场监管没有该人员的记录，需人工核对"
    heads = [post["firm"] for post in held if post["is_head"] and post["state"] == "存续"]
    if heads:
        return f"任 {len(heads)} 家存续企业的法定代表人：{'、'.join(heads)}"
    return f"未担任存续企业的法定代表人，另有 {len(held)} 条任职" if held else "没有企业任职"


class FirmInputs(Schema):
    uscc = fields.String(required=True, validate=_valid_code, metadata={"title": "统一社会信用代码"})
    firm_name = fields.String(load_default="", metadata={"title": "企业名称"})


class FirmOutputs(Schema):
    """Null means that the party did not say."""

    result = fields.String(
        required=True, validate=validate.OneOf(["pass", "fail", "unknown"]), metadata={"title": "核查结果"}
    )
    name = fields.String(required=True, allow_none=True, metadata={"title": "登记名称"})
    legal_person = fields.String(required=True, allow_none=True, metadata={"title": "法定代表人", "personal": True})
    kind = fields.String(required=True, allow_none=True, metadata={"title": "企业类型"})
    capital_wan = fields.String(required=True, allow_none=True, metadata={"title": "注册资本（万元）"})
    founded = fields.String(required=True, allow_none=True, metadata={"title": "成立日期"})
    state = fields.String(required=True, allow_none=True, metadata={"title": "登记状态"})
    scope = fields.String(required=True, allow_none=True, metadata={"title": "经营范围"})
    summary = fields.String(required=True, metadata={"title": "摘要"})


@operation(
    "market.firm",
    title="核验企业登记",
    inputs=FirmInputs,
    outputs=FirmOutputs,
    party="market",
    purpose="核对单位名称、状态和法定代表人",
)
def firm(call: Call) -> Answer:
    """Pass: on the register under this name. Fail: another name, revoked or struck off. Unknown: not held."""
    uscc, name = call.inputs["uscc"], call.inputs["firm_name"]
    found = client.firm(uscc=uscc, key=call.idempotency_key)
    facts: dict[str, Any] = dict.fromkeys(
        ("name", "legal_person", "kind", "capital_wan", "founded", "state", "scope"), None
    )
    if found.body is not None:
        facts.update({key: found.body[key] for key in facts})
        facts.update(founded=found.body["founded"].isoformat(), state=client.STATES[found.body["state"]])
    verdict, summary = _judge(facts, name)
    kept = evidence(SOURCE, [(facts["name"] or name or "单位", uscc)], found.exchange, summary)
    return Answer({"result": verdict, **facts, "summary": summary}, verdict, kept)


def _judge(facts: dict[str, Any], name: str) -> tuple[Verdict, str]:
    if facts["name"] is None:
        return "unknown", "市场监管没有该代码的登记，需人工核对"
    if name and name != facts["name"]:
        return "fail", f"登记名称为“{facts['name']}”，与所填不一致"
    if facts["state"] not in ("存续", "停业"):
        return "fail", f"{facts['name']}已{facts['state']}"
    return "pass", f"{facts['name']}，{facts['state']}"
