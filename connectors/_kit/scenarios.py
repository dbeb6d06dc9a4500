"""``scenarios.yaml``: what a rehearsal asks of each operation, and what each scenario must come to.

``pass``, ``fail``, ``unknown``: the verdict of a check; ``answer``: an answer without one; ``pending``: it comes later;
``declined``, ``unreachable``, ``fault``: the error that is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import yaml
from marshmallow import Schema, ValidationError, fields, validate

from connectors._kit.manifest import WEATHER, Connector
from engine.core.errors import AnjuError, Declined, Unreachable
from engine.core.inbound import collections
from engine.core.operations import Answer, Call, LateAnswer, Pending, find

NOTHING = "nothing"
OUTCOMES = ("pass", "fail", "unknown", "answer", "pending", "declined", "unreachable", "fault")
# What the weather comes to where the file does not say otherwise; ``slow`` is as ``ok``.
USUAL = {
    "business_error": "declined",
    "http_500": "unreachable",
    "timeout": "unreachable",
    "garbage": "unreachable",
    "outage": "unreachable",
    "changed_schema": "fault",
}


@dataclass(frozen=True)
class Example:
    """One operation as it is rehearsed.

    ``subject``: whom a scenario is switched for; ``wire``: the stem of the two golden messages, where there are any;
    ``after``: an operation run before, ``take``: those of its outputs that are inputs here; ``files``: texts by id.
    ``later``: what a party that is asked for its answers (``@collection``) has to say then, or ``nothing``.
    """

    operation: str
    inputs: Mapping[str, Any]
    expect: Mapping[str, str]
    subject: str = "*"
    wire: str = ""
    after: str = ""
    take: tuple[str, ...] = field(default_factory=tuple)
    files: Mapping[str, str] = field(default_factory=dict)
    later: Mapping[str, str] = field(default_factory=dict)

    def expected(self, scenario: str) -> str:
        """What the call and then its answer must come to."""
        came = self.expect.get(scenario, "(未写明)")
        return f"{came}, {self.later.get(scenario, '(未写明)')}" if came == "pending" and self.later else came


class _Example(Schema):
    inputs = fields.Dict(keys=fields.String(), load_default=dict)
    expect = fields.Dict(keys=fields.String(), values=fields.String(validate=validate.OneOf(OUTCOMES)), required=True)
    subject = fields.String(load_default="*")
    wire = fields.String(load_default="")
    after = fields.String(load_default="")
    take = fields.List(fields.String(), load_default=list)
    files = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    later = fields.Dict(keys=fields.String(), values=fields.String(validate=validate.OneOf((*OUTCOMES, NOTHING))))


def examples(connector: Connector) -> dict[str, Example]:
    """Every operation's example. Raises ``ValueError`` that names the file and what is wrong."""
    path = connector.folder / "scenarios.yaml"
    if not path.exists():
        return {}
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        loaded: dict[str, dict[str, Any]] = {name: dict(_Example().load(one)) for name, one in given.items()}
    except (ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"{connector.party}/scenarios.yaml: {error}") from error
    if strange := set(loaded) - set(connector.operations):
        raise ValueError(f"{connector.party}/scenarios.yaml: no such operation: {', '.join(sorted(strange))}")
    return {name: _example(name, one) for name, one in loaded.items()}


def _example(name: str, one: dict[str, Any]) -> Example:
    expect = {**USUAL, **one["expect"]}
    if "ok" in expect:
        expect.setdefault("slow", expect["ok"])
    return Example(name, **{**one, "expect": expect, "take": tuple(one["take"])})


def steps(connector: Connector, offered: Mapping[str, str]) -> list[tuple[Example, str]]:
    """Every operation in every scenario its simulator ``offered``, but those exempted."""
    return [
        (example, scenario)
        for example in examples(connector).values()
        for scenario in offered
        if scenario != "recovery" and not exempted(connector, example.operation, scenario)
    ]


def exempted(connector: Connector, operation: str, scenario: str) -> str:
    """The reason why an operation need not be tried in a scenario, or nothing."""
    names = (f"{operation}/{scenario}", f"*/{scenario}", f"{operation}/*")
    return next((connector.exemptions[name] for name in names if name in connector.exemptions), "")


def gaps(connector: Connector, offered: Mapping[str, str]) -> list[str]:
    """What is neither rehearsed nor exempted, in words for the integrator."""
    known = examples(connector)
    found = [
        f"{name} 没有演练样例，请写入 scenarios.yaml，或在 exemptions 中写明 “{name}/*” 的理由"
        for name in connector.operations
        if name not in known and not exempted(connector, name, "*")
    ]
    found += [
        f"模拟方缺少情形 {scenario}，请在 SCENARIOS 中加入，或在 exemptions 中写明 “*/{scenario}” 的理由"
        for scenario in WEATHER
        if scenario not in offered and not exempted(connector, "*", scenario)
    ]
    found += [
        f"{example.operation} 在情形 {scenario} 下应得到什么没有写明，请补入 scenarios.yaml 的 expect"
        for example, scenario in steps(connector, offered)
        if scenario not in example.expect or (example.later and scenario not in example.later)
    ]
    return found


def call(example: Example, *, key: str, attempt: int = 1, earlier: Mapping[str, Any] | None = None) -> Call:
    """The call a rehearsal makes; ``earlier`` are the outputs of the operation it comes after."""
    inputs = {**example.inputs, **{name: (earlier or {})[name] for name in example.take}}
    return Call(
        case_id=1,
        case_number="BZSQ-2026-000001",
        item="rental/eligibility_application",
        office_id=1,
        token="rehearsal",  # noqa: S106 - the token of a process, not a secret
        element_id="check",
        idempotency_key=key,
        inputs=find(example.operation).load_inputs(inputs, {}),
        attempt=attempt,
        files=_Kept(example.files),
    )


def run(one: Call, operation: str) -> Answer | Pending:
    """Run an operation the way the engine does: load, run, check."""
    found = find(operation)
    answer = found.run(one)
    if not isinstance(answer, Answer | Pending):
        raise TypeError(f"{operation} must give Answer or Pending")
    if isinstance(answer, Answer):
        found.check_outputs(answer.variables)
    return answer


def outcome(result: Answer | Pending | AnjuError) -> str:
    """What it came to, in the words of ``expect``."""
    if isinstance(result, Answer):
        return result.verdict or "answer"
    if isinstance(result, Pending):
        return "pending"
    for kind, word in ((Declined, "declined"), (Unreachable, "unreachable")):
        if isinstance(result, kind):
            return word
    return "fault"


def came_later(party: str, key: str, seconds: float) -> str:
    """What a party's collection brings for ``key`` within so many seconds, in the words of ``later``."""
    give_up = monotonic() + seconds
    while monotonic() < give_up:
        for event in collections()[party].fetch():
            if isinstance(event, LateAnswer) and event.done is not None:
                event.done()
                if event.correlation == key:
                    return outcome(event.declined or event.fault or event.answer or AnjuError("empty"))
        sleep(0.02)
    return NOTHING


class _Kept:
    """Files of a rehearsal: in memory, by number."""

    def __init__(self, contents: Mapping[str, str]) -> None:
        self.contents = {file_id: text.encode() for file_id, text in contents.items()}

    def read(self, file_id: str) -> bytes:
        return self.contents[file_id]

    def write(self, content: bytes, *, name: str, media_type: str) -> str:
        self.contents[str(len(self.contents) + 1)] = content
        return str(len(self.contents))
