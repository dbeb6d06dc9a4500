"""What models ask of the clock: accept the case, stop, go on."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from engine.cases.case import Case
from engine.cases.lawful_clock import running
from engine.core import clock
from engine.core.errors import Fault, ModelFault
from engine.core.operations import Call, NoNews, operation


class StopClock(Schema):
    """Why the clock stops: 补件, 公示 …; the public notice that says so, where one was published."""

    reason = fields.String(required=True)
    notice_id = fields.Integer(load_default=None, allow_none=True)


class ResumeClock(Schema):
    """The reason that is over; without one the clock goes on whatever it stood for."""

    reason = fields.String(load_default="")


@operation("clock.stop", title="停止计时", where="inside", inputs=StopClock, outputs=NoNews)
def stop_clock(call: Call) -> dict[str, Any]:
    """Stop the lawful clock for a reason that the item declares; an item that declares none takes any."""
    case = call.session.get_one(Case, call.case_id)
    rules, reason = running.rules_of(call.session, case), call.inputs["reason"]
    if rules.stops and reason not in rules.stops:
        known = "、".join(rules.stops)
        raise ModelFault(Fault("unknown_stop", f"事项没有写明可因「{reason}」停止计时，写明的有：{known}"))
    running.stop(call.session, case, reason, call.token, call.inputs["notice_id"], rules)
    return {}


@operation("clock.resume", title="恢复计时", where="inside", inputs=ResumeClock, outputs=NoNews)
def resume_clock(call: Call) -> dict[str, Any]:
    """Let the lawful clock run on."""
    case = call.session.get_one(Case, call.case_id)
    running.resume(call.session, case, call.inputs["reason"])
    return {}


class Accepted(Schema):
    """When the case was accepted (ISO, with offset)."""

    accepted_at = fields.String(required=True)


@operation("case.accept", title="受理", where="inside", inputs=NoNews, outputs=Accepted)
def accept_case(call: Call) -> dict[str, Any]:
    """Mark the case as accepted and start its lawful clock; a second acceptance after 补件 keeps the first day."""
    case = call.session.get_one(Case, call.case_id)
    if case.accepted_at is None:
        case.accepted_at = clock.now()
        running.begin(call.session, case, running.rules_of(call.session, case))
    return {"accepted_at": clock.local(case.accepted_at).isoformat()}
