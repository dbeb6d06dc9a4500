"""The path still ahead (流程预测): the model walked on from where the tokens stand, with the present variables."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import ROOT_SCOPE, Case, load_variables
from engine.cases.record import ElementInstance
from engine.catalog import releases
from engine.catalog.releases import ReleaseView
from engine.core.actor import Actor
from engine.core.errors import ModelFault
from engine.queries.common import find_case
from engine.queries.typical import Spot, Typical, typical
from engine.workflow import Definitions, ElementInfo, ahead, definitions_held

MOST = 400
HOLDERS = ("multiInstanceBody", "subProcess", "callActivity", "adHocSubProcess")
APPLICANT = "applicant"


@dataclass(frozen=True)
class Step:
    """One step to come. ``sure``: it will be passed as things stand; else only on a way that is still open.

    ``who``: who will probably do it; ``share``: how many of a hundred finished cases came to it by this way (None:
    not known); ``usual`` and ``at_most`` are the median and the 90th percentile in words.
    """

    element_id: str
    title: str
    kind: str
    sure: bool
    who: str
    share: int | None
    usual: str
    at_most: str
    seconds: float


@dataclass(frozen=True)
class Forecast:
    """``steps`` in the order they are reached; ``ends``: outcomes that are possible; ``cases``: how many are known.

    ``rest`` is about how long the steps that are sure take together, in words.
    """

    steps: list[Step]
    ends: list[tuple[str, bool]]
    cases: int
    rest: str


@dataclass(frozen=True)
class _At:
    """Somewhere on the way: ``back`` are the steps of the callers that follow, innermost first."""

    process_id: str
    element_id: str
    sure: bool
    unknown: frozenset[str]
    flow: str | None
    back: tuple[tuple[str, str], ...] = ()
    # What scripts on the way set to a value that stands in the model.
    given: tuple[tuple[str, Any], ...] = ()

    def to(self, element_id: str, **changes: Any) -> _At:
        """The same way, at another element."""
        return replace(self, element_id=element_id, **{"flow": None, **changes})

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two ways the same from here on."""
        return self.process_id, self.element_id, self.given, self.back


def forecast(session: Session, actor: Actor, case_id: int) -> Forecast | None:
    """None for a case that is over or stands. Raises ``NotFound``."""
    case = find_case(session, actor, case_id)
    if case.state != "open":
        return None
    release = releases.view(session, case.release_id)
    definitions = definitions_held(release)
    known = typical(session, case.item, case.office_id) if case.item else Typical()
    walk = _Walk(case, release, definitions, load_variables(session, case.id)[ROOT_SCOPE], known)
    walk.go(_standing(session, case, definitions))
    return walk.told()


def _standing(session: Session, case: Case, definitions: Definitions) -> list[_At]:
    """Where the tokens are, each with the calls it will come back through."""
    query = select(ElementInstance).where(ElementInstance.case_id == case.id, ElementInstance.state == "active")
    rows = {row.id: row for row in session.scalars(query.order_by(ElementInstance.id))}
    found = []
    for row in rows.values():
        if row.type not in HOLDERS:
            callers = [(row.process_id or case.process_id, row.element_id), *_callers(case, rows, row)]
            # What runs in another deployment is passed as the call that led there.
            while len(callers) > 1 and callers[0][0] not in definitions.processes:
                del callers[0]
            (process_id, element_id), *back = callers
            found.append(_At(process_id, element_id, True, frozenset(), None, tuple(back)))
    return found


def _callers(case: Case, rows: Mapping[int, ElementInstance], row: ElementInstance) -> Iterator[tuple[str, str]]:
    above = rows.get(row.parent or 0)
    while above is not None:
        if above.type == "callActivity":
            yield above.process_id or case.process_id, above.element_id
        above = rows.get(above.parent or 0)


class _Walk:
    """Breadth first: what is sure goes before what is only possible, each element is passed once of either kind."""

    def __init__(
        self, case: Case, release: ReleaseView, definitions: Definitions, variables: Mapping[str, Any], known: Typical
    ) -> None:
        self.case, self.release, self.definitions, self.known = case, release, definitions, known
        self.variables = variables
        self.lanes = release.item.roles
        self.found: dict[tuple[str, str], Step] = {}
        self.ends: dict[str, bool] = {}

    def go(self, begin: list[_At]) -> None:
        """From where the tokens stand to every end."""
        open_ones = deque(next_one for at in begin for next_one in self._leave(at))
        later: deque[_At] = deque()
        seen = {at.key for at in begin}
        while (open_ones or later) and len(seen) < MOST:
            at = open_ones.popleft() if open_ones else later.popleft()
            if at.key in seen:
                continue
            seen.add(at.key)
            for following in self._pass(at):
                (open_ones if following.sure else later).append(following)

    def told(self) -> Forecast:
        """The outcome; the sum counts what is sure alone."""
        steps = list(self.found.values())
        rest = sum(one.seconds for one in steps if one.sure)
        return Forecast(steps, list(self.ends.items()), self.known.cases, duration(rest) if rest else "")

    def _pass(self, at: _At) -> Iterator[_At]:
        info = self._info(at)
        if info is None:
            return
        first = ahead.inside(self.definitions, at.process_id, at.element_id)
        if first is not None:
            yield at.to(first)
            return
        if self._shown(info):
            self.found.setdefault((at.process_id, at.element_id), self._step(at, info))
        yield from self._leave(at)

    def _leave(self, at: _At) -> Iterator[_At]:
        unknown = at.unknown | ahead.writes(self.definitions, at.process_id, at.element_id) | self._asked(at)
        given = dict(at.given)
        if said := ahead.constant(self.definitions, at.process_id, at.element_id):
            given[said[0]] = said[1]
            unknown = unknown - {said[0]}
        at = replace(at, unknown=unknown, given=tuple(given.items()))
        context = {**self.variables, **given}
        following = ahead.ways(self.definitions, at.process_id, at.element_id, context, unknown)
        for way in following:
            yield at.to(way.target, sure=at.sure and way.taken is True, flow=way.flow)
        if not following:
            yield from self._up(at)

    def _up(self, at: _At) -> Iterator[_At]:
        """At an end: on behind the sub-process or the call around it, else the case is over."""
        around = ahead.owner(self.definitions, at.process_id, at.element_id)
        if around is not None:
            yield from self._leave(at.to(around))
        elif at.back:
            (process_id, element_id), *rest = at.back
            yield from self._leave(at.to(element_id, process_id=process_id, back=tuple(rest)))
        elif at.process_id == self.case.process_id:
            outcome = self.release.item.outcomes.get(at.element_id, "")
            if outcome:
                self.ends[outcome] = self.ends.get(outcome, False) or at.sure

    def _asked(self, at: _At) -> frozenset[str]:
        """The variables that the form of a user task asks for: what stands in them now tells nothing."""
        info = self._info(at)
        form_id = str((info.extensions.get("formDefinition") or {}).get("formId") or "") if info else ""
        if not form_id:
            return frozenset()
        try:
            return frozenset(self.release.form(form_id).names)
        except ModelFault:
            return frozenset()  # a form that cannot be read asks for nothing we could name

    def _info(self, at: _At) -> ElementInfo | None:
        process = self.definitions.processes.get(at.process_id)
        return process.elements.get(at.element_id) if process else None

    def _shown(self, info: ElementInfo) -> bool:
        """Where time passes: people, waiting, and calls in which either happens."""
        if info.type in ("userTask", "receiveTask") or (
            info.type == "intermediateCatchEvent" and info.event == "timer"
        ):
            return True
        called = str((info.extensions.get("calledElement") or {}).get("processId") or "")
        inner = self.definitions.processes.get(called)
        return inner is not None and any(one.type in ("userTask", "receiveTask") or one.event == "timer"
                                         for one in inner.elements.values())  # fmt: skip

    def _step(self, at: _At, info: ElementInfo) -> Step:
        spot: Spot = (None if at.process_id == self.case.process_id else at.process_id, at.element_id)
        usual, most = self.known.median(spot), self.known.ninetieth(spot)
        return Step(
            element_id=at.element_id,
            title=info.name or at.element_id,
            kind=info.type,
            sure=at.sure,
            who=self._who(info),
            share=self._share(at),
            usual=duration(usual) if usual is not None else "",
            at_most=duration(most) if most is not None else "",
            seconds=usual or 0.0,
        )

    def _who(self, info: ElementInfo) -> str:
        if info.type != "userTask":
            return ""
        if self.lanes.get(info.lane or "") == APPLICANT:
            return "申请人"
        usual = self.known.people.get(info.id)
        lane = f"{info.lane}岗" if info.lane else ""
        if not usual:
            return lane
        name, times = usual.most_common(1)[0]
        return f"{lane} {name}".strip() if times * 2 >= usual.total() else lane

    def _share(self, at: _At) -> int | None:
        if at.sure or at.flow is None or not self.known.cases:
            return None
        return min(100, round(100 * self.known.flows[at.flow] / self.known.cases))


def duration(seconds: float) -> str:
    """``3 天 4 小时``, ``25 分钟``; the two largest parts."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "不足 1 分钟"
    days, rest = divmod(minutes, 1440)
    hours, left = divmod(rest, 60)
    parts = [
        f"{days} 天" if days else "",
        f"{hours} 小时" if hours else "",
        f"{left} 分钟" if left and not days else "",
    ]
    return " ".join(part for part in parts if part)
