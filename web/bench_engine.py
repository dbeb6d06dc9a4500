"""What a step of a process costs by itself: no SQL, no HTTP. The yardstick is bare SpiffWorkflow in memory, same model.

A step of ours is what a command does with a case: take it up from bytes, complete a user task, move on, give it back as
bytes. SpiffWorkflow's is only the completing and moving on, with its stock parser, elements and Python expressions.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from time import thread_time
from typing import Any

import orjson
from lxml import etree
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.util.task import TaskState

from engine.workflow import Definitions, Process, Wait, parse

# What the specification of the engine asks for.
RATE_AIM, STATE_AIM, FLAT_AIM, OLD_CASE_AIM, BULK_AIM = 0.80, 1536, 1.5, 1.3, 0.5
ROUNDS = 5
USER_TASKS = 12
_NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Measured:
    """A figure beside its yardstick of the same run. ``aim`` bounds the ratio: at least it, or at most it."""

    value: float
    unit: str
    yardstick: float
    aim: float
    at_least: bool = field(default=False, kw_only=True)

    @property
    def ratio(self) -> float:
        return self.value / self.yardstick


class House:
    """A host that answers nothing: the models measured ask for nothing."""

    def now(self) -> datetime:
        return _NOW

    def decide(self, decision_id: str, context: Mapping[str, Any], element_id: str) -> Any:
        raise AssertionError(f"the bench asks for no decision: {decision_id}")

    def operation_is_inside(self, type: str) -> bool:
        return False

    def run_inside(self, wait: Wait, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(f"the bench runs no operation: {type}")


HOUSE = House()


# --- the models -------------------------------------------------------------------------------------------------


def _model(body: str) -> bytes:
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/'
        '1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="d" targetNamespace="urn:bench">'
        f'<process id="bench" name="测量" isExecutable="true">{body}</process></definitions>'
    ).encode()


def _flow(source: str, target: str, condition: str = "") -> str:
    inner = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
    return f'<sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'


def _user(name: str, more: str = "") -> str:
    extension = "<extensionElements><zeebe:userTask/></extensionElements>"
    return f'<userTask id="{name}" name="办理 {name}">{extension}{more}</userTask>'


def fifteen_steps(feel: bool) -> bytes:
    """Twelve user tasks, two milestones and an exclusive gateway in the middle; ``feel`` or Python in it."""
    before = [f"t{number}" for number in range(USER_TASKS // 2)]
    after = [f"t{number}" for number in range(USER_TASKS // 2, USER_TASKS)]
    chain = ["begin", "note", *before, "g"], ["file", *after, "over"]
    flows = "".join(_flow(*pair) for names in chain for pair in pairwise(names))
    condition = ("=" if feel else "") + "amount &lt; 1000"
    return _model(
        '<startEvent id="begin"/><intermediateThrowEvent id="note"/><intermediateThrowEvent id="file"/>'
        f'<exclusiveGateway id="g" default="g_other"/><endEvent id="other"/><endEvent id="over"/>'
        f"{''.join(_user(name) for name in before + after)}{flows}{_flow('g', 'file', condition)}{_flow('g', 'other')}"
    )


def looping() -> Definitions:
    return parse(
        {
            "loop.bpmn": _model(
                f'<startEvent id="begin"/>{_user("a")}<exclusiveGateway id="g" default="g_a"/><endEvent id="over"/>'
                f"{_flow('begin', 'a')}{_flow('a', 'g')}{_flow('g', 'a')}{_flow('g', 'over', '=stop')}"
            )
        }
    )


def instances(sequential: bool) -> Definitions:
    """One user task for each of ``people``; the answers collected are yes or no: a step is measured, not the data."""
    loop = (
        f'<multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}"><extensionElements>'
        '<zeebe:loopCharacteristics inputCollection="=people" inputElement="person" outputCollection="answers" '
        'outputElement="=agreed"/></extensionElements></multiInstanceLoopCharacteristics>'
    )
    ends = '<startEvent id="begin"/><endEvent id="over"/>'
    return parse({"many.bpmn": _model(f"{ends}{_user('a', loop)}{_flow('begin', 'a')}{_flow('a', 'over')}")})


def variables() -> dict[str, Any]:
    """About 1 KB of what a case carries."""
    return {
        "amount": 128,
        "applicant": {"name": "林秋实", "region": "浙江省/杭州市/西湖区", "phone": "19900000001"},
        "family": [{"name": f"成员{number}", "relation": "spouse", "income": 350_000 + number} for number in range(8)],
        "address": "安居市西湖区文二路 100 号 1 幢 301 室" * 4,
        "consent": True,
        "stop": False,
    }


# --- steps ------------------------------------------------------------------------------------------------------


class Stored:
    """A case between two commands: two byte strings, as a database keeps them."""

    def __init__(self, definitions: Definitions, given: Mapping[str, Any]) -> None:
        self.definitions = definitions
        self._keep(Process.start(definitions, "bench", given, HOUSE))

    def _keep(self, process: Process) -> None:
        self.state, scopes = process.save()
        self.scopes = orjson.dumps(scopes)
        self.over = process.completed

    def step(self, token: str, answers: Mapping[str, Any]) -> None:
        """What a command does: take up, complete, give back."""
        process = Process.load(self.definitions, self.state, orjson.loads(self.scopes), HOUSE)
        process.complete(token, answers)
        self._keep(process)

    def tokens(self) -> list[str]:
        """Who stands where; in a real case the task's row says it."""
        return [wait.token for wait in self._process().waits()]

    def _process(self) -> Process:
        return Process.load(self.definitions, self.state, orjson.loads(self.scopes), HOUSE)


def _timed(work: Callable[[], Any]) -> float:
    began = thread_time()
    work()
    return thread_time() - began


def measure() -> dict[str, Measured]:
    """Everything; about ten seconds of work."""
    gc.collect()
    return {**_fifteen(), **_flatness(), **_bulk()}


# --- fifteen steps ----------------------------------------------------------------------------------------------


def _fifteen(cases: int = 20) -> dict[str, Measured]:
    definitions, bare = parse({"m.bpmn": fifteen_steps(True)}), _bare_spec()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(cases * USER_TASKS / sum(_our_case(definitions) for _ in range(cases)))
        theirs.append(cases * USER_TASKS / sum(_bare_case(bare) for _ in range(cases)))
    return {
        "engine_steps": Measured(median(ours), "steps/s", median(theirs), RATE_AIM, at_least=True),
        "engine_state": Measured(float(state_bytes(definitions)), "bytes", float(STATE_AIM), 1.0),
    }


def _our_case(definitions: Definitions) -> float:
    """CPU seconds of the twelve steps."""
    case, spent = Stored(definitions, variables()), 0.0
    for number in range(USER_TASKS):
        [token] = case.tokens()
        answers = {f"opinion_{number}": "同意"}
        spent += _timed(lambda: case.step(token, answers))  # noqa: B023  called at once
    assert case.over
    return spent


def _bare_spec() -> Any:
    parser = BpmnParser()
    parser.add_bpmn_xml(etree.fromstring(fifteen_steps(False)))
    return parser.get_spec("bench")


def _bare_case(spec: Any) -> float:
    workflow = BpmnWorkflow(spec)
    workflow.task_tree.data.update(variables())
    workflow.do_engine_steps()
    spent = 0.0
    for number in range(USER_TASKS):
        task = workflow.get_next_task(state=TaskState.READY, manual=True)
        answers = {f"opinion_{number}": "同意"}
        spent += _timed(lambda: _bare_step(workflow, task, answers))  # noqa: B023  called at once
    assert workflow.is_completed()
    return spent


def _bare_step(workflow: Any, task: Any, answers: Mapping[str, Any]) -> None:
    task.data.update(answers)
    task.run()
    workflow.do_engine_steps()


def state_bytes(definitions: Definitions) -> int:
    """The state of a case in the middle, without its variables."""
    case = Stored(definitions, variables())
    for number in range(USER_TASKS // 2):
        case.step(case.tokens()[0], {f"opinion_{number}": "同意"})
    return len(case.state)


# --- flatness ---------------------------------------------------------------------------------------------------


def _flatness() -> dict[str, Measured]:
    circle = looping()
    people = {"people": [f"u{number}" for number in range(1000)]}
    found = {
        "engine_loop_1000": _looped(Stored(circle, variables()), 1000),
        "engine_parallel_1000": _all_at_once(Stored(instances(False), people)),
        "engine_sequential_1000": _looped(Stored(instances(True), people), 1000),
    }
    costs = {name: Measured(_at(spent, 1000), "ms", _at(spent, 10), FLAT_AIM) for name, spent in found.items()}
    fresh = _looped(Stored(circle, variables()), 30)
    old = found["engine_loop_1000"]
    costs["engine_old_case"] = Measured(_at(old, 500), "ms", _at(fresh, 10), OLD_CASE_AIM)
    ten = _all_at_once(Stored(instances(False), {"people": people["people"][:10]}))
    costs["engine_parallel_first"] = Measured(_at(found["engine_parallel_1000"], 10), "ms", median(ten) * 1000, 100.0)
    return costs


def _at(spent: list[float], number: int) -> float:
    """Milliseconds of step ``number``: the median of those around it."""
    return median(spent[max(0, number - 10) : number + 10]) * 1000


def _looped(case: Stored, rounds: int) -> list[float]:
    spent = []
    for _ in range(rounds):
        [token] = case.tokens()
        spent.append(_timed(lambda: case.step(token, {"agreed": True})))  # noqa: B023  called at once
    return spent


def _all_at_once(case: Stored) -> list[float]:
    spent = [_timed(lambda: case.step(token, {"agreed": True})) for token in case.tokens()]  # noqa: B023
    assert case.over
    return spent


# --- many cases at once -----------------------------------------------------------------------------------------


def _bulk(count: int = 18_000) -> dict[str, Measured]:
    """Starting many cases in one go, kept in memory until the end, beside starting them one by one."""
    definitions = parse({"m.bpmn": fifteen_steps(True)})
    given = variables()

    def together() -> None:
        made = [Stored(definitions, given) for _ in range(count)]
        assert len(made) == count

    def alone() -> None:
        for _ in range(count):
            Process.start(definitions, "bench", given, HOUSE)

    pairs = [(count / _timed(together), count / _timed(alone)) for _ in range(2)]
    bulk, single = (median(side) for side in zip(*pairs, strict=True))
    return {"engine_bulk_start": Measured(bulk, "cases/s", single, BULK_AIM, at_least=True)}
