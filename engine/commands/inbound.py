"""What other parties bring in becomes a command, exactly once: the message and its effect are one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import select

from engine.commands import Unit, handles
from engine.commands.cases import StartCase, start_case
from engine.commands.jobs import ReceiveLateAnswer, receive_late_answer
from engine.commands.messages import publish
from engine.core import clock
from engine.core.errors import NotFound, Refused
from engine.core.inbound import CaseCame, InboundEvent, MessageCame, NoticeCame, Taken
from engine.core.operations import LateAnswer
from engine.outside import inbox
from engine.outside.handed_down import HandedDown
from engine.registers.offices import Office

# Takes a notice inside the running transaction; what it gives back is told to the party.
Taker = Callable[[NoticeCame, Unit], Mapping[str, Any] | None]
_takers: dict[str, Taker] = {}


@dataclass(frozen=True)
class ReceiveEvent:
    """Something came in from another party."""

    event: InboundEvent


def takes(kind: str) -> Callable[[Taker], Taker]:
    """Mark the function that takes notices of a kind: ``(notice, unit) -> result``."""

    def add(taker: Taker) -> Taker:
        if kind in _takers and _takers[kind].__module__ != taker.__module__:
            raise ValueError(f"notices of kind {kind} are taken twice")
        _takers[kind] = taker
        return taker

    return add


@handles(ReceiveEvent)
def receive_event(command: ReceiveEvent, unit: Unit) -> Taken:
    """Take an event once. A repeat is given the first result; one with another content is refused."""
    event = command.event
    if isinstance(event, LateAnswer):
        # Taken once by its correlation, and refused where nobody asked.
        return Taken(repeated=not receive_late_answer(ReceiveLateAnswer(event), unit))
    kind, content = _kind(event), _content(event)
    digest = sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
    row, new = inbox.first(unit.session, event.party, event.message_id, kind, digest)
    if not new:
        if row.digest != digest:
            raise Refused("同一编号的消息内容与先前不同，已拒收", code="message_changed")
        inbox.repeated(unit.session, row)
        return Taken(dict(row.result), repeated=True)
    row.result = dict(_take(event, unit) or {})
    unit.session.flush()
    return Taken(dict(row.result))


def _take(event: MessageCame | CaseCame | NoticeCame, unit: Unit) -> Mapping[str, Any] | None:
    if isinstance(event, MessageCame):
        message_id = f"{event.party}:{event.message_id}"
        return {"delivered": publish(unit, event.name, event.key, event.variables, message_id)}
    if isinstance(event, CaseCame):
        office = unit.session.scalar(select(Office.id).where(Office.code == event.region))
        if office is None:
            raise Refused(f"没有受理地区 {event.region} 的机构，请核对下发地区", code="unknown_region")
        started = start_case(StartCase(event.item, dict(event.answers), event.channel, office), unit)
        if event.reference:
            _keep_handed_down(event, started.case_id, unit)
        return {"case_id": str(started.case_id), "number": started.number}
    taker = _takers.get(event.kind)
    if taker is None:
        raise NotFound(f"没有办理「{event.kind}」类通知的功能")
    return taker(event, unit)


def _keep_handed_down(event: CaseCame, case_id: int, unit: Unit) -> None:
    files = [{**vars(one), "asked": False, "attachment": ""} for one in event.files]
    row = HandedDown(case_id=case_id, party=event.party, number=event.reference, received_on=clock.today(), files=files)
    unit.session.add(row)


def _kind(event: MessageCame | CaseCame | NoticeCame) -> str:
    return event.kind if isinstance(event, NoticeCame) else type(event).__name__


def _content(event: MessageCame | CaseCame | NoticeCame) -> dict[str, Any]:
    if isinstance(event, NoticeCame):
        return dict(event.content)
    if isinstance(event, MessageCame):
        return {"name": event.name, "key": event.key, "variables": event.variables}
    return {"item": event.item, "answers": event.answers, "region": event.region}
