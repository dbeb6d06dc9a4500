"""Elements with a life inside: sub-process, call activity."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from engine.workflow.expressions import Expression, Stuck
from engine.workflow.face import Library
from engine.workflow.run import Frame
from engine.workflow.variables import call_scope
from engine.workflow.waits import called_from

from . import undo
from .base import Node, ProcessSpec

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Run, Token


# A process that calls itself without end is stopped here.
DEEPEST_CALL = 100


class Opens(Node):
    """Base: stands still until its frame has ended."""

    def cancel_inside(self, token: Token) -> None:
        frame = token.run_of.frames.pop(token.id, None)
        if frame is not None:
            frame.completed = True
            frame.cancel_all()


class Embedded(Opens):
    """Base of what is drawn inside its process. It is entered again when what it did is undone."""

    def __init__(self, spec: ProcessSpec, info: ElementInfo, suffix: str = "", *, body: ProcessSpec) -> None:
        super().__init__(spec, info, suffix)
        self.body = body

    def work(self, token: Token) -> bool:
        nested = token.facts.pop("undo", None)
        if nested is not None:
            undo.undo(Frame(token.run_of, self.body, token), nested, alone=1)
        else:
            self.begin(token)
        return False

    def begin(self, token: Token) -> None:
        """Open the frame and put the first tokens in it."""
        raise NotImplementedError

    def body_closed(self, frame: Frame) -> Callable[[Token], None]:
        host = cast("Token", frame.host)
        if frame.compensations and "undoing" not in host.facts:
            host.facts["inside"] = frame.compensations
        return frame.run.leave


class SubProcess(Embedded):
    """An embedded or event sub-process."""

    def begin(self, token: Token) -> None:
        frame = Frame(token.run_of, self.body, token)
        if token.facts.pop("bare", None):
            # An operator puts tokens inside: nothing begins by itself.
            frame.listen()
        else:
            frame.open(cast(str, self.body.plain_start))


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
        key, spec = self._find(run, process_id) if isinstance(process_id, str) else (None, None)
        if spec is None:
            shown = process_id if isinstance(process_id, str) else self.called.text
            raise Stuck("process_not_found", f"被调用的流程“{shown}”不在本次发布中，请一并发布或更正编号")
        if spec.plain_start is None:
            raise Stuck("process_without_plain_start", f"被调用的流程“{process_id}”没有空开始事件，不能被调用")
        if len(called_from(token)) >= DEEPEST_CALL:
            raise Stuck("call_too_deep", f"流程层层调用超过 {DEEPEST_CALL} 层，请检查“{process_id}”是否调用了自己")
        given = token.context() if self.give_all else run.variables.scopes.get(token.id, {})
        run.variables.set_local(call_scope(token.id), given)
        Frame(run, spec, token, called=process_id, library=key).open(spec.plain_start)
        return False

    def _find(self, run: Run, process_id: str) -> tuple[str | None, ProcessSpec | None]:
        """The called process and, if it is of another release, the key of that."""
        if isinstance(run.host, Library):
            facts = self.info.extensions.get("calledElement", {})
            found = run.host.find_called(process_id, facts.get("bindingType", "latest"), facts.get("versionTag", ""))
            if found is not None:
                key, definitions = found
                run.libraries[key] = definitions
                return key, definitions.specs.get(process_id)
        return None, run.definitions.specs.get(process_id)

    def body_closed(self, frame: Frame) -> Callable[[Token], None]:
        host, run = cast("Token", frame.host), frame.run
        if self.take_all or self.outputs_map:
            self.receive(host, run.variables.scopes.get(call_scope(host.id), {}))
        return run.leave
