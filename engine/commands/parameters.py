"""The operation that hands a process its parameters as they stood on a named date."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from engine.cases.case import Case
from engine.catalog import parameters, releases
from engine.core import clock
from engine.core.operations import Call, operation


class ResolveParameters(Schema):
    """``on``: applied (the day of application) or decided (today)."""

    on = fields.String(load_default="applied", validate=validate.OneOf(["applied", "decided"]))


class Resolved(Schema):
    """Name → value."""

    parameters = fields.Dict(required=True)


@operation("parameters.resolve", title="取有效参数", where="inside", inputs=ResolveParameters, outputs=Resolved)
def resolve(call: Call) -> dict[str, Any]:
    """Every parameter of the item in force on the named date."""
    case = call.session.get_one(Case, call.case_id)
    on = case.applied_on if call.inputs["on"] == "applied" else clock.today()
    release = releases.view(call.session, case.release_id)
    return {"parameters": parameters.in_force(call.session, release, on)}
