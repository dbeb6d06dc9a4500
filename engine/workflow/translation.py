"""What every token of a running process becomes in another release, and what stands in the way. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from .findings import Finding, Translation
from .mapping import Plan
from .places import instance_node
from .specs import undo
from .specs.base import Node, ProcessSpec
from .specs.events import Boundary, Catch, EventStart
from .specs.gateways import EventBased, Join
from .specs.listeners import Listener
from .specs.multi import MultiInstance
from .specs.scopes import Embedded
from .specs.user import UserTask

if TYPE_CHECKING:
    from .run import Frame, Run, Token


def translate(run: Run, plan: Plan) -> Translation:
    """Look at every frame, the outer ones first."""
    reader = _Reader(plan, Translation())
    for key, frame in run.frames.items():
        spec = reader.spec_of(run, frame)
        if spec is not None:
            reader.found.specs[key] = spec
            reader.frame(key, frame, spec)
    return reader.found


class _Reader:
    def __init__(self, plan: Plan, found: Translation) -> None:
        self.plan, self.found = plan, found

    def say(self, kind: str, node: Node, message: str, target_id: str = "") -> None:
        info = node.info
        text = message.format(f"“{info.name or info.id}”")
        self.found.findings[Finding(kind, info.process_id, info.id, info.name, target_id, text)] = None

    def of(self, node: Node) -> str | None:
        return self.plan.of(node.info.process_id, node.info.id)

    def spec_of(self, run: Run, frame: Frame) -> ProcessSpec | None:
        """The body that the frame becomes; None where its host stays behind (which has been said)."""
        if frame.host is None or frame.called is not None:
            process_id = frame.called or run.process_id
            if frame.library is not None:
                name = run.libraries[frame.library].processes[process_id].name
                why = f"正在进行的流程“{name}”来自另一次部署，不能一同迁移，请等它结束后再迁移"
                self.found.findings[Finding("refused", process_id, "", name, "", why)] = None
                return None
            target = self.plan.processes.get(process_id)
            if target is not None:
                return self.plan.target.specs[target]
            name = run.definitions.processes[process_id].name
            why = f"新版本中没有流程“{name}”，请指定对应的流程"
            self.found.findings[Finding("refused", process_id, "", name, "", why)] = None
            return None
        around = self.found.specs.get(frame.host.frame.host.id if frame.host.frame.host else "")
        name_in_target = self.found.nodes.get(frame.host.id)
        if around is None or name_in_target is None:
            return None
        return cast(Embedded, around.task_specs[name_in_target]).body

    # --- a frame

    def frame(self, key: str, frame: Frame, spec: ProcessSpec) -> None:
        tokens = frame.tokens
        waiting_aside = [token for token in tokens if _is_aside(token)]
        # What hangs on others is looked at after them.
        for token in tokens:
            if token not in waiting_aside and not isinstance(token.node, Listener):
                self.element(token, spec)
        for token in tokens:
            if isinstance(token.node, Listener):
                self.listener(token, spec)
            elif isinstance(token.node, Boundary) and token in waiting_aside:
                self.boundary(token, spec)
        for token in tokens:
            target = self.found.nodes.get(token.id)
            if target is not None and "seen" in token.facts and not token.facts.keys() & {"thrower", "alone"}:
                self.new_boundaries(key, token, spec.task_specs[target])
        self.event_starts(key, frame, spec)
        self.gateways(key, tokens, spec)
        self.found.undo[key] = self.undoing(frame.spec, spec, frame.compensations)

    def element(self, token: Token, spec: ProcessSpec) -> None:
        node = token.node
        if token.facts.get("undo"):
            self.say("refused", node, "{}正在补偿，请等补偿办完再迁移")
            return
        target_id = self.of(node)
        if target_id is None:
            if token.link("group") is None:
                self.say("refused", node, "{}在新版本中没有对应的环节，请指定对应环节或先办完它")
            return
        suffix = node.name.removeprefix(node.info.id)
        target = spec.task_specs.get(target_id) or spec.task_specs.get(target_id + suffix)
        if target is None:
            self.say("refused", node, "{}的对应环节不在同一个子流程之内，请改为对应同一层的环节", target_id)
            return
        # What has no element of its own (an activity begun in an ad-hoc sub-process) follows the one it belongs to.
        if suffix and not node.in_loop:
            target = spec.task_specs.get(target_id + suffix, target)
        if not self._alike(node, target):
            return
        if node.in_loop:
            target = instance_node(target)
        self.found.nodes[token.id] = target.name
        self.found.facts[token.id] = self.remembered(token, target)
        if self._flows(token, target) and not isinstance(node, Join):
            self.say("moved", node, f"{{}}继续办理，成为“{target.info.name or target_id}”", target_id)
        self._renewed(token, target)

    def _alike(self, node: Node, target: Node) -> bool:
        """Whether work begun at one can go on at the other."""
        why = ""
        if (node.info.type, node.info.event) != (target.info.type, target.info.event):
            why = "{}的类型变了，不能接着办理"
        elif isinstance(target, MultiInstance) != (isinstance(node, MultiInstance) or node.in_loop):
            why = "{}在两个版本中一个是多实例、一个不是，不能接着办理"
        elif isinstance(node, MultiInstance) and node.loop.sequential != cast(MultiInstance, target).loop.sequential:
            why = "{}的多实例由并行改为顺序（或相反），不能接着办理"
        elif type(instance_node(node)) is not type(instance_node(target)):
            why = "{}的办理方式变了（例如由人工改为自动），不能接着办理"
        if why:
            self.say("refused", node, why, target.info.id)
        return not why

    def _renewed(self, token: Token, target: Node) -> None:
        if "wait" not in token.facts or not _listens_differently(token.node, target):
            return
        self.found.renew.append(token.id)
        what = "表单换为新版本的表单" if isinstance(target, UserTask) else "改为等待新版本所写的消息、信号或代码"
        self.say("renewed", token.node, f"{{}}{what}", target.info.id)

    # --- flows that joins remember

    def _flows(self, token: Token, target: Node) -> bool:
        facts: dict[str, Any] = {}
        arrived = token.link("flow")
        if arrived is not None:
            facts["flow"] = self._flow(token, arrived, set(target.incoming))
        if "ways" in token.facts:
            leaving = {str(flow.id) for flow in target.flows}
            facts["ways"] = [self._flow(token, one, leaving) for one in token.facts["ways"]]
        if None in facts.values() or None in facts.get("ways", ()):
            self.say("refused", token.node, "{}处已有分支到达，而它经过的流向在新版本中没有了", target.info.id)
            self.found.nodes.pop(token.id, None)
            return False
        self.found.facts[token.id] |= facts
        return True

    def _flow(self, token: Token, flow_id: str, fitting: set[str]) -> str | None:
        """The flow of the same id, else the only one between the counterparts of its ends."""
        if flow_id in fitting:
            return flow_id
        process_id = token.node.info.process_id
        source, target, _ = token.run_of.definitions.processes[process_id].flows[flow_id]
        ends = self.plan.of(process_id, source), self.plan.of(process_id, target)
        flows = self.plan.target.processes[self.plan.processes[process_id]].flows
        found = [one for one, (begin, stop, _) in flows.items() if (begin, stop) == ends and one in fitting]
        return found[0] if len(found) == 1 else None

    # --- what waits beside the flow

    def listener(self, token: Token, spec: ProcessSpec) -> None:
        element = token.run_of.tokens[cast(str, token.link("element"))]
        target = self.found.nodes.get(element.id)
        if target is None:
            return
        node = cast(Listener, token.node)
        for phase, first in element.node.listeners.items():
            chain = [one.name for one in _chain(element.node.spec, first)]
            if node.name in chain:
                there = list(_chain(spec, spec.task_specs[target].listeners.get(phase)))
                at = chain.index(node.name)
                if at < len(there) and there[at].operation.text == node.operation.text:
                    self.found.nodes[token.id] = there[at].name
                    return
        self.say("refused", node, "{}的监听器正在执行，而新版本中没有它，请等它执行完")

    def boundary(self, token: Token, spec: ProcessSpec) -> None:
        host = self.found.nodes.get(cast(str, token.link("host")))
        if host is None:
            return
        target_id = self.of(token.node)
        if target_id is None:
            self.say("unsubscribed", token.node, "不再等待{}，新版本中没有它")
            return
        if target_id not in spec.task_specs[host].boundaries:
            self.say("refused", token.node, "{}在新版本中附在别的环节上，请指定其他对应的边界事件", target_id)
        elif self._alike(token.node, spec.task_specs[target_id]):
            self.found.nodes[token.id] = target_id
            self._renewed(token, spec.task_specs[target_id])

    def new_boundaries(self, key: str, token: Token, target: Node) -> None:
        known = {self.plan.of(token.node.info.process_id, name) for name in token.node.boundaries}
        for name in target.boundaries:
            if name not in known:
                self.found.new.append((key, name, {"host": token.id}))
                self.say("subscribed", target.spec.task_specs[name], "开始等待新版本的{}", name)

    def event_starts(self, key: str, frame: Frame, spec: ProcessSpec) -> None:
        known: set[str | None] = set()
        for name in frame.spec.event_starts:
            node = frame.spec.task_specs[name]
            target_id = self.of(node)
            target = next((one for one in spec.event_starts if spec.task_specs[one].info.id == target_id), None)
            known.add(target)
            for token in frame.tokens:
                if token.node is not node:
                    continue
                if target is None:
                    self.say("unsubscribed", node, "不再等待{}，新版本中没有它")
                elif self._alike(node, spec.task_specs[target]):
                    self.found.nodes[token.id] = target
                    self._renewed(token, spec.task_specs[target])
        # A body that an event has interrupted listens to nothing any more.
        if any(token.node.replaces_body for token in frame.tokens):
            return
        for name in spec.event_starts:
            if name not in known:
                self.found.new.append((key, name, {}))
                self.say("subscribed", spec.task_specs[name], "开始等待新版本的{}", spec.task_specs[name].info.id)

    def gateways(self, key: str, tokens: list[Token], spec: ProcessSpec) -> None:
        """Event-based gateways: the group goes on at the gateway whose events its own have become."""
        groups: dict[str, list[Token]] = {}
        for token in tokens:
            group = token.link("group")
            if group is not None:
                groups.setdefault(group, []).append(token)
        for group, members in groups.items():
            there = {name for token in members if (name := self.found.nodes.get(token.id))}
            gateway = next(
                (one for one in spec.task_specs.values() if isinstance(one, EventBased) and there & _targets(one)), None
            )
            if gateway is None or not there <= _targets(gateway):
                self.say("refused", members[0].node, "{}在新版本中不在同一个事件网关之后，不能接着等待")
                continue
            for token in members:
                if token.id not in self.found.nodes:
                    self.say("unsubscribed", token.node, "不再等待{}，新版本中没有它")
            for name in sorted(_targets(gateway) - there):
                self.found.new.append((key, name, {"group": group}))
                self.say("subscribed", spec.task_specs[name], "开始等待新版本的{}", name)

    # --- compensation

    def undoing(self, source: ProcessSpec, target: ProcessSpec, entries: list[undo.Entry]) -> list[undo.Entry]:
        """What was done and can still be undone."""
        moved: list[undo.Entry] = []
        for name, handler, nested, variables in entries:
            node = source.task_specs[name]
            there = target.task_specs.get(self.of(node) or "")
            if there is not None and node.in_loop:
                there = instance_node(there)
            inner = None
            if nested is not None and isinstance(node, Embedded) and isinstance(there, Embedded):
                inner = self.undoing(node.body, there.body, nested)
            begins = target.task_specs[there.info.id].undo if there is not None and handler is not None else None
            if there is not None and (begins is not None or inner):
                moved.append([there.name, begins, inner, variables])
            else:
                self.say("dropped", node, "{}已办完，新版本中没有它的补偿，不能再补偿")
        return moved

    def remembered(self, token: Token, target: Node) -> dict[str, Any]:
        """The same for what a token keeps of its inside."""
        facts: dict[str, Any] = {}
        if token.facts.get("each"):
            facts["each"] = self.undoing(token.node.spec, target.spec, token.facts["each"])
        if token.facts.get("inside") and isinstance(token.node, Embedded) and isinstance(target, Embedded):
            facts["inside"] = self.undoing(token.node.body, target.body, token.facts["inside"])
        return facts


def _is_aside(token: Token) -> bool:
    """Whether it only waits for an event: one that has occurred is on its way like any other."""
    return isinstance(token.node, Boundary | EventStart) and "seen" not in token.facts


def _targets(gateway: Node) -> set[str]:
    return {flow.target for flow in gateway.flows}


def _chain(spec: ProcessSpec, name: str | None) -> Iterator[Listener]:
    while name is not None:
        listener = cast(Listener, spec.task_specs[name])
        yield listener
        name = listener.following


def _listens_differently(node: Node, target: Node) -> bool:
    """Whether the message, signal or code waited for, or the form, is written differently. Timers keep their date."""
    if isinstance(node, UserTask) and isinstance(target, UserTask):
        forms = [one.texts.get("form_id") for one in (node, target)]
    elif isinstance(node, Catch) and isinstance(target, Catch):
        forms = []
        for part in ("name", "key", "code"):
            pair = [getattr(one.trigger, part) for one in (node, target)]
            if _text(pair[0]) != _text(pair[1]):
                return True
    else:
        return False
    return bool(forms) and _text(forms[0]) != _text(forms[1])


def _text(expression: Any) -> str:
    return expression.text if expression is not None else ""
