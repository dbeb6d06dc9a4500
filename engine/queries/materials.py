"""The item's list of materials against what came for it: files with their versions, shared data, what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine import feel
from engine.cases.case import Case
from engine.cases.documents import Attachment
from engine.catalog.releases import ReleaseView
from engine.catalog.visibility import NO_LIMITS, Access
from engine.core.errors import AnjuError
from engine.outside.ledger import CallRecord
from engine.queries.common import stamp
from engine.queries.permitted import hidden_codes

IMAGES = ("image/png", "image/jpeg")
SHOWN = (*IMAGES, "application/pdf")
VIA = {"phone": "手机补拍", "desk": "窗口补传"}


@dataclass(frozen=True)
class MaterialFile:
    """One file. ``picture`` where a thumbnail can be made, ``shown`` where it can be looked at in the page.

    ``older`` are the versions it replaced, newest first; ``via`` says how it came, empty for the application.
    """

    id: int
    name: str
    at: str
    picture: bool
    shown: bool = False
    via: str = ""
    older: tuple[MaterialFile, ...] = ()


@dataclass(frozen=True)
class Material:
    """One entry of the list and what came for it. ``mark`` and ``tone`` tell the state; ``shared``: where from.

    ``state``: received, shared, missing, open (not asked for and not given). ``code`` is empty for other files.
    """

    name: str
    mark: str
    tone: str
    files: list[MaterialFile]
    code: str = ""
    state: str = ""
    required: bool = False
    shared: str = ""


@dataclass
class _Came:
    """Files by the code of their material, the versions they replaced under the newest one."""

    rows: dict[int, Attachment] = field(default_factory=dict)

    def by_code(self) -> dict[str, list[MaterialFile]]:
        replaced = {row.replaces for row in self.rows.values() if row.replaces in self.rows}
        found: dict[str, list[MaterialFile]] = {}
        for row in self.rows.values():
            if row.id not in replaced:
                found.setdefault(row.code, []).append(self._file(row))
        return found

    def _file(self, row: Attachment) -> MaterialFile:
        return MaterialFile(
            id=row.id,
            name=row.name,
            at=stamp(row.uploaded_at),
            picture=row.media_type in IMAGES,
            shown=row.media_type in SHOWN,
            via=VIA.get(row.via, ""),
            older=tuple(self._older(row)),
        )

    def _older(self, row: Attachment) -> list[MaterialFile]:
        found, seen = [], {row.id}
        before = self.rows.get(row.replaces or 0)
        while before is not None and before.id not in seen:
            seen.add(before.id)
            at, picture = stamp(before.uploaded_at), before.media_type in IMAGES
            via, shown = VIA.get(before.via, ""), before.media_type in SHOWN
            found.append(MaterialFile(before.id, before.name, at, picture, shown, via))
            before = self.rows.get(before.replaces or 0)
        return found


def materials(
    session: Session, case: Case, release: ReleaseView, variables: Mapping[str, Any], access: Access = NO_LIMITS
) -> list[Material]:
    """The item's list against what was handed in or shared; other files stand at the end."""
    hidden = hidden_codes(release, access)
    rows = session.scalars(select(Attachment).where(Attachment.case_id == case.id).order_by(Attachment.id))
    by_code = _Came({row.id: row for row in rows if row.code not in hidden}).by_code()
    declared = [one for one in release.item.materials if one["code"] not in hidden]
    shared = _shared(session, case, [str(one["shared_source"]) for one in declared if one.get("shared_source")])
    found = []
    for one in declared:
        files = by_code.pop(one["code"], [])
        needed = bool(one.get("required")) or _applies(one.get("condition"), variables)
        if files or needed or not one.get("condition"):
            found.append(_material(one, files, needed, shared.get(str(one.get("shared_source")), "")))
    rest = [one for files in by_code.values() for one in files]
    return [*found, *([Material("其他材料", f"{len(rest)} 份", "", rest, state="received")] if rest else [])]


def _material(declared: Mapping[str, Any], files: list[MaterialFile], needed: bool, shared: str) -> Material:
    if files:
        state, mark, tone = "received", f"{len(files)} 份", "ok"
    elif shared:
        state, mark, tone = "shared", "共享获取", "info"
    elif needed:
        state, mark, tone = "missing", "缺少", "bad"
    else:
        state, mark, tone = "open", "未提供", ""
    return Material(declared["name"], mark, tone, files, str(declared["code"]), state, needed, shared)


def _shared(session: Session, case: Case, operations: list[str]) -> dict[str, str]:
    """Operation → party and moment of its last answer: data that another office gave in place of a paper."""
    if not operations:
        return {}
    query = select(CallRecord.operation, CallRecord.title, CallRecord.at).where(
        CallRecord.case_id == case.id, CallRecord.operation.in_(operations), CallRecord.outcome == "answered"
    )
    rows = session.execute(query.order_by(CallRecord.id))
    return {operation: f"{title} · {stamp(at)}" for operation, title, at in rows}


def _applies(condition: str | None, variables: Mapping[str, Any]) -> bool:
    if not condition:
        return False
    try:
        return feel.evaluate(condition.removeprefix("="), dict(variables)) is True
    except AnjuError:
        return False  # a condition that cannot be told asks for nothing; publishing checks its wording
