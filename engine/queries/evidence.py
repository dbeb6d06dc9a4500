"""What other parties said: a line per question, and the whole exchange with personal data masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import final
from engine.cases.case import ROOT_SCOPE, Case
from engine.core import masks, operations, secrets
from engine.core.errors import NotFound
from engine.outside.ledger import CallRecord, is_untouched
from engine.queries.common import masked_text, stamp

VERDICTS = {"pass": ("通过", "ok"), "fail": ("不通过", "bad"), "unknown": ("无法判定", "warn")}
OUTCOMES = {
    "answered": ("已完成", ""),
    "pending": ("待答复", "warn"),
    "unreachable": ("未答复", "warn"),
    "declined": ("对方拒绝", "bad"),
    "fault": ("出错", "bad"),
}
# GB 11643: division, birthday, order, check character.
_ID = re.compile(r"(?<!\d)[1-8]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d{4}[\dXx](?!\d)")
_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")


@dataclass(frozen=True)
class Exchange:
    """One question to another party, as it stands after its last attempt. ``about`` is already masked."""

    id: int
    title: str
    party: str
    is_check: bool
    mark: str
    tone: str
    about: str
    summary: str
    at: str
    attempts: int
    digest: str
    cost_fen: int
    latency_ms: int


@dataclass(frozen=True)
class ExchangeDetail:
    """The exchange with its bodies, masked. ``intact``: the seal holds; None for a line from before there were any."""

    line: Exchange
    request: str
    response: str
    latency_ms: int
    error: str
    intact: bool | None
    purpose: str
    consent: str


def exchanges(session: Session, case_id: int) -> list[Exchange]:
    """Every question of a case in the order it was first asked; only its last attempt is shown."""
    query = select(CallRecord).where(CallRecord.case_id == case_id, CallRecord.party != "").order_by(CallRecord.id)
    last: dict[tuple[str, str], CallRecord] = {}
    for record in session.scalars(query):
        last[record.token, record.operation] = record
    return [_line(record) for record in last.values()]


def checks(session: Session, case_id: int) -> list[Exchange]:
    """The questions whose answer is a verdict."""
    return [one for one in exchanges(session, case_id) if one.is_check]


def detail(session: Session, case_id: int, record_id: int) -> ExchangeDetail:
    """One exchange of a case. Raises ``NotFound``."""
    record = session.get(CallRecord, record_id)
    if record is None or record.case_id != case_id:
        raise NotFound("没有这份证据")
    known = _known(final.variables(session, session.get_one(Case, case_id))[ROOT_SCOPE])
    return ExchangeDetail(
        line=_line(record),
        request=_readable(record.request, known),
        response=_readable(record.response, known),
        latency_ms=record.latency_ms,
        error=record.error,
        intact=is_untouched(record) if record.seal else None,
        purpose=record.purpose,
        consent=record.consent,
    )


def _line(record: CallRecord) -> Exchange:
    known = operations.vocabulary().get(record.operation)
    is_check = bool(record.verdict) or (known is not None and "result" in known.outputs.fields)
    mark, tone = VERDICTS.get(record.verdict) or OUTCOMES.get(record.outcome, (record.outcome, ""))
    return Exchange(
        id=record.id,
        title=record.title,
        party=record.party,
        is_check=is_check,
        mark=mark,
        tone=tone,
        about=record.subject,
        summary=record.summary,
        at=stamp(record.at),
        attempts=record.attempt,
        digest=record.digest,
        cost_fen=record.cost_fen,
        latency_ms=record.latency_ms,
    )


def _known(value: Any, key: str = "") -> dict[str, str]:
    """Personal texts of the case → how they are masked: sealed values, and names of people."""
    if isinstance(value, str):
        if value.startswith(secrets.PREFIX):
            clear = secrets.unseal(value)
            return {clear: masked_text(clear, key)}
        return {value: masks.mask_name(value)} if key == "name" and 1 < len(value) <= 20 else {}
    found: dict[str, str] = {}
    if isinstance(value, Mapping) and ("id_number" in value or key != "name"):
        for name, item in value.items():
            if name != "name" or "id_number" in value:
                found |= _known(item, str(name))
    elif isinstance(value, list):
        for item in value:
            found |= _known(item, key)
    return found


def _readable(body: bytes | None, known: Mapping[str, str]) -> str:
    """The body as text: what is known to be personal masked, then everything that looks like an ID or a phone."""
    if not body:
        return ""
    text = _indented(body).decode("utf-8", "replace")
    for clear in sorted(known, key=len, reverse=True):
        text = text.replace(clear, known[clear])
    text = _ID.sub(lambda match: masks.mask_id(match[0]), text)
    return _PHONE.sub(lambda match: masks.mask_phone(match[0]), text)


def _indented(body: bytes) -> bytes:
    """JSON one name a line; anything else as it came."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
    except orjson.JSONDecodeError:
        return body
