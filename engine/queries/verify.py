"""Is this paper ours? By its check code or by the hash of the file; the subject comes masked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.documents import CHECK_ALPHABET, Document
from engine.catalog import releases
from engine.core import masks
from engine.queries.portal_case import document_title
from engine.registers.offices import Office

_CODE = re.compile(rf"[{CHECK_ALPHABET}]{{12}}")


@dataclass(frozen=True)
class PaperView:
    """An issued paper as anybody may know of it; ``standing`` is set where it is no longer valid."""

    check_code: str
    number: str
    title: str
    item_name: str
    office: str
    subject: str
    issued_on: date
    standing: str = ""
    ended_on: date | None = None
    ended_by: str = ""


def normal_code(text: str) -> str | None:
    """``wfap fp46 9cry`` as it is stored, ``WFAP-FP46-9CRY``; None where it cannot be a check code."""
    plain = re.sub(r"[\s\-－—]", "", text).upper()
    return "-".join((plain[:4], plain[4:8], plain[8:])) if _CODE.fullmatch(plain) else None


def by_code(session: Session, code: str) -> PaperView | None:
    """The issued paper with this check code."""
    return _paper(session, session.scalar(select(Document).where(Document.check_code == code)))


def by_content(session: Session, content: bytes) -> PaperView | None:
    """The issued paper whose final file is exactly this."""
    digest = sha256(content).hexdigest()
    return _paper(session, session.scalar(select(Document).where(Document.file_sha == digest).limit(1)))


def _paper(session: Session, document: Document | None) -> PaperView | None:
    if document is None or document.state != "issued":
        return None
    case = session.get_one(Case, document.case_id)
    return PaperView(
        check_code=document.check_code,
        number=document.number,
        title=document_title(document, releases.view(session, case.release_id)),
        item_name=case.item_name,
        office=session.get_one(Office, document.office_id).name,
        subject=masks.mask_name(case.subject_name),
        issued_on=document.issued_on,
        standing=document.standing or "",
        ended_on=document.ended_on,
        ended_by=document.ended_by or "",
    )
