"""Consents of the people a case is about: without one that stands, an operation that needs it is not called."""

from __future__ import annotations

from datetime import datetime

from marshmallow import Schema, fields, validate
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core import clock, ids
from engine.core.db import Base, WithId
from engine.core.operations import Call, operation


class Consent(WithId, Base):
    """That the people of a case agreed to be asked about. ``reference``: the paper, form or number it stands on."""

    __tablename__ = "consent"

    case_id: Mapped[int] = mapped_column(index=True)
    source: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(String(120))
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


def last(session: Session, case_id: int) -> Consent | None:
    """The newest consent of a case, standing or withdrawn."""
    return session.scalar(select(Consent).where(Consent.case_id == case_id).order_by(Consent.id.desc()).limit(1))


def standing(session: Session, case_id: int) -> str | None:
    """The reference of the consent that stands, or None."""
    found = last(session, case_id)
    return found.reference if found is not None and found.withdrawn_at is None else None


def add(session: Session, case_id: int, source: str, reference: str) -> None:
    """Keep a consent."""
    session.add(Consent(id=ids.new(), case_id=case_id, source=source, reference=reference, given_at=clock.now()))
    session.flush()


class _Inputs(Schema):
    reference = fields.String(
        required=True, validate=validate.Length(min=1, max=120), metadata={"title": "授权书编号或来源"}
    )


class _Outputs(Schema):
    consent_reference = fields.String(required=True, metadata={"title": "授权依据"})


@operation("consent.record", title="登记查询授权", inputs=_Inputs, outputs=_Outputs, where="inside")
def record(call: Call) -> dict[str, str]:
    """For models in which people agree in the course of the case."""
    add(call.session, call.case_id, "model", call.inputs["reference"])
    return {"consent_reference": str(call.inputs["reference"])}
