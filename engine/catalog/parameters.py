"""Parameters with a date in force: declared in item.yaml, changed later by rows in the database."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.catalog.releases import ReleaseView
from engine.core.db import Base, WithId
from engine.core.types import Json


class ParameterValue(WithId, Base):
    """A value put in force by an office's administrator; it wins over the release's own of the same date or earlier."""

    __tablename__ = "parameter_value"

    item: Mapped[str] = mapped_column(String(120), index=True)
    name: Mapped[str] = mapped_column(String(80))
    value: Mapped[Any | None] = mapped_column(Json)
    valid_from: Mapped[date] = mapped_column(Date)
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(60))


def in_force(session: Session, release: ReleaseView, on: date) -> dict[str, Any]:
    """Every parameter of the release as it stands on ``on``: name → value."""
    declared = [*release.item.parameters]
    for shared in release.shared_items:
        declared += shared["parameters"]
    candidates = [
        (entry["valid_from"], 0, entry["name"], entry["value"])
        for entry in declared
        if entry["valid_to"] is None or on <= entry["valid_to"]
    ]
    rows = session.execute(
        select(ParameterValue.valid_from, ParameterValue.name, ParameterValue.value).where(
            ParameterValue.item == release.item_id, ParameterValue.valid_from <= on
        )
    )
    candidates += [(valid_from, 1, name, value) for valid_from, name, value in rows]
    chosen: dict[str, Any] = {}
    for valid_from, _, name, value in sorted(candidates, key=lambda entry: entry[:2]):
        if valid_from <= on:
            chosen[name] = value
    return chosen
