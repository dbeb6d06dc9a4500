"""For which office a message or signal from outside speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.core.errors import Refused
from engine.registers.offices import Office


def office_of(
    session: Session, variables: Mapping[str, Any], usual: int, allowed: tuple[int, ...] | None = None
) -> Office:
    """The office of a case that an event begins. Raises ``Refused`` for one that is unknown, or not the sender's."""
    code = variables.get("office_code")
    named = session.scalar(select(Office).where(Office.code == code)) if isinstance(code, str) and code else None
    if code and (named is None or (allowed is not None and named.id not in allowed)):
        raise Refused(f"没有编码为 {code} 的机构，请核对变量 office_code", code="unknown_office")
    return named or session.get_one(Office, usual)
