"""What an integrator hangs on a case it starts: tags, and the number it goes by in their own system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.db import Base
from engine.core.types import Json


class CaseLabel(Base):
    """Written only where one was given."""

    __tablename__ = "case_label"

    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    business_id: Mapped[str] = mapped_column(String(256), default="", index=True)
    tags: Mapped[list[str]] = mapped_column(Json, default=list)


def labels_of(session: Session, case_ids: Iterable[int]) -> Mapping[int, CaseLabel]:
    """The labels of these cases, by case."""
    found = session.scalars(select(CaseLabel).where(CaseLabel.case_id.in_(set(case_ids))))
    return {one.case_id: one for one in found}
