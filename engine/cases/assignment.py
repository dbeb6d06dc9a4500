"""Who gets a new task (自动分派): a rule chosen by name, among those who may have it. Pure, but for the turns' table.

Rules, as a property ``assignment`` of the user task or under ``assignment`` in item.yaml (element id → rule):
``round_robin`` (轮流), ``least_loaded`` (在手最少), ``same_handler`` (原经办人), ``by_office`` (本机构优先).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.cases.persons import CasePerson
from engine.cases.record import JournalEntry
from engine.cases.work import Task
from engine.core.db import Base, insert_rows


class Turn(Base):
    """When somebody had their last turn in a queue: the higher the later."""

    __tablename__ = "turn"

    queue: Mapped[str] = mapped_column(String(200), primary_key=True)
    staff_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]


@dataclass(frozen=True)
class Candidate:
    """Somebody of the task's role. ``load``: open tasks in hand; ``turn``: of the last one given (0: never).

    ``distance``: how many offices their own lies above the case's; ``before``: they worked on this case already;
    ``away`` and ``barred`` (conflict of interest, or did a step that somebody else must check) get nothing.
    """

    id: int
    load: int = 0
    turn: int = 0
    distance: int = 0
    before: bool = False
    away: bool = False
    barred: bool = False


def choose(rule: str, candidates: Iterable[Candidate]) -> Candidate | None:
    """Whose task it becomes; None where nobody may have it, who then waits in the queue. An unknown rule is a bug."""
    free = sorted((one for one in candidates if not one.away and not one.barred), key=lambda one: one.id)
    return RULES[rule](free) if free else None


def _round_robin(free: Sequence[Candidate]) -> Candidate:
    """Whoever has waited longest for a turn."""
    return min(free, key=lambda one: one.turn)


def _least_loaded(free: Sequence[Candidate]) -> Candidate:
    """Whoever has least in hand; among equals whoever waited longest."""
    return min(free, key=lambda one: (one.load, one.turn))


def _same_handler(free: Sequence[Candidate]) -> Candidate:
    """Whoever knows the case, else whoever has least in hand."""
    return _least_loaded([one for one in free if one.before] or free)


def _by_office(free: Sequence[Candidate]) -> Candidate:
    """Somebody of the case's own office before anybody above it."""
    nearest = min(one.distance for one in free)
    return _least_loaded([one for one in free if one.distance == nearest])


RULES: dict[str, Callable[[Sequence[Candidate]], Candidate]] = {
    "round_robin": _round_robin,
    "least_loaded": _least_loaded,
    "same_handler": _same_handler,
    "by_office": _by_office,
}
TITLES = {"round_robin": "轮流", "least_loaded": "在手最少", "same_handler": "原经办人", "by_office": "本机构优先"}


@dataclass(frozen=True)
class Person:
    """Somebody who holds a role, as the register of people knows them. ``kin``: digests they must keep away from."""

    id: int
    distance: int
    kin: frozenset[str]
    away: bool

    @property
    def key(self) -> str:
        """How they stand in assignee columns."""
        return f"staff:{self.id}"


def queue_of(item: str, element_id: str, office_id: int) -> str:
    """The name of the queue whose turns are counted."""
    return f"{item}/{element_id}@{office_id}"


def weigh(
    session: Session,
    case_id: int,
    queue: str,
    steps: Sequence[str],
    people: Sequence[Person],
    done: Iterable[tuple[str, str]] = (),
) -> list[Candidate]:
    """What counts for and against each. ``steps`` must have been done by others (``different_from``).

    ``done`` are (actor key, element) of steps this very command completes: they are not in the record yet.
    """
    keys = [one.key for one in people]
    hands = select(Task.assignee, func.count()).where(Task.state == "open", Task.assignee.in_(keys))
    loads = {row[0]: row[1] for row in session.execute(hands.group_by(Task.assignee))}
    taken = select(Turn.staff_id, Turn.number).where(Turn.queue == queue)
    turns = {row[0]: row[1] for row in session.execute(taken)}
    did = set(done)
    lines = select(JournalEntry.actor_key, JournalEntry.for_key, JournalEntry.element_id)
    for key, behalf, element in session.execute(
        lines.where(JournalEntry.case_id == case_id, JournalEntry.task_id.is_not(None))
    ):
        did |= {(one, element) for one in (key, behalf) if one}
    subjects = set(session.scalars(select(CasePerson.digest).where(CasePerson.case_id == case_id)))
    return [
        Candidate(
            id=one.id,
            load=loads.get(one.key, 0),
            turn=turns.get(one.id, 0),
            distance=one.distance,
            before=any(key == one.key for key, _ in did),
            away=one.away,
            barred=bool(one.kin & subjects) or any((one.key, step) in did for step in steps),
        )
        for one in people
    ]


def take_turn(session: Session, queue: str, staff_id: int, number: int) -> None:
    """Write that somebody had their turn."""
    insert_rows(session, Turn, [{"queue": queue, "staff_id": staff_id, "number": number}], over=("number",))
