"""A run as bytes and back: tokens and what hangs on them; neither variables nor the model, which lie elsewhere.

``{"v": 1, "process", "completed", "cancelled", "outcome", "frames": [[host, called, compensations, tokens]]}`` with a
token as ``[id, state, element, facts]``; ``called`` is ``[process, release key]`` when that is another release.
Finished tokens are not kept, so a loop's state stays flat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson

from engine.core.errors import Fault, ModelFault

from .face import Host, Library
from .run import Frame, Run, Token
from .specs.scopes import Embedded

if TYPE_CHECKING:
    from .definitions import Definitions

VERSION = 1
# Version → the function that makes the next version of an old state.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def dump(run: Run) -> bytes:
    """The state as bytes; equal states give equal bytes."""
    assert not run.agenda, "a run is saved at rest"
    return orjson.dumps(
        {
            "v": VERSION,
            "process": run.process_id,
            "completed": run.completed,
            "cancelled": run.cancelled,
            "outcome": run.outcome,
            "frames": [_frame_row(frame) for frame in run.frames.values()],
        }
    )


def _frame_row(frame: Frame) -> list[Any]:
    tokens = [[token.id, token._state, token.node.name, token.facts] for token in frame.tasks.values()]
    called = [frame.called, frame.library] if frame.library else frame.called
    return [frame.host.id if frame.host else "", called, frame.compensations, tokens]


def load(definitions: Definitions, content: bytes, scopes: Mapping[str, Mapping[str, Any]], host: Host) -> Run:
    """The run of a state. Raises ``ModelFault`` when it does not belong to these definitions."""
    state = _upgraded(orjson.loads(content))
    if state["process"] not in definitions.specs:
        raise _mismatch(state["process"])
    run = Run(definitions, state["process"], host, scopes)
    run.completed, run.cancelled, run.outcome = state["completed"], state["cancelled"], state["outcome"]
    run.top.completed = run.completed
    if not state["frames"]:
        run.frames.clear()
    for host_id, called, compensations, tokens in state["frames"]:
        frame = _frame(run, host_id, called)
        frame.compensations = [_entry(one) for one in compensations]
        nodes = frame.spec.task_specs
        for token_id, token_state, name, facts in tokens:
            if name not in nodes:
                raise _mismatch(name)
            Token(frame, nodes[name], token_id, token_state, facts)
    return run


def _entry(entry: list[Any]) -> list[Any]:
    """What is left to undo; states of earlier versions kept no variables with it."""
    name, handler, nested, *kept = entry
    return [name, handler, nested and [_entry(one) for one in nested], *(kept or [None])]


def arrived(content: bytes) -> list[str]:
    """The flows by which tokens came that stand at a join and have not gone on."""
    frames = orjson.loads(content)["frames"] if content else []
    return [token[3]["flow"] for frame in frames for token in frame[3] if "flow" in token[3]]


def _frame(run: Run, host_id: str, called: str | list[str] | None) -> Frame:
    if not host_id:
        return run.top
    host = run.token(host_id)
    if called is not None:
        process_id, key = (called, None) if isinstance(called, str) else called
        definitions = run.definitions if key is None else _library(run, key)
        if process_id not in definitions.specs:
            raise _mismatch(process_id)
        return Frame(run, definitions.specs[process_id], host, process_id, key)
    return Frame(run, cast(Embedded, host.node).body, host)


def _library(run: Run, key: str) -> Definitions:
    """Another release from which a process was called."""
    if key not in run.libraries:
        run.libraries[key] = cast(Library, run.host).load_called(key)
    return run.libraries[key]


def _upgraded(state: dict[str, Any]) -> dict[str, Any]:
    while state["v"] != VERSION:
        if state["v"] not in UPGRADES:
            raise ModelFault(
                Fault("state_version", f"流程状态的版本 {state['v']} 无法读取", hint="请先升级系统再打开该案件")
            )
        state = UPGRADES[state["v"]](state)
    return state


def _mismatch(name: str) -> ModelFault:
    hint = "请用案件受理时的发布版本打开，或先迁移"
    return ModelFault(Fault("state_without_element", "流程状态与模型不符：模型中没有该元素", element=name, hint=hint))
