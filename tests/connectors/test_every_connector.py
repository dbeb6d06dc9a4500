"""What holds for every party's folder; what is asked and expected stands in its scenarios.yaml."""

from __future__ import annotations

import ast
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

import connectors
from connectors import load_all, manifests
from connectors._kit import scenarios, settings, workbench
from connectors._kit.manifest import Connector
from connectors._kit.scenarios import Example
from engine.core import parties
from engine.core.errors import AnjuError, Refused, Unreachable
from engine.core.operations import Answer, Pending, vocabulary

from .conftest import World

FOLDER = Path(connectors.__file__).parent
FOUND = manifests({})
SIMULATORS = workbench.simulators(FOUND)
SIMULATED = [one for one in FOUND if one.party in SIMULATORS.state.parties]
EXAMPLES = {name: (one, example) for one in FOUND for name, example in scenarios.examples(one).items()}
CASES = [
    (one, example, scenario)
    for one in SIMULATED
    for example, scenario in scenarios.steps(one, SIMULATORS.state.parties[one.party][1])
]
# Who answers in the good case at once: what is asked of them is asked again after trouble.
PROMPT = [
    name for name, (one, example) in EXAMPLES.items() if one in SIMULATED and example.expect.get("ok") != "pending"
]
# Of these, whoever needs no work done before.
FIRST = [name for name in PROMPT if not EXAMPLES[name][1].after]
# The other party's side of the kit; no client uses it.
SIMULATORS_ONLY = {f"connectors._kit.{name}" for name in ("sandbox", "frame_server", "sftp_server")}
ID_OR_PHONE = re.compile(r"(?<!\d)([1-8]\d{5}(?:19|20)\d{9}[\dXx]|1[3-9]\d{9})(?!\d)")


def party(connector: Connector) -> str:
    return connector.party


def ask(world: World, example: Example, key: str = "key-1", attempt: int = 1) -> Answer | Pending:
    """Run an example the way the engine does; what must be run before it is."""
    earlier: dict[str, Any] = {}
    if example.after:
        before = ask(world, EXAMPLES[example.after][1], f"{key}-before")
        assert isinstance(before, Answer)
        earlier = dict(before.variables)
    return scenarios.run(scenarios.call(example, key=key, attempt=attempt, earlier=earlier), example.operation)


def unless_exempted(connector: Connector, example: Example, scenario: str) -> None:
    if why := scenarios.exempted(connector, example.operation, scenario):
        pytest.skip(why)


@pytest.mark.parametrize("connector", FOUND, ids=party)
def test_a_party_has_earned_the_level_it_claims(connector: Connector) -> None:
    assert workbench.problems(connector, SIMULATORS.state) == []
    assert all(setting.title for setting in connector.settings)
    named = {setting.env for setting in connector.settings if re.search("SECRET|PASSWORD|PRIVATE", setting.env)}
    assert named <= {setting.env for setting in connector.settings if setting.secret}


def test_every_operation_is_declared_as_its_manifest_says() -> None:
    for connector in load_all({}):
        assert parties.party(connector.party) == connector.as_party
        for name in connector.operations:
            declared = vocabulary()[name]
            assert (declared.where, declared.party) == ("outside", connector.party)
            assert declared.title
            assert declared.retries in (connector.retries, 0)


def test_no_two_parties_take_the_same_setting() -> None:
    names = [setting.env for connector in manifests({}) for setting in connector.settings]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("connector", SIMULATED, ids=party)
def test_a_simulator_shares_no_code_with_the_client_it_answers(connector: Connector) -> None:
    tree = ast.parse((connector.folder / "simulator.py").read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    ours = {name for name in imported if name.split(".")[0] in ("connectors", "engine", "web")}
    assert ours <= SIMULATORS_ONLY | set(connector.exemptions)


@pytest.mark.parametrize("folder", sorted({path.parent for path in FOLDER.glob("[a-z_]*/__init__.py")}), ids=str)
def test_a_party_imports_the_core_and_the_kit_only(folder: Path) -> None:
    allowed = ("engine.core", "connectors._kit", f"connectors.{folder.name}")
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
                "engine",
                "connectors",
                "web",
            ):
                assert (node.module or "").startswith(allowed), f"{path.name} imports {node.module}"


@pytest.mark.parametrize(
    ("connector", "example", "scenario"),
    CASES,
    ids=[f"{example.operation}-{scenario}" for _, example, scenario in CASES],
)
def test_a_scenario_ends_as_it_must(world: World, connector: Connector, example: Example, scenario: str) -> None:
    if why := workbench.missing(connector):
        pytest.skip(why)
    known = scenarios.examples(connector)
    came = workbench.step(connector, world.state, example, scenario, known)
    assert came.got == came.expected, came.message
    assert not ID_OR_PHONE.search(came.message)
    assert "Traceback" not in came.message


@pytest.mark.parametrize("name", [name for name in PROMPT if EXAMPLES[name][1].wire])
def test_what_goes_over_the_wire_is_what_was_written_by_hand(world: World, name: str) -> None:
    connector, example = EXAMPLES[name]
    unless_exempted(connector, example, "wire")
    assert workbench.golden(connector, example) == []


@pytest.mark.parametrize("name", FIRST)
def test_an_outage_ends_with_recovery_and_the_same_key_then_succeeds(world: World, name: str) -> None:
    connector, example = EXAMPLES[name]
    unless_exempted(connector, example, "outage")
    world.state.switch(connector.party, "*", "outage")
    with pytest.raises(Unreachable):
        ask(world, example)
    assert world.state.log(connector.party) == []
    world.state.switch(connector.party, "*", "recovery")
    assert scenarios.outcome(ask(world, example, attempt=2)) == example.expect["ok"]


@pytest.mark.parametrize("name", FIRST)
def test_an_answer_lost_on_the_way_is_booked_once_and_given_again(world: World, name: str) -> None:
    connector, example = EXAMPLES[name]
    unless_exempted(connector, example, "timeout")
    world.state.switch(connector.party, example.subject, "timeout", times=1)
    with pytest.raises(Unreachable):
        ask(world, example)
    first = ask(world, example, attempt=2)
    again = ask(world, example, attempt=3)
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert first.variables == again.variables
    assert len({entry["request_id"] for entry in world.state.log(connector.party)}) <= 1


@pytest.mark.parametrize("name", PROMPT)
def test_nothing_about_a_person_reaches_the_log(world: World, name: str, caplog: pytest.LogCaptureFixture) -> None:
    connector, example = EXAMPLES[name]
    caplog.set_level(logging.DEBUG)
    ask(world, example)
    text = "\n".join(record.getMessage() for record in caplog.records)
    secrets = {one.default for one in connector.settings if one.secret and one.default}
    for hidden in {*workbench.personal(example), *secrets}:
        assert hidden not in text
    assert not ID_OR_PHONE.search(text)
    assert not ID_OR_PHONE.search(json.dumps(world.state.log(connector.party), default=str))


@pytest.mark.parametrize("connector", [one for one in FOUND if any(each.secret for each in one.settings)], ids=party)
def test_nobody_goes_to_work_with_a_secret_everybody_knows(connector: Connector) -> None:
    own = [one for one in connector.settings if one.secret and one.default]
    given = {one.env: f"own-{number}" for number, one in enumerate(own)}
    settings.fill(connector, {"ANJU_PRODUCTION": "1", **given})
    for one in own:
        left = {name: value for name, value in given.items() if name != one.env}
        with pytest.raises(Refused, match=one.env) as raised:
            settings.fill(connector, {"ANJU_PRODUCTION": "1", **left})
        assert raised.value.code == "demo_secret"
    settings.fill(connector, {})


def test_an_error_says_which_word_of_the_file_it_is() -> None:
    assert scenarios.outcome(AnjuError("x")) == "fault"
    assert scenarios.outcome(Unreachable("x")) == "unreachable"
