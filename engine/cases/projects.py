"""Cases about the same project (a housing estate, a renewal): found by its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.core.db import Base
from engine.core.writes import insert_later


class CaseProject(Base):
    """The project a case is about, where its item says which answer names it (``project: path.of.the.code``)."""

    __tablename__ = "case_project"

    code: Mapped[str] = mapped_column(String(120), primary_key=True)
    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)


def keep(session: Session, case_id: int, answers: Mapping[str, Any], path: str) -> None:
    """Write which project a new case is about; nothing where the item names none or it was left empty."""
    value: Any = answers
    for step in path.split(".") if path else ():
        value = value.get(step) if isinstance(value, Mapping) else None
    if path and value not in (None, ""):
        insert_later(session, CaseProject, [{"code": str(value)[:120], "case_id": case_id}])
