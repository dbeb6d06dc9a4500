"""Analysts choose which release new cases get."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from engine.catalog import releases
from engine.catalog.releases import ITEM, Release
from engine.commands import Unit, handles, starts
from engine.commands.publish import ANALYST
from engine.core.db import for_update
from engine.core.errors import NotFound, Refused
from engine.workflow import definitions_held


@dataclass(frozen=True)
class RollBack:
    """New cases of an item begin on this (earlier) release again; running cases stay where they are."""

    release_id: int
    reason: str


@handles(RollBack)
def roll_back(command: RollBack, unit: Unit) -> None:
    """What starts by itself (a message, a date) begins on that release too."""
    unit.require(ANALYST)
    session = unit.session
    release = session.get(Release, command.release_id)
    if release is None or release.kind != ITEM:
        raise NotFound("没有这个发布版本")
    if not command.reason.strip():
        raise Refused("请写明原因，原因会记入系统记录", code="reason_missing")
    # Two who choose at once: the second sees what the first did.
    query = select(Release).where(Release.item == release.item).execution_options(populate_existing=True)
    session.scalars(query.with_for_update() if for_update(session) else query).all()
    if release.current:
        raise Refused("这个版本已经是新办件使用的版本", code="is_current")
    session.execute(update(Release).where(Release.item == release.item).values(current=False))
    session.execute(update(Release).where(Release.id == release.id).values(current=True))
    view = releases.view(session, release.id)
    models = definitions_held(view)
    starts.replace(session, release.id, models, item=release.item, office_id=unit.actor.office_id)
    told = {"reason": command.reason.strip(), "hash": release.hash}
    unit.record(None, "rolled_back", f"{release.item} 的新办件改用第 {release.version} 版", told)
    session.flush()
