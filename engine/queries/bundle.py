"""The whole file of a case, as it may leave the house: what stands in it, in the order of a paper file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import record
from engine.cases.case import Case
from engine.cases.documents import Attachment, Document
from engine.cases.record import JournalEntry
from engine.catalog import releases
from engine.core import clock
from engine.core.actor import Actor
from engine.outside.ledger import CallRecord
from engine.queries import case_file, evidence, permitted
from engine.queries.case_file import CaseFile
from engine.queries.common import calendar, find_case, paper_title


@dataclass(frozen=True)
class Stored:
    """A file of the store and where it goes in the zip."""

    path: str
    sha: str


@dataclass(frozen=True)
class Bundle:
    """``file`` is what the index page shows; ``files`` come from the store; ``texts`` are made: path → content."""

    file: CaseFile
    made_by: str
    made_at: str
    whole: bool
    files: list[Stored]
    texts: dict[str, bytes]


def bundle(session: Session, actor: Actor, case_id: int) -> Bundle:
    """Everything the actor may see, personal data masked. Raises ``NotFound``."""
    case = find_case(session, actor, case_id)
    with calendar(session):
        file = case_file.case_file(session, actor, case.id)
    journal, whole = list(_journal(session, case.id)), record.verify(session, case.id) is None
    texts = {"journal.json": orjson.dumps({"whole": whole, "lines": journal}, option=orjson.OPT_INDENT_2)}
    asked = select(CallRecord.id).where(CallRecord.case_id == case.id, CallRecord.party != "").order_by(CallRecord.id)
    for number, record_id in enumerate(session.scalars(asked), start=1):
        texts[f"evidence/{number:03d}.json"] = _exchange(session, case.id, record_id)
    now = clock.local(clock.now()).strftime("%Y-%m-%d %H:%M:%S")
    return Bundle(file, actor.shown, now, whole, list(_files(session, actor, case)), texts)


def _files(session: Session, actor: Actor, case: Case) -> Iterator[Stored]:
    release = releases.view(session, case.release_id)
    hidden = permitted.hidden_codes(release, permitted.of_case(release, actor))
    names = {str(one["code"]): str(one["name"]) for one in release.item.materials}
    rows = select(Attachment).where(Attachment.case_id == case.id).order_by(Attachment.id)
    for number, row in enumerate(session.scalars(rows), start=1):
        if row.code not in hidden:
            yield Stored(f"materials/{number:03d}-{_safe(names.get(row.code, '其他材料'))}-{_safe(row.name)}", row.sha)
    issued = select(Document).where(Document.case_id == case.id, Document.state == "issued").order_by(Document.id)
    for number, paper in enumerate(session.scalars(issued), start=1):
        if paper.file_sha:
            title = _safe(f"{paper_title(release.item, paper)}{paper.number}")
            yield Stored(f"documents/{number:03d}-{title}.pdf", paper.file_sha)


def _safe(name: str) -> str:
    return "".join("_" if one in '/\\:*?"<>|' or ord(one) < 32 else one for one in name)[:80]


def _journal(session: Session, case_id: int) -> Iterator[dict[str, Any]]:
    """The lines with their hashes; what was said in them stays in the house, its digest proves it."""
    query = select(JournalEntry).where(JournalEntry.case_id == case_id).order_by(JournalEntry.seq)
    for one in session.scalars(query):
        yield {
            "seq": one.seq,
            "at": one.at.isoformat(),
            "who": one.actor_name,
            "kind": one.kind,
            "title": one.title,
            "element": one.element_id,
            "payload_digest": one.payload_digest,
            "hash": one.hash,
        }


def _exchange(session: Session, case_id: int, record_id: int) -> bytes:
    found = evidence.detail(session, case_id, record_id)
    line = found.line
    told = {
        "title": line.title,
        "party": line.party,
        "result": line.mark,
        "about": line.about,
        "summary": line.summary,
        "at": line.at,
        "sha256": line.digest,
        "intact": found.intact,
        "purpose": found.purpose,
        "consent": found.consent,
        "request": found.request,
        "response": found.response,
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)
