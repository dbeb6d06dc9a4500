"""Steps back: where a task may be returned to, sending it there, and taking a finished step back.

A step may be returned to when walking on from it again leads here with every join still finding its tokens. So the way
back is followed along the flows that were travelled: a join is skipped together with all that it joined, a split that
was not joined ends the way, since the other branches go on. Outside a sub-process, called process or multi-instance the
way goes on from it, and all of it is cancelled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import Refused

from .face import Event
from .modify import Effect, Touched, _cancel
from .specs.base import Node, ProcessSpec
from .specs.gateways import EventBased, Exclusive, Inclusive, Parallel

if TYPE_CHECKING:
    from .run import Frame, Run, Token

# What may follow a finished step without leaving the house or writing anything.
_ENDS = frozenset({"subProcess", "adHocSubProcess", "callActivity", "multiInstanceBody"})
_GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway"})
_EVENTS = frozenset({"startEvent", "intermediateCatchEvent", "boundaryEvent"})
_TASKS = frozenset({"userTask", "receiveTask", "manualTask", "task", "scriptTask", "businessRuleTask"})
_HARMLESS = _TASKS | _EVENTS | _GATEWAYS | _ENDS


@dataclass(frozen=True)
class Passed:
    """An element instance of the history: ``parent`` is the token it lived in (``""``: the process)."""

    element_id: str
    parent: str
    via: str
    completed: bool


@dataclass(frozen=True)
class Earlier:
    """A step that may be returned to. ``scope`` is the token it lies in (``""``: the process itself).

    ``straight``: once it is done again the token can come back here without walking the way between.
    """

    element_id: str
    name: str
    scope: str
    straight: bool


@dataclass(frozen=True)
class Followed:
    """What a finished step brought: the ``tokens`` that stand now and the ``scope`` it was in, or ``why_not``.

    ``why_not``: outside (what was done stays done), gathered (its part is in a result, or it was the last step
    of its scope), ended.
    """

    tokens: tuple[str, ...] = ()
    scope: str = ""
    why_not: str = ""


@dataclass(frozen=True)
class Placed:
    """Where a step was before it was completed: its scope, the tokens that stood, the length of the history."""

    scope: str
    in_loop: bool
    tokens: frozenset[str]
    before: int


def earlier(run: Run, token: Token, passed: Sequence[Passed]) -> list[Earlier]:
    """The user tasks that may be returned to, nearest first; each element once."""
    found: dict[tuple[str, str], Earlier] = {}
    for level, at in enumerate(_levels(token)):
        scope = at.frame.host.id if at.frame.host else ""
        here = [one for one in passed if one.parent == scope]
        taken = {flow for one in here for flow in one.via.split()}
        done = {one.element_id for one in here if one.completed}
        for node in _behind(at, taken):
            if node.info.type == "userTask" and node.info.id in done and node is not at.node:
                straight = level == 0 and at.node.info.type == "userTask"
                found.setdefault((scope, node.name), Earlier(node.info.id, node.info.name, scope, straight))
    return list(found.values())


def send_back(run: Run, token: Token, target: Earlier) -> Effect:
    """Begin the target, with everything between here and there cancelled; does not run on."""
    at = next((one for one in _levels(token) if (one.frame.host.id if one.frame.host else "") == target.scope), None)
    if at is None or target.element_id not in at.frame.spec.task_specs:
        raise Refused("流程已有变动，请刷新后重新选择退回的环节", code="target_gone")
    then = at.node.name if target.straight else None
    return _instead(run, at.frame, target.element_id, [at], then)


def take_back(run: Run, element_id: str, followed: Followed) -> Effect:
    """Begin a finished step again in place of what it brought; does not run on. Raises ``Refused``."""
    frame = run.frames.get(followed.scope)
    if frame is None or any(one not in run.tokens for one in followed.tokens):
        raise Refused("后续环节已经开始办理，不能撤回", code="gone_on")
    tops = [run.tokens[one] for one in followed.tokens if run.tokens[one].frame is frame]
    own = [one for one in tops if one.link("host") is None and one.link("body") is None and one.link("group") is None]
    return _instead(run, frame, element_id, own, None)


def _instead(run: Run, frame: Frame, name: str, gone: Iterable[Token], then: str | None) -> Effect:
    before = len(run.history)
    begun = frame.spawn(name, then=then)
    for token in gone:
        _cancel(token)
    cancelled = tuple(
        Touched(one.element_id, one.name, one.type, one.token)
        for one in run.history[before:]
        if one.kind == "cancelled"
    )
    info = begun.node.info
    return Effect((Touched(info.id, info.name, begun.node.history_type, begun.id),), cancelled, False)


def followed(run: Run, scope: str, in_loop: bool, before: Collection[str], history: Sequence[Event]) -> Followed:
    """What came of a step that has just been completed; ``before``: the tokens that stood then, ``history`` since."""
    if run.completed:
        return Followed(why_not="ended")
    joined = any(one.kind == "completed" and len((one.via or "").split()) > 1 for one in history)
    scope_over = any(one.kind == "completed" and one.type in _ENDS for one in history)
    lost = any(one.kind == "cancelled" and one.type != "boundaryEvent" for one in history)
    if in_loop or joined or scope_over or lost:
        return Followed(why_not="gathered")
    if any(one.kind in ("activated", "incident") and one.type not in _HARMLESS for one in history):
        return Followed(why_not="outside")
    return Followed(tuple(one for one in run.tokens if one not in before), scope)


# --- the way back


def _levels(token: Token) -> Iterator[Token]:
    """The token, then what holds it, outward; of an instance the multi-instance. Ends at what an event began."""
    at: Token | None = token
    while at is not None:
        body = at.link("body")
        at = at.run_of.tokens[body] if body else at
        yield at
        at = None if at.node.by_event or at.frame.host is None else at.frame.host


def _behind(at: Token, taken: Collection[str]) -> Iterator[Node]:
    """The elements before this one in its branch, nearest first."""
    graph = _Graph(at.frame.spec)
    todo, seen = [at.node.name], {at.node.name}
    while todo:
        name = todo.pop(0)
        for before in _before(graph, at, name, taken):
            if before not in seen:
                seen.add(before)
                todo.append(before)
                yield graph.nodes[before]


def _before(graph: _Graph, at: Token, name: str, taken: Collection[str]) -> list[str]:
    node = graph.nodes[name]
    if node.counts_flows and len(graph.sources.get(name, ())) > 1:
        fork = graph.fork_of(name)
        return [] if fork is None or _is_busy(at, graph.between(fork, name)) else [fork]
    ways = graph.sources.get(name, [])
    travelled = [source for source, flow in ways if flow is None or flow in taken]
    return [source for source in travelled or [source for source, _ in ways] if not _splits(graph.nodes[source])]


def _is_busy(at: Token, names: Collection[str]) -> bool:
    """Whether somebody else is still at work among these elements."""
    others = (one for one in at.frame.tokens if one is not at and one.link("host") != at.id)
    return any(one.node.name in names for one in others)


def _splits(node: Node) -> bool:
    """Whether a token that leaves may go several ways at once."""
    if len(node.flows) < 2 or isinstance(node, EventBased):
        return False
    return isinstance(node, Parallel | Inclusive) or not isinstance(node, Exclusive)


class _Graph:
    """A body as nodes and the flows into each: (source, flow id)."""

    def __init__(self, spec: ProcessSpec) -> None:
        self.nodes: Mapping[str, Node] = spec.task_specs
        self.sources: dict[str, list[tuple[str, str | None]]] = {}
        for node in self.nodes.values():
            for flow in node.flows:
                self.sources.setdefault(flow.target, []).append((node.name, flow.id))
        # Over the border of an activity nobody goes back by himself, but it does lie on the way.
        self.around = {name: {source for source, _ in ways} for name, ways in self.sources.items()}
        for node in self.nodes.values():
            for border in node.boundaries:
                self.around.setdefault(border, set()).add(node.name)

    def fork_of(self, join: str) -> str | None:
        """The last element through which every way to the join leads."""
        known = self._ancestors(join)
        roots = {name for name in known if not self.around.get(name)}
        through = {name: {name} if name in roots else set(known) for name in known}
        changed = True
        while changed:
            changed = False
            for name in known - roots:
                common = set.intersection(*(through[one] for one in self.around[name])) | {name}
                if common != through[name]:
                    through[name], changed = common, True
        strict = through[join] - {join} if len(roots) == 1 else set()
        return max(strict, key=lambda name: len(through[name]), default=None)

    def between(self, fork: str, join: str) -> set[str]:
        """What can be come to from the fork without passing the join; neither of them."""
        onward: dict[str, set[str]] = {}
        for name, sources in self.around.items():
            for source in sources:
                onward.setdefault(source, set()).add(name)
        todo, seen = [fork], {fork, join}
        while todo:
            for name in onward.get(todo.pop(), set()) - seen:
                seen.add(name)
                todo.append(name)
        return seen - {fork, join}

    def _ancestors(self, name: str) -> set[str]:
        todo, seen = [name], {name}
        while todo:
            for one in self.around.get(todo.pop(), set()) - seen:
                seen.add(one)
                todo.append(one)
        return seen
