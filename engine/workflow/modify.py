"""Operators change a running process: cancel here, activate there, move, set variables. The rules are Camunda 8's.

What is asked is done in this order: variables, activations (with the sub-processes around them, which begin without
their start event), cancellations; then a scope whose last element was cancelled ends, cancelled, up to the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from engine.core.errors import Refused

from .expressions import Stuck
from .face import ROOT_SCOPE
from .places import Place, places_of
from .specs.base import Node
from .specs.events import Boundary
from .specs.gateways import EventBased
from .specs.listeners import Listener
from .specs.multi import MultiInstance
from .specs.scopes import Embedded, SubProcess

if TYPE_CHECKING:
    from .definitions import Definitions
    from .run import Frame, Run, Token


@dataclass(frozen=True)
class Activation:
    """Begin an element.

    ``variables`` go to the whole process; ``local`` (element id → variables) to the element itself or to a sub-process
    that is opened for it. ``ancestor``: the token of the sub-process or multi-instance in which everything in between
    begins anew (``"0"``: the process); without it the one open instance of the enclosing scope is taken.
    """

    element_id: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    ancestor: str | None = None
    local: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Touched:
    """An element that a modification begins or cancels; ``token`` is its element instance."""

    element_id: str
    name: str
    type: str
    token: str


@dataclass(frozen=True)
class Effect:
    """What a modification does by itself, before the process runs on. ``ends``: nothing is left of the process."""

    activated: tuple[Touched, ...]
    cancelled: tuple[Touched, ...]
    ends: bool


def modify(
    run: Run,
    activate: Sequence[Activation] = (),
    terminate: Iterable[str] = (),
    move: Iterable[tuple[str, str]] = (),
    variables: Mapping[str, Any] | None = None,
) -> Effect:
    """Do all of it without running on. Raises ``Refused``; the run is then not to be used any more."""
    if run.completed:
        raise Refused("流程已经结束，不能再调整", code="process_completed")
    before = len(run.history)
    try:
        run.variables.set_local(ROOT_SCOPE, dict(variables or {}))
        for activation in activate:
            run.variables.set_local(ROOT_SCOPE, activation.variables)
        doomed = _tokens(run, terminate)
        begun = [_open(run, one.element_id, one.ancestor, one.local) for one in activate]
        for source, target in move:
            for token in _tokens(run, [source]):
                begun.append(_open(run, target, _common_scope(run, token, target), {}))
                doomed.append(token)
        started = [_begin(*one) for one in begun]
        for token in doomed:
            _cancel(token)
    except Stuck as stuck:
        raise Refused(f"不能这样调整：{stuck.message}", code=stuck.code) from stuck
    cancelled = tuple(
        Touched(event.element_id, event.name, event.type, event.token)
        for event in run.history[before:]
        if event.kind == "cancelled"
    )
    return Effect(tuple(_touched(token) for token in started), cancelled, run.completed)


def _touched(token: Token) -> Touched:
    info = token.node.info
    return Touched(info.id, info.name, token.node.history_type, token.id)


# --- what is cancelled


def _tokens(run: Run, wanted: Iterable[str]) -> list[Token]:
    """Each a token, or every token of an element id. Raises ``Refused`` where nothing stands."""
    found: list[Token] = []
    for one in wanted:
        if one in run.tokens:
            here = [run.tokens[one]]
        else:
            here = [token for token in run.tokens.values() if token.node.name == one]
        if not here:
            raise Refused(f"“{one}”上没有正在办理的环节，可能已经办结，请刷新后重新选择", code="nothing_there")
        for token in here:
            _check_cancellable(token)
        found += [token for token in here if token not in found]
    return found


def _check_cancellable(token: Token) -> None:
    shown = _shown(token.node)
    if isinstance(token.node, Boundary) and "seen" not in token.facts:
        raise Refused(f"{shown}是边界事件，随所在环节一起取消，不能单独取消", code="boundary_not_cancelled")
    if token.node.is_subscription:
        raise Refused(f"{shown}只是在等待事件，不能单独取消", code="subscription_not_cancelled")
    if isinstance(token.node, Listener):
        raise Refused(f"请取消{shown}本身，不要单独取消它的监听器", code="listener_not_cancelled")


def _cancel(token: Token) -> None:
    """Cancel, then end the scopes that are left without anything."""
    if not token.is_live:
        return
    frame, body_id = token.frame, token.link("body")
    token.cancel()
    if body_id is not None:
        body = frame.run.tokens[body_id]
        cast(MultiInstance, body.node).lost(body)
        if not any(other.link("body") == body_id for other in frame.tokens):
            _cancel(body)
            return
    if not all(other.node.is_subscription for other in frame.tokens):
        return
    if frame.host is not None:
        _cancel(frame.host)
    else:
        end(frame.run)


def end(run: Run) -> None:
    """The whole process ends, cancelled."""
    run.top.completed = run.completed = run.cancelled = True
    run.top.cancel_all()
    run.frames.clear()
    run.agenda.clear()


# --- what is activated


def _holder(run: Run, frame: Frame) -> Definitions:
    """Whose models a frame runs by: those of this release, or of the one that the call was bound to."""
    return run.libraries[frame.library] if frame.library else run.definitions


def _place(run: Run, element_id: str) -> Place:
    """The element in the process itself, else in one that it calls and that is running."""
    held = [(run.definitions, run.process_id)]
    held += [(_holder(run, frame), frame.called) for frame in run.frames.values() if frame.called]
    for definitions, process_id in held:
        place = places_of(definitions, process_id).get(element_id)
        if place is not None:
            return place
    raise Refused(f"模型中没有环节“{element_id}”，或它所在的流程没有在运行", code="element_not_found")


def _open(
    run: Run, element_id: str, ancestor: str | None, local: Mapping[str, Mapping[str, Any]]
) -> tuple[Place, Frame | Token, Mapping[str, Mapping[str, Any]]]:
    """Find or make the frame for an element; a token in its stead is the body to which an instance is added."""
    place = _place(run, element_id)
    _check_startable(place)
    unknown = set(local) - {element_id, *(owner.info.id for owner in place.owners)}
    if unknown:
        raise Refused(
            f"变量只能放入所启动的环节或其外层子流程，不能放入“{'、'.join(sorted(unknown))}”", code="scope_not_around"
        )
    within = None if ancestor is None else "" if ancestor == ROOT_SCOPE else ancestor
    if within and within not in run.tokens:
        raise Refused("所选的上级环节已不在流程中，请刷新后重新选择", code="ancestor_not_found")
    body = run.tokens.get(within or "")
    if body is not None and body.node is place.node and isinstance(body.node, MultiInstance):
        return place, body, local
    return place, _frame(run, place.process_id, place.body, place.owners, within, local), local


def _check_startable(place: Place) -> None:
    node, shown = place.node, _shown(place.node)
    if node.info.type == "startEvent":
        raise Refused(f"{shown}是开始事件，不能直接启动，请选择它后面的环节", code="start_event_not_activated")
    if isinstance(node, Boundary):
        raise Refused(f"{shown}是边界事件，不能直接启动，请选择它后面的环节", code="boundary_not_activated")
    specs = node.spec.task_specs.values()
    if any(isinstance(one, EventBased) and any(flow.target == node.name for flow in one.flows) for one in specs):
        raise Refused(f"{shown}在事件网关之后，请启动事件网关本身", code="behind_event_gateway")


def _frame(run: Run, process_id: str, spec: Any, owners: tuple[Embedded, ...], within: str | None, local: Any) -> Frame:
    found = [frame for frame in run.frames.values() if frame.spec is spec]
    if within is not None:
        own = run.frames.get(within)
        if own in found:
            return own
    elif len(found) == 1:
        return found[0]
    elif found:
        where = _shown(owners[-1]) if owners else f"流程“{_holder(run, found[0]).processes[process_id].name}”"
        raise Refused(f"{where}有 {len(found)} 个正在进行，请指明放在哪一个之内", code="ancestor_unclear")
    if not owners:
        raise Refused("所选的上级环节不包含要启动的环节，请重新选择", code="ancestor_not_around")
    owner = owners[-1]
    if not isinstance(owner, SubProcess):
        shown = _shown(owner)
        raise Refused(f"{shown}是自由子流程，请在它进行时从其中选择要办的活动", code="adhoc_not_active")
    if owner.in_loop:
        body = run.tokens.get(within or "")
        if body is None or not isinstance(body.node, MultiInstance) or body.node.inner != owner.name:
            raise Refused(
                f"{_shown(owner)}是多实例，请先启动它，或指明放在哪一个正在进行的多实例之内", code="body_not_active"
            )
        host = body.node.extend(body)
    else:
        around = _frame(run, process_id, owner.spec, owners[:-1], within, local)
        host = around.spawn(owner.name)
    # It begins without its start event and without listeners: those belong to the ordinary way in.
    host.facts.update(bare=1, before=1)
    run.variables.set_local(host.id, dict(local.get(owner.info.id, {})))
    _drain(run)
    return run.frames[host.id]


def _drain(run: Run) -> None:
    """Run only what opening a scope has queued; what fails refuses the modification."""
    while run.agenda:
        action, token = run.agenda.popleft()
        if token.is_live:
            action(token)


def _begin(place: Place, where: Frame | Token, local: Mapping[str, Mapping[str, Any]]) -> Token:
    node = place.node
    if isinstance(node, MultiInstance) and not hasattr(where, "spec"):
        token = node.extend(cast("Token", where))
    else:
        # A join goes on at once: nobody else is waited for.
        token = cast("Frame", where).spawn(node.name, joined=1 if node.counts_flows else None)
    token.run_of.variables.set_local(token.id, dict(local.get(node.info.id, {})))
    return token


def _common_scope(run: Run, token: Token, target: str) -> str:
    """The innermost scope around a token that is also around the target."""
    place = _place(run, target)
    around = [place.body, *(owner.spec for owner in place.owners)]
    frame = token.frame
    while frame.host is not None and frame.spec not in around:
        frame = frame.host.frame
    return frame.host.id if frame.host else ROOT_SCOPE


def _shown(node: Node) -> str:
    return f"“{node.info.name or node.info.id}”"
