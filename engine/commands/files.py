"""Files come in and papers go out: uploads, and the operation that renders a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy.orm import Session

from engine.cases import lawful_clock
from engine.cases.case import Case
from engine.cases.documents import Attachment, find_document
from engine.catalog import releases
from engine.catalog.limits import KINDS
from engine.commands import Unit, handles
from engine.core import clock, config, ids, secrets
from engine.core.db import reading
from engine.core.errors import Fault, ModelFault
from engine.core.operations import Answer, Call, operation
from engine.files import documents, uploads
from engine.registers.offices import Office


@dataclass(frozen=True)
class UploadFile:
    """Keep the row of a file whose content lies in the store already."""

    sha: str
    upload: uploads.Upload
    code: str


@handles(UploadFile)
def upload_file(command: UploadFile, unit: Unit) -> int:
    """The id of the attachment; it belongs to the uploader until a form names it."""
    upload = command.upload
    row = Attachment(
        id=ids.new(),
        owner=unit.actor.key,
        code=command.code,
        name=upload.name,
        media_type=upload.media_type,
        size=upload.size,
        sha=command.sha,
        uploaded_at=unit.now,
    )
    unit.session.add(row)
    unit.session.flush()
    return row.id


class RenderDocument(Schema):
    """The numbered document."""

    document_id = fields.Integer(required=True)


class DocumentRendered(Schema):
    """The file in the store."""

    file_id = fields.String(required=True)


@operation("document.render", title="生成文书", inputs=RenderDocument, outputs=DocumentRendered)
def render_document(call: Call) -> Answer:
    """Template and facts to PDF, by a worker: rendering takes too long for a transaction."""
    html = document_html(call.inputs["document_id"], call.case_id)
    if call.files is None:
        raise ModelFault(Fault("no_files", "生成文书须由后台执行"))
    content = documents.render_pdf(html)
    return Answer({"file_id": call.files.write(content, name="document.pdf", media_type="application/pdf")})


_public_url = "http://127.0.0.1:8000"


def use_public_url(settings: config.Config) -> None:
    """Which address the QR code on papers leads to."""
    global _public_url
    _public_url = settings.public_url


def verify_url(check_code: str) -> str:
    """Where anybody can check a paper."""
    return f"{_public_url}/verify/{check_code}"


def _limits(session: Session, case: Case) -> dict[str, str]:
    """How long the case may take, as papers print it, with what was added; empty where there is no such limit."""
    rules = lawful_clock.rules_of(session, case)
    found = {kind: str(rules.case[kind]) if kind in rules.case else "" for kind in KINDS}
    running = {one.kind: one for one in lawful_clock.limits_of(session, case.id) if not one.token}
    found |= {kind: str(one.span) for kind, one in running.items()}
    statutory = running.get("statutory")
    found["statutory_due_on"] = statutory.due_on.isoformat() if statutory else ""
    found["not_counted"] = "、".join(rules.stops)
    return found


def document_html(document_id: int, case_id: int) -> str:
    """The page that becomes the paper."""
    with reading() as session:
        document = find_document(session, document_id, case_id)
        case = session.get_one(Case, case_id)
        release = releases.view(session, case.release_id)
        office = session.get_one(Office, case.office_id)
        if document.template not in release.templates:
            raise ModelFault(Fault("unknown_template", f"发布包中没有文书模板 {document.template}"))
        facts: dict[str, Any] = {
            **document.facts,
            "case": {
                "number": case.number,
                "item_name": case.item_name,
                "applied_on": case.applied_on.isoformat(),
                "accepted_at": clock.local(case.accepted_at).isoformat() if case.accepted_at else "",
                "due_on": case.due_on.isoformat() if case.due_on else "",
                **_limits(session, case),
            },
            "office": {"name": office.name, "phone": office.phone, "address": office.address},
            "document": {
                "number": document.number,
                "title": document.title,
                "check_code": document.check_code,
                "issued_on": document.issued_on.isoformat(),
                "verify_url": verify_url(document.check_code),
            },
            "qr": documents.qr_svg_data_uri(verify_url(document.check_code)),
        }
        return documents.render_html(document.template, secrets.unseal_tree(facts), release.templates)
