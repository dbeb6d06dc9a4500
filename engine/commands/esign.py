"""News of a signing that goes on at the platform: who has signed stands in the record of the case at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from engine.cases.case import lock
from engine.commands import Unit
from engine.commands.inbound import takes
from engine.core.errors import NotFound
from engine.core.inbound import NoticeCame
from engine.outside.ledger import PendingAnswer

DONE = {"signed": "已签署", "refused": "拒绝签署"}


@takes("esign_signer")
def take_signer(notice: NoticeCame, unit: Unit) -> Mapping[str, Any]:
    """A line for one signer; it may come after the end of the flow. ``NotFound`` where nobody here asked for it."""
    told = notice.content
    asked = select(PendingAnswer).where(
        PendingAnswer.party == notice.party, PendingAnswer.correlation == str(told["key"])
    )
    pending = unit.session.scalar(asked)
    if pending is None:
        raise NotFound("没有等待这一签署的办件")
    case = lock(unit.session, pending.case_id)
    title = f"电子签约：第 {int(told['order'])} 位签署人{DONE[str(told['done'])]}"
    unit.record(case, "esign_signer", title, {"flow": told["flow_id"], "order": told["order"], "done": told["done"]})
    return {"noted": True}
