"""The integrator's bench: make a new party's folder, check it, rehearse it against its simulator, record and replay."""

from __future__ import annotations

import importlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from time import perf_counter
from typing import Any
from uuid import uuid4

from werkzeug.serving import WSGIRequestHandler, make_server

from connectors._kit import scenarios, settings, tape
from connectors._kit.manifest import Connector
from connectors._kit.sandbox import State, Timing
from connectors._kit.scenarios import Example
from connectors._kit.simulation import Simulators, create_all
from engine.core.errors import AnjuError, Refused
from engine.core.operations import Answer, Pending

STARTER = Path(__file__).with_name("starter")
# Short, yet long enough for a busy machine.
PATIENCE = 1.0
QUICK = Timing(slow=0.05, timeout=1.3, late=0.1, answer_within=30, callback_pauses=(0.0, 0.05, 0.05))
_KINDS = {"string": "String", "integer": "Integer", "number": "Float", "boolean": "Boolean"}


@dataclass(frozen=True)
class Named:
    """An input or an output as the integrator names it: ``arrears_fen=欠费（分）:integer``."""

    name: str
    title: str
    kind: str = "string"


@dataclass(frozen=True)
class Rehearsed:
    """What one scenario of one operation came to."""

    operation: str
    scenario: str
    expected: str
    got: str
    milliseconds: int
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether it came to what the file says."""
        return self.got == self.expected


def named(text: str) -> Named:
    """Read ``name=title:kind``. Raises ``Refused``."""
    found = re.fullmatch(r"([a-z][a-z0-9_]*)=([^:=]+)(?::(string|integer|number|boolean))?", text)
    if found is None:
        raise Refused(f"“{text}”应写作 名称=标题 或 名称=标题:类型，类型为 {'、'.join(_KINDS)}", code="bad_name")
    return Named(found[1], found[2], found[3] or "string")


def new(
    party: str,
    into: Path,
    asks: Sequence[Named],
    gives: Sequence[Named],
    *,
    title: str,
    operation: str,
    operation_title: str,
    owner: str,
) -> list[Path]:
    """Make the folder of a new party that works at once; gives the files made. Raises ``Refused``."""
    for name in (party, operation):
        if not re.fullmatch(r"[a-z][a-z0-9_]{1,39}", name):
            raise Refused(f"“{name}”应由小写英文字母、数字和下划线组成，以字母开头", code="bad_name")
    folder = into / party
    if folder.exists():
        raise Refused(f"目录 {folder} 已存在，请换一个名称", code="duplicate")
    # The first input is the subject of the call: the simulator's scenarios are switched for it.
    example = {one.name: sample(one.kind) for one in asks} | {asks[0].name: "1001"}
    known = {one.name: sample(one.kind) for one in gives}
    given = {
        "party": party,
        "PARTY": party.upper(),
        "title": title,
        "owner": owner,
        "purpose": operation_title,
        "operation": operation,
        "operation_title": operation_title,
        "first_ask": asks[0].name,
        "asks_names": ", ".join(f'"{one.name}": "{one.name}"' for one in asks),
        "asks_fields": "\n".join(_field(one, "required=True") for one in asks),
        "gives_fields": "\n".join(_field(one, "required=True, allow_none=True") for one in gives),
        "data_fields": "\n".join(
            f'    {one.name} = fields.{_KINDS[one.kind]}(required=True, data_key="{one.name}")' for one in gives
        ),
        "nothing": ", ".join(f'"{one.name}": None' for one in gives),
        "known": "{" + f'"1001": {known!r}'.replace("'", '"') + "}",
        "example": json.dumps(example, ensure_ascii=False),
    }
    written = {}
    for source in sorted(path for path in STARTER.iterdir() if path.is_file()):
        text = Template(source.read_text(encoding="utf-8")).substitute(given)
        written[folder / source.name.removesuffix(".txt")] = text
    wire = folder / "wire"
    written[wire / f"{operation}.request.json"] = json.dumps(example, ensure_ascii=False, indent=2) + "\n"
    answer = {"code": "0", "data": known}
    written[wire / f"{operation}.answer.json"] = json.dumps(answer, ensure_ascii=False, indent=2) + "\n"
    wire.mkdir(parents=True)
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    return sorted(written)


def sample(kind: str) -> Any:
    """A value of that kind, for the simulator's first record."""
    return {"string": "示例", "integer": 1, "number": 1.5, "boolean": True}[kind]


def _field(one: Named, how: str) -> str:
    return f'    {one.name} = fields.{_KINDS[one.kind]}({how}, metadata={{"title": "{one.title}"}})'


class _Quiet(WSGIRequestHandler):
    """A rehearsal shows its own lines, not the server's."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def served(app: Callable[..., Any]) -> Iterator[str]:
    """``app`` on a free port of this machine; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def environ(connector: Connector, state: State, url: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Settings that point a party at its simulator under ``url``, over what is ``given``.

    A simulator that is reached by more than a URL (a folder, a port, a queue) says how: ``settings(state, url)``.
    """
    made = dict(given or {})
    if connector.party in state.parties:
        own = f"{url}/{connector.party}"
        made[f"ANJU_{connector.party.upper()}_URL"] = own
        module = importlib.import_module(f"{connector.package}.simulator")
        made |= module.settings(state, own) if hasattr(module, "settings") else {}
        made[connector.timeout_env] = f"{PATIENCE:g}"
    known = {setting.env for setting in connector.settings}
    return {name: value for name, value in made.items() if name in known or name in (given or {})}


def missing(connector: Connector) -> str:
    """What the party's simulator stands on and this machine has not (a broker), in words; empty: nothing."""
    if not (connector.folder / "simulator.py").exists():
        return ""
    module = importlib.import_module(f"{connector.package}.simulator")
    return str(module.missing()) if hasattr(module, "missing") else ""


def simulators(found: Sequence[Connector]) -> Simulators:
    """The simulators of ``found``, quick enough for a rehearsal."""
    return create_all(State(QUICK), found)


def problems(connector: Connector, state: State) -> list[str]:
    """What keeps a party from its level, in words for the integrator. Empty: it has earned it."""
    found = []
    wanted = {"__init__.py", "client.py", "operations.py"}
    offered: Mapping[str, str] = {}
    if connector.party in state.parties:
        offered = state.parties[connector.party][1]
    if connector.transport != "local":
        wanted |= {"simulator.py", "wire", "scenarios.yaml"}
    missing = sorted(wanted - {path.name for path in connector.folder.iterdir()} - set(connector.exemptions))
    found += [f"缺少 {name}" for name in missing]
    for name, one in scenarios.examples(connector).items():
        pair = [connector.folder / "wire" / f"{one.wire}.{half}.json" for half in ("request", "answer")]
        found += [f"{name} 的报文样例 wire/{path.name} 不存在" for path in pair if one.wire and not path.exists()]
    if connector.level != "draft" and offered:
        found += scenarios.gaps(connector, offered)
    if connector.level == "live" and not list((connector.folder / "wire").glob("recorded/*.jsonl")):
        found.append("级别为 live，但 wire/recorded 中没有与对方联调时录制的往来（anju connector rehearse --record）")
    return found


def rehearse(connector: Connector, state: State) -> Iterator[Rehearsed]:
    """Every operation in every scenario against the simulator, which must be served and pointed at already."""
    offered = state.parties[connector.party][1]
    known = scenarios.examples(connector)
    for example, scenario in scenarios.steps(connector, offered):
        state.reset()
        yield step(connector, state, example, scenario, known)


def step(
    connector: Connector, state: State, example: Example, scenario: str, known: Mapping[str, Example]
) -> Rehearsed:
    """One operation in one scenario."""
    key, earlier = uuid4().hex, None
    expected = example.expected(scenario)
    if example.after:
        before = scenarios.run(scenarios.call(known[example.after], key=f"{key}-before"), example.after)
        earlier = before.variables if isinstance(before, Answer) else {}
    state.switch(connector.party, "*" if scenario == "outage" else example.subject, scenario)
    began = perf_counter()
    result: Answer | Pending | AnjuError
    try:
        result = scenarios.run(scenarios.call(example, key=key, earlier=earlier), example.operation)
    except AnjuError as error:
        result = error
    took = int((perf_counter() - began) * 1000)
    told = result.message if isinstance(result, AnjuError) else ""
    got = scenarios.outcome(result)
    if got == "pending" and example.later:
        got = f"{got}, {scenarios.came_later(connector.party, key, PATIENCE)}"
    return Rehearsed(example.operation, scenario, expected, got, took, told)


def golden(connector: Connector, example: Example) -> list[str]:
    """Run an example and hold what went over the wire against the messages written by hand; gives the differences."""
    if not example.wire:
        return []
    with tape.running(tape.Tape()) as heard:
        scenarios.run(scenarios.call(example, key=uuid4().hex), example.operation)
    found = []
    for half, sent in (("request", heard.entries[-1].request), ("answer", heard.entries[-1].response)):
        path = connector.folder / "wire" / f"{example.wire}.{half}.json"
        wanted = tape.scrub(path.read_bytes(), tape.own(settings.of(connector.party)))
        if json.loads(wanted) != json.loads(sent):
            found.append(f"{example.operation}：往来的报文与 wire/{path.name} 不一致")
    return found


def personal(example: Example) -> dict[str, str]:
    """Texts of an example that a recording must not keep."""
    found: dict[str, str] = {}

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            for item in value.values():
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)
        elif isinstance(value, str) and re.search(r"[一-鿿]|\d{11}", value):
            found[value] = tape.STAND_IN if re.search(r"[一-鿿]", value) else "0" * len(value)

    look(example.inputs)
    return found
