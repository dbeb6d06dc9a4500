"""Elements with a life inside: sub-process, call activity."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from engine.workflow.expressions import Expression, Stuck
from engine.workflow.run import Frame
from engine.workflow.variables import call_scope
from engine.workflow.waits import called_from

from .base import Node, ProcessSpec
from .throws import undo

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Token


# A process that calls itself without end is stopped here.
DEEPEST_CALL = 100


class Opens(Node):
    """Base: stands still until its frame has ended."""

    def cancel_inside(self, token: Token) -> None:
        frame = token.run_of.frames.pop(token.id, None)
        if frame is not None:
            frame.completed = True
            frame.cancel_all()


class SubProcess(Opens):
    """An embedded or event sub-process."""

    def __init__(self, spec: ProcessSpec, info: ElementInfo, suffix: str = "", *, body: ProcessSpec) -> None:
        super().__init__(spec, info, suffix)
        self.body = body

    def work(self, token: Token) -> bool:
        frame = Frame(token.run_of, self.body, token)
        nested = token.facts.pop("undo", None)
        if nested is None:
            frame.open(cast(str, self.body.plain_start))
        else:
            undo(frame, nested, alone=1)
        return False

    def body_closed(self, frame: Frame) -> Callable[[Token], None]:
        host = cast("Token", frame.host)
        undoing = "thrower" in host.facts or "alone" in host.facts
        # Compensated as a whole by its own handler, or else by the handlers of what is inside.
        if frame.compensations and self.undo is None and not undoing and not self.in_loop:
            host.frame.compensations.append([self.info.id, None, frame.compensations])
        return frame.run.leave


class CallActivity(Opens):
    """Another process with a scope of its own."""

    def __init__(
        self,
        spec: ProcessSpec,
        info: ElementInfo,
        suffix: str = "",
        *,
        called: Expression,
        give_all: bool,
        take_all: bool,
    ) -> None:
        super().__init__(spec, info, suffix)
        self.called, self.give_all, self.take_all = called, give_all, take_all

    def work(self, token: Token) -> bool:
        run = token.run_of
        process_id = self.called.evaluate(token.context())
        spec = run.definitions.specs.get(process_id) if isinstance(process_id, str) else None
        if spec is None:
            shown = process_id if isinstance(process_id, str) else self.called.text
            raise Stuck("process_not_found", f"被调用的流程“{shown}”不在本次发布中，请一并发布或更正编号")
        if spec.plain_start is None:
            raise Stuck("process_without_plain_start", f"被调用的流程“{process_id}”没有空开始事件，不能被调用")
        if len(called_from(token)) >= DEEPEST_CALL:
            raise Stuck("call_too_deep", f"流程层层调用超过 {DEEPEST_CALL} 层，请检查“{process_id}”是否调用了自己")
        given = token.context() if self.give_all else run.variables.scopes.get(token.id, {})
        run.variables.set_local(call_scope(token.id), given)
        Frame(run, spec, token, called=cast(str, process_id)).open(spec.plain_start)
        return False

    def body_closed(self, frame: Frame) -> Callable[[Token], None]:
        host, run = cast("Token", frame.host), frame.run
        if self.take_all or self.outputs_map:
            self.receive(host, run.variables.scopes.get(call_scope(host.id), {}))
        return run.leave
