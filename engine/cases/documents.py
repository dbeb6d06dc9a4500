"""Papers of a case: what was handed in (attachments) and what was issued (documents), with the operations on them."""

from __future__ import annotations

import secrets as random
from datetime import date, datetime
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import Date, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.cases.case import Case, next_number
from engine.core import clock, ids
from engine.core.db import Base, WithId
from engine.core.errors import NotFound
from engine.core.operations import Call, NoNews, operation
from engine.core.types import Sealed, SealedJson

# No 0/O, 1/I/L: a check code is typed from paper.
CHECK_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


class Attachment(WithId, Base):
    """A file somebody uploaded. ``owner`` is the actor key; ``case_id`` is set when the form is submitted.

    ``replaces`` names the earlier version it stands for; ``via`` tells how it came: desk, phone, or empty for a form.
    """

    __tablename__ = "attachment"

    owner: Mapped[str] = mapped_column(String(40), index=True)
    case_id: Mapped[int | None] = mapped_column(index=True)
    code: Mapped[str] = mapped_column(String(60), default="")
    name: Mapped[str] = mapped_column(Sealed)
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha: Mapped[str] = mapped_column(String(64), index=True)
    uploaded_at: Mapped[datetime]
    replaces: Mapped[int | None]
    via: Mapped[str] = mapped_column(String(10), default="", server_default=text("''"))


class Document(WithId, Base):
    """A paper issued by the office. ``state``: numbered, rendered, issued. ``file_sha`` is the final (sealed) file.

    ``standing`` is set when it is no longer valid: revoked or replaced, since ``ended_on``, by the paper ``ended_by``.
    """

    __tablename__ = "document"

    case_id: Mapped[int] = mapped_column(index=True)
    office_id: Mapped[int]
    template: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(120))
    number: Mapped[str] = mapped_column(String(60), unique=True)
    check_code: Mapped[str] = mapped_column(String(24), unique=True)
    facts: Mapped[Any] = mapped_column(SealedJson)
    state: Mapped[str] = mapped_column(String(12), default="numbered")
    file_sha: Mapped[str] = mapped_column(String(64), default="")
    issued_on: Mapped[date] = mapped_column(Date)
    issued_at: Mapped[datetime | None]
    size: Mapped[int] = mapped_column(default=0)
    standing: Mapped[str | None] = mapped_column(String(12))
    ended_on: Mapped[date | None] = mapped_column(Date)
    ended_by: Mapped[str | None] = mapped_column(String(60))


class NumberDocument(Schema):
    """``template`` is the file name without suffix; ``title`` what people call the paper."""

    template = fields.String(required=True)
    title = fields.String(load_default="")


class DocumentNumbered(Schema):
    """The document, its number and its check code."""

    document_id = fields.Integer(required=True)
    document_number = fields.String(required=True)
    check_code = fields.String(required=True)


@operation("document.number", title="编号", where="inside", inputs=NumberDocument, outputs=DocumentNumbered)
def number_document(call: Call) -> dict[str, Any]:
    """Give a number and a check code and hold the facts as they stand now."""
    session: Session = call.session
    case = session.get_one(Case, call.case_id)
    today = clock.today()
    template = call.inputs["template"]
    office_code = call.case_variables.get("office_code", "")
    serial = next_number(session, f"document:{case.office_id}:{today.year}")
    document = Document(
        id=ids.new(),
        case_id=case.id,
        office_id=case.office_id,
        template=template,
        title=call.inputs["title"] or template,
        number=f"安居{office_code}〔{today.year}〕{serial:05d}号",
        check_code="-".join("".join(random.choice(CHECK_ALPHABET) for _ in range(4)) for _ in range(3)),
        facts=dict(call.case_variables),
        issued_on=today,
    )
    session.add(document)
    session.flush()
    return {"document_id": document.id, "document_number": document.number, "check_code": document.check_code}


class ReleaseDocument(Schema):
    """The document and its final file."""

    document_id = fields.Integer(required=True)
    file_id = fields.String(required=True)


@operation("document.release", title="发布文书", where="inside", inputs=ReleaseDocument, outputs=NoNews)
def release_document(call: Call) -> dict[str, Any]:
    """Issue the document: from now on the applicant sees it and anybody can verify it."""
    document = find_document(call.session, call.inputs["document_id"], call.case_id)
    document.file_sha, document.state, document.issued_at = call.inputs["file_id"], "issued", clock.now()
    call.session.flush()
    return {}


def find_document(session: Session, document_id: int, case_id: int | None = None) -> Document:
    """The document. Raises ``NotFound``."""
    document = session.scalar(select(Document).where(Document.id == document_id))
    if document is None or (case_id is not None and document.case_id != case_id):
        raise NotFound("没有这份文书")
    return document
