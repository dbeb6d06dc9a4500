"""What several pages ask alike: a case the actor may see, its clock, its steps, moments and masked values as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.cases import lawful_clock
from engine.cases.case import Case
from engine.cases.documents import Document
from engine.catalog.item import Item
from engine.core import clock, masks, secrets, workdays
from engine.core.actor import Actor
from engine.core.errors import NotFound
from engine.registers.calendars import calendars

_SEALED = re.compile(re.escape(secrets.PREFIX) + r"[\w.-]+:[A-Za-z0-9+/=]+;")
_NAME = re.compile(r"[\u3400-\u9fff·]{2,4}")
_PHONE = re.compile(r"1[3-9]\d{9}")
_NUMBER = re.compile(r"[0-9A-Za-z()（）-]{5,30}")
CHANNELS = {"portal": "网上申请", "counter": "窗口受理", "proxy": "代办", "office": "依职权发起"}


@dataclass(frozen=True)
class Due:
    """Working days left (negative: late, None: no limit runs) and, while the clock stands, why it does."""

    days: int | None
    paused: str


@contextmanager
def calendar(session: Session) -> Iterator[None]:
    """Working days inside the block are counted in the calendar as it stands in the database."""
    with workdays.in_force(calendars(session)):
        yield


def due_of(case: Case) -> Due:
    """The lawful clock of a case; a closed case has none. Inside ``calendar``."""
    if case.state != "open":
        return Due(None, "")
    return Due(lawful_clock.days_left(case), case.clock_reason if case.clock_stopped_since else "")


def find_case(session: Session, actor: Actor, case_id: int) -> Case:
    """The case, where a caseworker's offices or the applicant's own key allow it. Raises ``NotFound``."""
    case = session.get(Case, case_id)
    if case is None or not may_see(actor, case):
        raise NotFound("没有这个办件，或不在您的查看范围内")
    return case


def may_see(actor: Actor, case: Case) -> bool:
    """Whether the actor may know of the case."""
    if actor.kind == "staff":
        return actor.sees(case.office_id, case.item)
    return actor.kind == "citizen" and case.applicant_key == actor.key


def steps_of(case: Case, stages: list[str]) -> list[dict[str, str]]:
    """The stages of the item as a bar: done, now, stopped (clock stands), bad (ended before the last stage)."""
    at = stages.index(case.stage) if case.stage in stages else 0
    if case.state != "open":
        whole = case.outcome == "granted" or at == len(stages) - 1
        now = "done" if whole else "bad"
    else:
        now = "stopped" if case.clock_stopped_since else "now"
    return [
        {"title": stage, "state": "done" if number < at else now if number == at else ""}
        for number, stage in enumerate(stages)
    ]


def paper_title(item: Item, document: Document) -> str:
    """What people call a paper: as the model named it, else as the item declares its template."""
    declared = {one.get("template"): one.get("title") for one in item.raw.get("documents") or []}
    named = document.title if document.title != document.template else ""
    return str(named or declared.get(document.template) or document.title)


def stamp(moment: datetime | None) -> str:
    """A moment on a list: ``11-09 14:32``, with the year where it is another one."""
    if moment is None:
        return ""
    local = clock.local(moment)
    return local.strftime("%m-%d %H:%M" if local.year == clock.today().year else "%Y-%m-%d %H:%M")


def day(value: date | None) -> str:
    """A day: ``2026年11月9日``."""
    return f"{value.year}年{value.month}月{value.day}日" if value else ""


def masked_text(text: str, key: str = "") -> str:
    """A personal text as it may be seen: names, phones and numbers masked; anything longer is words to be read."""
    if _PHONE.fullmatch(text):
        return masks.mask_phone(text)
    if _NUMBER.fullmatch(text):
        return masks.mask_id(text)
    return masks.mask_name(text) if key.endswith("name") or _NAME.fullmatch(text) else text


def masked_tree(value: Any, key: str = "") -> Any:
    """A copy of variables in which everything sealed stands masked, also where it is part of a longer text."""
    if isinstance(value, str):
        return _SEALED.sub(lambda part: masked_text(secrets.unseal(part[0]), key), value)
    if isinstance(value, Mapping):
        return {name: masked_tree(item, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [masked_tree(item, key) for item in value]
    return value
