"""Rehearse parties against their simulators, or one operation against its simulator or the real party."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

from connectors._kit import scenarios, tape, workbench
from connectors._kit.manifest import Connector
from connectors._kit.scenarios import Example
from connectors._kit.workbench import Rehearsed
from engine.core.errors import Refused
from engine.core.operations import Answer, Pending

SKIPPED = "未演练"
Load = Callable[[Connector, Mapping[str, str]], None]


def problems(found: Sequence[Connector]) -> list[str]:
    """What keeps each party from its level."""
    state = workbench.simulators(found).state
    return [f"{one.party}：{problem}" for one in found for problem in workbench.problems(one, state)]


def rehearse(
    found: Sequence[Connector], load: Load, environ: Mapping[str, str], *, record: Path | None, replay: Path | None
) -> Iterator[Rehearsed]:
    """Every operation in every scenario, after the golden messages; ``replay`` plays the good case alone."""
    simulators = workbench.simulators(found)
    with ExitStack() as stack:
        url = stack.enter_context(workbench.served(simulators))
        known = {name: one for each in found for name, one in scenarios.examples(each).items()}
        heard = tape.load(replay) if replay else tape.Tape(known=_personal(known))
        if record or replay:
            stack.enter_context(tape.running(heard))
        for one in found:
            if one.party not in simulators.state.parties:
                continue
            if why := workbench.missing(one):
                yield Rehearsed(one.party, "*", SKIPPED, SKIPPED, 0, why)
                continue
            load(one, workbench.environ(one, simulators.state, url, environ))
            yield from _rehearse(one, simulators.state, replayed=replay is not None)
        if record:
            heard.save(record)


def _rehearse(one: Connector, state: Any, *, replayed: bool) -> Iterator[Rehearsed]:
    if replayed:
        known = scenarios.examples(one)
        yield from (workbench.step(one, state, each, "ok", known) for each in known.values() if not each.after)
        return
    if tape.current() is None:
        for each in scenarios.examples(one).values():
            for problem in workbench.golden(one, each):
                yield Rehearsed(each.operation, "wire", "same", "other", 0, problem)
    yield from workbench.rehearse(one, state)


def _personal(known: Mapping[str, Example]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in known.values():
        found |= workbench.personal(one)
    return found


def attempt(
    connector: Connector,
    load: Load,
    environ: Mapping[str, str],
    operation: str,
    inputs: Mapping[str, Any],
    *,
    live: bool,
    record: Path | None,
) -> Answer | Pending:
    """One call with ``inputs``. Raises ``Refused`` for an unknown operation, and what the operation raises."""
    if operation not in connector.operations:
        raise Refused(f"「{connector.title}」没有操作 {operation}", code="unknown_operation")
    simulators = workbench.simulators([connector])
    if not live and connector.party not in simulators.state.parties:
        raise Refused(f"「{connector.title}」没有模拟方，请加 --live", code="no_simulator")
    with ExitStack() as stack:
        if live:
            load(connector, environ)
        else:
            url = stack.enter_context(workbench.served(simulators))
            load(connector, workbench.environ(connector, simulators.state, url, environ))
        example = Example(operation, inputs, {})
        heard = stack.enter_context(tape.running(tape.Tape(known=workbench.personal(example)))) if record else None
        result = scenarios.run(scenarios.call(example, key=uuid4().hex), operation)
        if heard and record:
            heard.save(record)
        return result
