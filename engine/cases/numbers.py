"""The numbers of cases (受理号): a series per item and year, without gaps."""

from __future__ import annotations

from sqlalchemy.orm import Session

from engine.cases.case import next_number
from engine.core import clock


def case_number(session: Session, pattern: str, item: str) -> str:
    """``BZSQ-{yyyy}-{seq:6}`` → BZSQ-2026-000001."""
    year = clock.today().year
    serial = next_number(session, f"case:{item}:{year}")
    head, _, tail = pattern.partition("{seq:")
    width = int(tail.partition("}")[0])
    return f"{head.replace('{yyyy}', str(year))}{serial:0{width}d}"
