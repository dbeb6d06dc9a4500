"""Models drawn to hurt. As a program: each in a process of its own, printing what came of it and at what cost."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable

from engine.core.errors import ModelFault
from engine.workflow import Process, parse
from tests.engine.workflow.kit import (
    MESSAGE,
    House,
    boundary,
    bpmn,
    catch,
    chain,
    end,
    flow,
    gateway,
    job,
    loop,
    start,
    sub,
    throw,
    user,
)


def long_chain(length: int) -> bytes:
    ids = [f"t{number}" for number in range(length)]
    return bpmn(start(), *(f'<task id="{one}"/>' for one in ids), user("u"), chain("start", *ids, "u"))


def nested(depth: int) -> bytes:
    inner = start("s") + user("u") + chain("s", "u")
    for level in range(depth):
        inner = start(f"s{level}") + sub(f"n{level}", inner) + chain(f"s{level}", f"n{level}")
    return bpmn(inner)


def wide(kind: str, branches: int) -> bytes:
    ids = [f"t{number}" for number in range(branches)]
    default = "d" if kind == "inclusive" else ""
    lines = [f'<task id="{one}"/>' for one in ids]
    lines += [flow("g", one, "=true" if default else "") + flow(one, "j") for one in ids]
    lines += [flow("g", "j", id="d")] if default else []
    return bpmn(start(), gateway(kind, "g", default), gateway(kind, "j"), user("u"), chain("start", "g"),
                chain("j", "u"), *lines)  # fmt: skip


def links(number: int) -> bytes:
    lines = [start()]
    before = "start"
    for one in range(number):
        name = f'<linkEventDefinition name="L{one}"/>'
        lines += [throw(f"t{one}", name), catch(f"c{one}", name), flow(before, f"t{one}")]
        before = f"c{one}"
    return bpmn(*lines, user("u"), flow(before, "u"))


def many_boundaries(number: int) -> bytes:
    events = [
        boundary(f"b{one}", "u", MESSAGE, False) + end(f"e{one}") + flow(f"b{one}", f"e{one}") for one in range(number)
    ]
    return bpmn(start(), user("u"), end(), chain("start", "u", "end"), *events)


def doctype(inside: str) -> bytes:
    body = bpmn(start("&a;"), user("u"), chain("start", "u"))
    return body.replace(b"<bpmn:definitions", f"<!DOCTYPE x {inside}><bpmn:definitions".encode(), 1)


LAUGHS = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
MODELS: dict[str, Callable[[], bytes]] = {
    "an entity bomb": lambda: doctype(f'[<!ENTITY a "ha">{LAUGHS}]'),
    "a file of this machine": lambda: doctype('[<!ENTITY a SYSTEM "file:///etc/passwd">]'),
    "an address elsewhere": lambda: doctype('[<!ENTITY a SYSTEM "http://127.0.0.1:9/x">]'),
    "a DTD elsewhere": lambda: doctype('SYSTEM "http://127.0.0.1:9/x.dtd"'),
    "fifty megabytes": lambda: bpmn(start(), f"<documentation>{'x' * 50_000_000}</documentation>"),
    "eight megabytes of names": lambda: bpmn(start(), user("u").replace("办理u", "x" * 7_500_000), chain("start", "u")),
    "a chain of ten thousand": lambda: long_chain(10_000),
    "a chain of nearly five thousand": lambda: long_chain(4_900),
    "two hundred levels": lambda: nested(200),
    "five hundred levels": lambda: nested(500),
    "three thousand branches": lambda: wide("parallel", 3_000),
    "five hundred branches": lambda: wide("parallel", 490),
    "five hundred choices": lambda: wide("inclusive", 490),
    "two thousand links": lambda: links(2_000),
    "two thousand boundary events": lambda: many_boundaries(2_000),
    "a loop without rest": lambda: bpmn(
        start(), gateway("exclusive", "g"), '<task id="t"/>', chain("start", "g", "t", "g")),
    "sub-processes without number": lambda: bpmn(
        start(), sub("s", start("i"), user("u"), chain("i", "u"), more=loop("=for i in 1..1000000 return i")),
        chain("start", "s")),
    "a process that calls itself": lambda: bpmn(
        start(), '<callActivity id="c"><extensionElements><zeebe:calledElement processId="p"/></extensionElements>'
        "</callActivity>", chain("start", "c")),
    "an expression without end": lambda: bpmn(
        start(), job("u", type="=" + "(" * 5_000 + "1" + ")" * 5_000), chain("start", "u")),
    "a sum of a hundred thousand": lambda: bpmn(
        start(), job("u", type="=" + "+".join(["1"] * 100_000)), chain("start", "u")),
}  # fmt: skip


def outcome(content: bytes) -> str:
    """What comes of a model: the codes it is refused for, or where its process stands."""
    try:
        definitions = parse({"hostile.bpmn": content})
    except ModelFault as fault:
        return "refused " + " ".join(sorted({found.code for found in fault.faults}))
    process = Process.start(definitions, "p", {"number": "1"}, House())
    state, scopes = process.save()
    Process.load(definitions, state, scopes, House())
    kinds = sorted({str(wait.attrs.get("code", wait.kind)) for wait in process.waits()})
    return " ".join(["runs", *kinds, *(["ended"] if process.completed else [])])


def _kept() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str) -> None:
    """One line of JSON: outcome, CPU seconds, megabytes more than before."""
    model = MODELS[name]()
    before, began = _kept(), time.process_time()
    found = outcome(model)
    facts = {"name": name, "outcome": found, "seconds": time.process_time() - began, "megabytes": _kept() - before}
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    for one in MODELS:
        child = os.fork()
        if child == 0:
            measure(one)
            sys.exit()
        os.waitpid(child, 0)
