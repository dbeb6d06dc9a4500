"""What is usual: how long steps of an item took in cases that are over, who did them, which ways they went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from time import monotonic

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import Case
from engine.cases.record import ElementInstance
from engine.cases.work import Task
from engine.core import db

# The newest finished cases of an item are looked at, and what they tell is kept for a while.
SAMPLE = 200
KEPT_SECONDS = 600.0
_TIMED = ("userTask", "callActivity", "intermediateCatchEvent", "receiveTask")

# (process, or None for the case's own; element)
Spot = tuple[str | None, str]


@dataclass(frozen=True)
class Typical:
    """``times`` in seconds, sorted, by spot; ``people``: element → how often who did it; ``flows``: how often taken."""

    cases: int = 0
    times: dict[Spot, list[float]] = field(default_factory=dict)
    people: dict[str, Counter[str]] = field(default_factory=dict)
    flows: Counter[str] = field(default_factory=Counter)

    def median(self, spot: Spot) -> float | None:
        """Half of the cases took no longer; None where none is known."""
        return percentile(self.times.get(spot, []), 0.5)

    def ninetieth(self, spot: Spot) -> float | None:
        """Nine of ten cases took no longer."""
        return percentile(self.times.get(spot, []), 0.9)


def percentile(values: list[float], share: float) -> float | None:
    """The smallest of sorted ``values`` that at least ``share`` of them do not exceed."""
    if not values:
        return None
    place = max(0, -(-int(share * 1000) * len(values) // 1000) - 1)
    return values[min(place, len(values) - 1)]


_kept: dict[tuple[str, str, int], tuple[float, Typical]] = {}
_lock = Lock()


def typical(session: Session, item: str, office_id: int) -> Typical:
    """What the newest ``SAMPLE`` finished cases of an item tell, people of one office alone."""
    key = (str(db.engine().url), item, office_id)
    with _lock:
        at, found = _kept.get(key, (0.0, None))
    if found is None or not found.cases or monotonic() - at > KEPT_SECONDS:
        found = _gather(session, item, office_id)
        with _lock:
            _kept[key] = (monotonic(), found)
    return found


def _gather(session: Session, item: str, office_id: int) -> Typical:
    over = select(Case.id).where(Case.item == item, Case.closed_at.is_not(None))
    cases = list(session.scalars(over.order_by(Case.closed_at.desc()).limit(SAMPLE)))
    if not cases:
        return Typical()
    one = ElementInstance
    query = select(one.process_id, one.element_id, one.type, one.state, one.started_at, one.ended_at, one.via)
    times: dict[Spot, list[float]] = {}
    flows: Counter[str] = Counter()
    for process_id, element_id, type_, state, began, ended, via in session.execute(query.where(one.case_id.in_(cases))):
        flows.update((via or "").split())
        if type_ in _TIMED and state == "completed" and ended is not None:
            times.setdefault((process_id, element_id), []).append(_seconds(began, ended))
    people: dict[str, Counter[str]] = {}
    done = select(Task.element_id, Task.done_by_name).where(Task.case_id.in_(cases), Task.state == "done")
    for element_id, name in session.execute(done.where(Task.office_id == office_id, Task.done_by.startswith("staff:"))):
        people.setdefault(element_id, Counter())[name] += 1
    return Typical(len(cases), {spot: sorted(values) for spot, values in times.items()}, people, flows)


def _seconds(began: datetime, ended: datetime) -> float:
    return max(0.0, (ended - began).total_seconds())
