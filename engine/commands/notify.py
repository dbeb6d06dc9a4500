"""The operation that puts a message in the applicant's portal inbox."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from engine.cases.case import Case
from engine.core.operations import Call, NoNews, operation
from engine.registers.notices import send_message


class Notify(Schema):
    """What the applicant reads."""

    title = fields.String(required=True)
    body = fields.String(required=True)


@operation("citizen.notify", title="通知申请人", where="inside", inputs=Notify, outputs=NoNews)
def notify(call: Call) -> dict[str, Any]:
    """Write to the applicant's inbox; a counter applicant without an account gets SMS and paper only."""
    case = call.session.get_one(Case, call.case_id)
    kind, _, account = case.applicant_key.partition(":")
    if kind == "citizen":
        send_message(call.session, int(account), case.id, call.inputs["title"], call.inputs["body"])
    return {}
