"""An issued paper stops being valid: revoked, or replaced by another (更正、撤销). Whoever verifies it is told."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import select

from engine.cases.documents import Document
from engine.core import clock
from engine.core.db import for_update
from engine.core.errors import Refused
from engine.core.operations import Call, NoNews, operation

REVOKED, REPLACED = "revoked", "replaced"


class RevokeDocument(Schema):
    """The number on the paper, whether it is ``revoked`` or ``replaced``, and the paper that says so."""

    document_number = fields.String(required=True)
    standing = fields.String(required=True, validate=validate.OneOf([REVOKED, REPLACED]))
    successor = fields.String(load_default="", allow_none=True)


@operation("document.revoke", title="撤销或更正文书", where="inside", inputs=RevokeDocument, outputs=NoNews)
def revoke_document(call: Call) -> dict[str, Any]:
    """Mark a paper of the same office. Raises ``Refused`` for one that was never issued or no longer stands."""
    number = call.inputs["document_number"]
    query = select(Document).where(Document.number == number, Document.office_id == call.office_id)
    document = call.session.scalar(query.with_for_update() if for_update(call.session) else query)
    if document is None or document.state != "issued":
        raise Refused(f"本机构没有发出过文号为“{number}”的文书，请核对文号", code="document_not_issued")
    if document.standing:
        raise Refused(f"文书“{number}”已经撤销或更正，不能再次办理", code="document_not_standing")
    document.standing, document.ended_on = call.inputs["standing"], clock.today()
    document.ended_by = call.inputs["successor"] or None
    call.session.flush()
    return {}
