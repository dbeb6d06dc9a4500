"""Cases about other cases: which papers of a decided case may be looked at again, and what came of it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.documents import Document


def reviewable(session: Session, case_id: int, templates: Collection[str]) -> list[Document]:
    """The issued papers that still stand, of the case itself and of the reviews before; the newest first."""
    earlier = select(Case.id).where(Case.about_case_id == case_id, Case.state == "closed")
    query = select(Document).where(
        or_(Document.case_id == case_id, Document.case_id.in_(earlier)),
        Document.template.in_(templates),
        Document.state == "issued",
        Document.standing.is_(None),
    )
    return list(session.scalars(query.order_by(Document.id.desc())))


def about(session: Session, case_ids: Collection[int]) -> list[Case]:
    """The cases that look at these again, oldest first."""
    if not case_ids:
        return []
    return list(session.scalars(select(Case).where(Case.about_case_id.in_(case_ids)).order_by(Case.id)))
