"""R02 households, R03 eligibilities and R10 the waiting list, and the operations that write them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import Date, ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids, secrets
from engine.core.db import Base, WithId, for_update
from engine.core.errors import Refused
from engine.core.operations import Call, operation
from engine.core.types import Json, Sealed, SealedTree
from engine.registers.offices import Office


class Household(WithId, Base):
    """A household as last registered by a case."""

    __tablename__ = "household"

    office_id: Mapped[int] = mapped_column(index=True)
    case_id: Mapped[int]
    size: Mapped[int]
    housing: Mapped[Any] = mapped_column(SealedTree, default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class HouseholdMember(WithId, Base):
    """A person in a household; the same ID number stands in one household only."""

    __tablename__ = "household_member"

    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), index=True)
    name: Mapped[str] = mapped_column(Sealed)
    relation: Mapped[str] = mapped_column(String(20))
    id_kind: Mapped[str] = mapped_column(String(20))
    id_number: Mapped[str] = mapped_column(Sealed)
    id_digest: Mapped[str] = mapped_column(String(64), unique=True)
    phone: Mapped[str | None] = mapped_column(Sealed)


class Eligibility(WithId, Base):
    """An eligibility granted; ``state`` is active, replaced or revoked. Only an active one gives a right."""

    __tablename__ = "eligibility"

    office_id: Mapped[int] = mapped_column(index=True)
    case_id: Mapped[int] = mapped_column(unique=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), index=True)
    support_mode: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20), default="active")
    basis: Mapped[Any] = mapped_column(Json, default=dict)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date] = mapped_column(Date)


class EligibilityChange(WithId, Base):
    """What a later case made of an eligibility: ``kind`` corrected or revoked, its fields before and after."""

    __tablename__ = "eligibility_change"

    eligibility_id: Mapped[int] = mapped_column(ForeignKey("eligibility.id"), index=True)
    case_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    before: Mapped[Any] = mapped_column(Json, default=dict)
    after: Mapped[Any] = mapped_column(Json, default=dict)
    changed_at: Mapped[datetime]


class WaitingEntry(WithId, Base):
    """A place on the waiting list of one office and one 保障方式; ``state`` is waiting or removed."""

    __tablename__ = "waiting_entry"

    office_id: Mapped[int] = mapped_column(index=True)
    eligibility_id: Mapped[int] = mapped_column(ForeignKey("eligibility.id"), unique=True)
    support_mode: Mapped[str] = mapped_column(String(40))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    times_waited: Mapped[int] = mapped_column(default=0)
    entered_at: Mapped[datetime]


class RegisterHousehold(Schema):
    """Applicant and co-applicants as the apply form gives them."""

    applicant = fields.Dict(required=True)
    co_applicants = fields.List(fields.Dict(), load_default=list, allow_none=True)
    housing = fields.Raw(load_default=dict, allow_none=True)


class HouseholdGiven(Schema):
    """The household's id."""

    household_id = fields.Integer(required=True)


@operation("household.register", title="登记家庭", where="inside", inputs=RegisterHousehold, outputs=HouseholdGiven)
def register_household(call: Call) -> dict[str, Any]:
    """Write the household: a known applicant's household is brought up to date, otherwise one is made."""
    session: Session = call.session
    people = [{**call.inputs["applicant"], "relation": "本人"}, *(call.inputs["co_applicants"] or [])]
    digests = [secrets.digest(str(person["id_number"])) for person in people]
    found = session.scalars(select(HouseholdMember).where(HouseholdMember.id_digest.in_(digests))).all()
    own = next((member for member in found if member.id_digest == digests[0]), None)
    now = clock.now()
    if own is None:
        household = Household(
            id=ids.new(),
            office_id=call.office_id,
            case_id=call.case_id,
            size=len(people),
            created_at=now,
            updated_at=now,
        )
        session.add(household)
        session.flush()
    else:
        household = session.get_one(Household, own.household_id)
    if any(member.household_id != household.id for member in found):
        raise Refused("共同申请人已登记在其他家庭，请先办理家庭信息变更", code="member_in_other_household")
    household.size, household.housing, household.updated_at = len(people), call.inputs["housing"] or {}, now
    known = {member.id_digest: member for member in found}
    for person, digest in zip(people, digests, strict=True):
        member = known.get(digest) or HouseholdMember(id=ids.new(), household_id=household.id, id_digest=digest)
        member.name, member.relation = str(person["name"]), str(person.get("relation") or "成员")
        member.id_kind, member.id_number = str(person.get("id_kind") or "resident_id"), str(person["id_number"])
        member.phone = person.get("phone")
        session.add(member)
    session.flush()
    return {"household_id": household.id}


class GrantEligibility(Schema):
    """``valid_years`` counts from today; ``basis`` is kept for whoever asks why."""

    household_id = fields.Integer(required=True)
    support_mode = fields.String(required=True)
    valid_years = fields.Integer(load_default=1)
    basis = fields.Raw(load_default=dict, allow_none=True)


class EligibilityGiven(Schema):
    """The eligibility's id and last day (ISO)."""

    eligibility_id = fields.Integer(required=True)
    valid_until = fields.String(required=True)


@operation("eligibility.grant", title="登记保障资格", where="inside", inputs=GrantEligibility, outputs=EligibilityGiven)
def grant_eligibility(call: Call) -> dict[str, Any]:
    """Enter the eligibility; an older active one of the same household is replaced."""
    session: Session = call.session
    household_id = call.inputs["household_id"]
    older = session.scalars(
        select(Eligibility).where(Eligibility.household_id == household_id, Eligibility.state == "active")
    )
    for one in older:
        one.state = "replaced"
    start = clock.today()
    eligibility = Eligibility(
        id=ids.new(),
        office_id=call.office_id,
        case_id=call.case_id,
        household_id=household_id,
        support_mode=call.inputs["support_mode"],
        basis=call.inputs["basis"] or {},
        valid_from=start,
        valid_until=_years_later(start, call.inputs["valid_years"]),
    )
    session.add(eligibility)
    session.flush()
    return {"eligibility_id": eligibility.id, "valid_until": eligibility.valid_until.isoformat()}


def _years_later(start: date, years: int) -> date:
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return start.replace(year=start.year + years, day=28)


class EnterWaitingList(Schema):
    """The eligibility that gives the place."""

    eligibility_id = fields.Integer(required=True)
    support_mode = fields.String(required=True)


class WaitingPlace(Schema):
    """The place: 1 is first."""

    waiting_number = fields.Integer(required=True)


@operation("waiting.enter", title="进入轮候", where="inside", inputs=EnterWaitingList, outputs=WaitingPlace)
def enter_waiting_list(call: Call) -> dict[str, Any]:
    """Append to the office's list of this 保障方式."""
    session: Session = call.session
    mode = call.inputs["support_mode"]
    if for_update(session):
        # Two cases of one office at the same moment take their places one after the other.
        session.execute(select(Office.id).where(Office.id == call.office_id).with_for_update())
    last = session.scalar(
        select(func.max(WaitingEntry.number)).where(
            WaitingEntry.office_id == call.office_id, WaitingEntry.support_mode == mode
        )
    )
    entry = WaitingEntry(
        id=ids.new(),
        office_id=call.office_id,
        eligibility_id=call.inputs["eligibility_id"],
        support_mode=mode,
        number=(last or 0) + 1,
        entered_at=clock.now(),
    )
    session.add(entry)
    session.flush()
    return {"waiting_number": entry.number}
