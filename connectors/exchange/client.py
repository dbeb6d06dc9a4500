"""The wire of the sharing gateway (wire/README.md): letters in envelopes, a queue there and a queue back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from marshmallow import EXCLUDE, Schema, ValidationError, fields

from connectors._kit import sm
from connectors._kit.answers import unexpected
from connectors._kit.envelopes import BadEnvelope, Key, Keys, Letter, seal, unseal
from connectors._kit.gateways import by_sm2
from connectors._kit.mq import Broker, Delivery
from connectors._kit.settings import PartySettings, of
from connectors._kit.webhooks import by_sm2 as checked_by_sm2
from connectors.exchange.catalogue import ITEMS
from engine.core import clock
from engine.core.errors import Declined, OutsideFault

PARTY = "exchange"
BROKER = "ANJU_EXCHANGE_BROKER"
ANSWERED, STRANGER = "0000", "1001"
REFUSALS = {
    "3001": ("exchange_not_granted", "共享目录未授权本事项使用该数据，请联系数据共享管理员"),
    "3002": ("exchange_no_item", "共享目录中没有该目录项，请核对目录编码"),
    "3003": ("exchange_source_refused", "数据提供单位拒绝了本次查询，请联系数据共享管理员"),
}


@dataclass(frozen=True)
class Sent:
    """What was left in the gateway's queue, and the trace number it goes by."""

    trace: str
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Came:
    """An answer: rows without what is personal, or a no, or why it cannot be used. ``code`` is the gateway's."""

    delivery: Delivery
    key: str
    message_id: str
    body: bytes = field(repr=False)
    trace: str = ""
    code: str = ""
    data_time: str = ""
    rows: tuple[Mapping[str, Any], ...] = ()
    declined: Declined | None = None
    fault: OutsideFault | None = None


class _Answer(Schema):
    trace = fields.String(required=True, data_key="traceNo")
    code = fields.String(required=True)
    accepted_as = fields.String(required=True, data_key="acceptNo")
    data_time = fields.DateTime(required=True, data_key="dataTime", format="%Y%m%d%H%M%S")
    rows = fields.List(fields.Dict(), required=True)


def ask(asked: Mapping[str, Any], *, matter: str, case_number: str, key: str) -> Sent:
    """Leave a question under ``key``; asked again it has the same number. Raises ``Unreachable``, ``OutsideFault``."""
    party = of(PARTY)
    unit = party.text("ANJU_EXCHANGE_UNIT")
    trace = trace_number(unit, key)
    letter = {
        "traceNo": trace,
        "catalogItem": asked["catalogue_item"],
        "matter": matter,
        "caseNo": case_number,
        "reason": asked["reason"],
        "operator": asked["operator"] or party.text("ANJU_EXCHANGE_OPERATOR"),
        "unit": unit,
        "person": {"name": asked["name"], "idNo": asked["id_number"]},
        "sentAt": clock.local(clock.now()).strftime("%Y%m%d%H%M%S"),
    }
    body = orjson.dumps(letter)
    # The item goes with the number of the question: an answer is read by the item it was asked for.
    number = f"{asked['catalogue_item']}/{key}"
    _broker(party).publish(party.text("ANJU_EXCHANGE_REQUESTS"), seal(body, number, _keys(party)), message_id=number)
    return Sent(trace, body)


def trace_number(unit: str, key: str) -> str:
    """By what a question is known from end to end: the office's number and 20 digits of a hash of ``key``."""
    return f"{unit}-{sm.sm3(key.encode()).hex()[:20]}"


def answers() -> Iterator[Came]:
    """What lies in our queue; nothing where nobody said where that is. What cannot be opened is a dead letter.

    An answer is offered again in the next round until its ``delivery.fate`` is ``taken``. Raises as ``ask`` does.
    """
    party = of(PARTY)
    if not party.values.get(BROKER):
        return
    keys = _keys(party)
    with closing(_broker(party).messages(party.text("ANJU_EXCHANGE_ANSWERS"))) as waiting:
        for one in waiting:
            try:
                letter = unseal(one.body, keys)
                item, _, key = letter.answers.partition("/")
                if item not in ITEMS:
                    raise BadEnvelope("answers nothing that we ask")
            except BadEnvelope:
                one.fate = "dead"
            else:
                one.fate = "again"
                yield _read(party, one, letter, item, key)


def _read(party: PartySettings, one: Delivery, letter: Letter, item: str, key: str) -> Came:
    """By the schemas of an answer and of the item; whatever else it is, is a fault of theirs."""
    came = (one, key, letter.message_id, letter.body)
    try:
        read = _Answer().load(orjson.loads(letter.body), unknown=EXCLUDE)
        rows = tuple(ITEMS[item].read(read["rows"]))
    except (orjson.JSONDecodeError, ValidationError):
        return Came(*came, fault=unexpected(party))
    if read["trace"] != trace_number(party.text("ANJU_EXCHANGE_UNIT"), key):
        return Came(*came, fault=unexpected(party))
    known = (read["trace"], read["code"], read["data_time"].strftime("%Y-%m-%d %H:%M"), rows)
    if read["code"] in (ANSWERED, STRANGER):
        return Came(*came, *known)
    unknown = ("exchange_refused", "共享交换网关拒绝了本次查询，请联系数据共享管理员")
    code, message = REFUSALS.get(read["code"], unknown)
    return Came(*came, *known, declined=Declined(f"{message}（追踪号 {read['trace']}）", code=code))


def _broker(party: PartySettings) -> Broker:
    return Broker(party, party.text(BROKER))


def _keys(party: PartySettings) -> Keys:
    texts = (party.text(f"ANJU_EXCHANGE_{name}") for name in ("KEYS", "PRIVATE", "PUBLIC"))
    try:
        return _read_keys(*texts)
    except ValueError:
        message = f"「{party.title}」的密钥不能用，请管理员核对 ANJU_EXCHANGE_KEYS、_PRIVATE 和 _PUBLIC"
        raise OutsideFault(message, code="not_configured") from None


@cache
def _read_keys(given: str, private: str, public: str) -> Keys:
    pairs = [one.strip().partition(":") for one in given.split(",")]
    known = {number: Key("SM4-GCM", bytes.fromhex(secret)) for number, _, secret in pairs}
    ours, theirs = sm.private_from_hex(private), sm.public_from_hex(public)
    return Keys(pairs[0][0], known, by_sm2(ours), checked_by_sm2(theirs))
