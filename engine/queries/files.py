"""Which file an actor may read: what they uploaded, what hangs on a case they may see, and papers that were issued."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.documents import Attachment, Document
from engine.catalog import releases
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.queries.common import may_see, paper_title
from engine.queries.permitted import hidden_codes, of_case


@dataclass(frozen=True)
class StoredFile:
    """Where the content lies and what it is called."""

    sha: str
    name: str
    media_type: str
    size: int


def attachment(session: Session, actor: Actor, file_id: int) -> StoredFile:
    """An uploaded file. Raises ``NotFound`` for whoever neither uploaded it nor may see its case."""
    row = session.get(Attachment, file_id)
    if row is None or not (row.owner == actor.key or _of_visible_case(session, actor, row)):
        raise NotFound("没有这份材料，或不在您的查看范围内")
    return StoredFile(row.sha, row.name, row.media_type, row.size)


def paper(session: Session, actor: Actor, document_id: int) -> StoredFile:
    """An issued document as PDF. Raises ``NotFound``, also while the paper is still being made."""
    row = session.get(Document, document_id)
    case = session.get(Case, row.case_id) if row else None
    if row is None or case is None or not may_see(actor, case):
        raise NotFound("没有这份文书，或不在您的查看范围内")
    if row.state != "issued" or not row.file_sha:
        raise NotFound("文书正在生成，请稍后再打开")
    title = paper_title(releases.view(session, case.release_id).item, row)
    return StoredFile(row.file_sha, f"{title}{row.number}.pdf", "application/pdf", row.size)


def _of_visible_case(session: Session, actor: Actor, row: Attachment) -> bool:
    case = session.get(Case, row.case_id) if row.case_id else None
    if case is None or not may_see(actor, case):
        return False
    release = releases.view(session, case.release_id)
    return row.code not in hidden_codes(release, of_case(release, actor))
