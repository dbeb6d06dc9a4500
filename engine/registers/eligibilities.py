"""An eligibility after it was granted: a decision of a later case corrects or revokes it. What was before is kept."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engine.core import clock
from engine.core.db import for_update
from engine.core.errors import Refused
from engine.core.operations import Call, NoNews, operation
from engine.registers.households import Eligibility, EligibilityChange, WaitingEntry

ACTIVE, REVOKED, CORRECTED = "active", "revoked", "corrected"
WAITING, REMOVED = "waiting", "removed"


def granted_by(session: Session, case_id: int) -> dict[str, Any] | None:
    """What a case granted, as it stands now: dates in ISO, the place on the waiting list or None."""
    query = (
        select(Eligibility, WaitingEntry)
        .outerjoin(WaitingEntry, WaitingEntry.eligibility_id == Eligibility.id)
        .where(Eligibility.case_id == case_id)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    eligibility, place = found
    return {
        "id": eligibility.id,
        "state": eligibility.state,
        "support_mode": eligibility.support_mode,
        **_told(eligibility),
        "waiting_number": place.number if place is not None and place.state == WAITING else None,
    }


class EndEligibility(Schema):
    """Which one."""

    eligibility_id = fields.Integer(required=True)


class EligibilityEnded(Schema):
    """The day from which it gives no right any more (ISO)."""

    ended_on = fields.String(required=True)


@operation("eligibility.end", title="注销保障资格", where="inside", inputs=EndEligibility, outputs=EligibilityEnded)
def end_eligibility(call: Call) -> dict[str, Any]:
    """Take the right and the place on the waiting list away. Raises ``Refused`` where that was done before."""
    session: Session = call.session
    eligibility = _locked(call)
    if eligibility.state == REVOKED:
        raise Refused("这项保障资格已经注销，请核对登记簿", code="eligibility_over")
    _keep(call, eligibility, REVOKED, {"state": eligibility.state}, {"state": REVOKED})
    eligibility.state = REVOKED
    place = update(WaitingEntry).where(WaitingEntry.eligibility_id == eligibility.id, WaitingEntry.state == WAITING)
    session.execute(place.values(state=REMOVED), execution_options={"synchronize_session": False})
    session.flush()
    return {"ended_on": clock.today().isoformat()}


class CorrectEligibility(Schema):
    """What is to be written in place of what stands; null leaves it."""

    eligibility_id = fields.Integer(required=True)
    valid_until = fields.Date(load_default=None, allow_none=True)
    basis = fields.String(load_default=None, allow_none=True)


@operation("eligibility.correct", title="更正保障资格", where="inside", inputs=CorrectEligibility, outputs=NoNews)
def correct_eligibility(call: Call) -> dict[str, Any]:
    """Write the corrected fields. Raises ``Refused`` for one that is not in force, or an end before its beginning."""
    eligibility = _locked(call)
    if eligibility.state != ACTIVE:
        raise Refused("这项保障资格已经不在有效状态，不能更正登记，请核对登记簿", code="eligibility_over")
    before = _told(eligibility)
    until: date | None = call.inputs["valid_until"]
    if until is not None:
        if until < eligibility.valid_from:
            raise Refused(f"有效期不能早于起始日 {eligibility.valid_from.isoformat()}", code="valid_until_early")
        eligibility.valid_until = until
    if call.inputs["basis"]:
        eligibility.basis = call.inputs["basis"]
    after = _told(eligibility)
    changed = [name for name in after if before[name] != after[name]]
    _keep(call, eligibility, CORRECTED, {n: before[n] for n in changed}, {n: after[n] for n in changed})
    call.session.flush()
    return {}


def _locked(call: Call) -> Eligibility:
    query = select(Eligibility).where(
        Eligibility.id == call.inputs["eligibility_id"], Eligibility.office_id == call.office_id
    )
    found: Eligibility | None = call.session.scalar(query.with_for_update() if for_update(call.session) else query)
    if found is None:
        raise Refused("本机构的登记簿中没有这项保障资格，请核对", code="no_eligibility")
    return found


def _told(eligibility: Eligibility) -> dict[str, Any]:
    return {
        "basis": eligibility.basis,
        "valid_from": eligibility.valid_from.isoformat(),
        "valid_until": eligibility.valid_until.isoformat(),
    }


def _keep(call: Call, eligibility: Eligibility, kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    change = EligibilityChange(
        eligibility_id=eligibility.id,
        case_id=call.case_id,
        kind=kind,
        before=before,
        after=after,
        changed_at=clock.now(),
    )
    call.session.add(change)
