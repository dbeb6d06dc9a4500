"""Small things citizens do in the portal."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import update

from engine.commands import Unit, handles
from engine.core.errors import Forbidden
from engine.registers.notices import CitizenMessage


@dataclass(frozen=True)
class MarkMessagesRead:
    """The citizen has read these messages; without ``message_ids`` all of them."""

    message_ids: tuple[int, ...] = ()


@handles(MarkMessagesRead)
def mark_messages_read(command: MarkMessagesRead, unit: Unit) -> int:
    """How many were unread until now; messages of others are left alone."""
    if unit.actor.kind != "citizen":
        raise Forbidden("请登录个人账号")
    unread = update(CitizenMessage).where(CitizenMessage.account_id == unit.actor.id, CitizenMessage.read_at.is_(None))
    if command.message_ids:
        unread = unread.where(CitizenMessage.id.in_(command.message_ids))
    marked: int = unit.session.execute(unread.values(read_at=unit.now)).rowcount  # type: ignore[attr-defined]
    return marked
