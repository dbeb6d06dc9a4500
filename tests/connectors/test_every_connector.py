"""What holds for every party's folder, found by listing the folders."""

from __future__ import annotations

import ast
import logging
from pathlib import Path
from typing import Any

import pytest

import connectors
from connectors import load_all, manifests
from engine.core.errors import Declined, OutsideFault, Unreachable
from engine.core.operations import Answer, Pending, find, vocabulary

FOLDER = Path(connectors.__file__).parent
FOLDERS = sorted(path.parent for path in FOLDER.glob("[a-z]*/__init__.py"))
SIMULATED = [folder.name for folder in FOLDERS if (folder / "simulator.py").exists()]

PERSON = {"name": "林秋实", "id_number": "330106198803121014"}
PHONE = "19900000001"
CALLS: dict[str, dict[str, Any]] = {
    "police.household": {**PERSON, "id_kind": "resident_id", "consent": True},
    "realestate.ownership": {"persons": [PERSON], "region": "330106"},
    "tax.income": {**PERSON, "year": 2025},
    "sms.send": {"phone": PHONE, "template": "application_accepted", "values": {"case_number": "B-1", "days": 10}},
}
FAULTS = {
    "http_500": Unreachable,
    "timeout": Unreachable,
    "outage": Unreachable,
    "garbage": Unreachable,
    "changed_schema": OutsideFault,
    "business_error": Declined,
}
# What each scenario must come to: a verdict, a message of ours, or the error that is raised.
EXPECTED: dict[str, dict[str, Any]] = {
    "police.household": {
        **FAULTS, "ok": "pass", "slow": "pass", "empty": "unknown", "mismatch": "fail", "bad_signature": OutsideFault
    },
    "realestate.ownership": {
        **FAULTS,
        "ok": "pass", "slow": "pass", "empty": "pass", "mismatch": "unknown",
        "late": Pending, "lost_callback": Pending, "duplicate_callback": Pending, "late_refusal": Pending,
        "bad_signature": Pending,
    },
    "tax.income": {
        **FAULTS, "ok": "pass", "slow": "pass", "empty": "unknown", "mismatch": "unknown", "not_open": "unknown",
        "bad_signature": OutsideFault,
    },
    "sms.send": {
        **FAULTS, "ok": None, "slow": None, "not_delivered": None, "empty": Declined, "mismatch": Declined,
        "limit": Declined, "blacklist": Declined, "bad_signature": OutsideFault,
    },
}  # fmt: skip
CASES = [(name, scenario, wanted) for name, table in EXPECTED.items() for scenario, wanted in table.items()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_holds_a_manifest_and_its_parts(folder: Path) -> None:
    if folder.name == "_kit":
        return
    by_party = {connector.party: connector for connector in manifests()}
    connector = by_party[folder.name]
    wanted = {"client.py", "operations.py", "__init__.py"}
    if connector.transport != "local":
        wanted |= {"simulator.py", "wire"}
    assert wanted <= {path.name for path in folder.iterdir()}
    assert all(setting.title for setting in connector.settings)
    assert {setting.env for setting in connector.settings if setting.env.endswith("_SECRET")} == {
        setting.env for setting in connector.settings if setting.secret
    }


def test_every_operation_is_declared_as_its_manifest_says() -> None:
    loaded = load_all({})
    for connector in loaded:
        for name in connector.operations:
            declared = vocabulary()[name]
            assert (declared.where, declared.party) == ("outside", connector.party)
            assert declared.title
            assert declared.retries in (connector.retries, 0)


def test_no_two_parties_take_the_same_setting() -> None:
    names = [setting.env for connector in manifests() for setting in connector.settings]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("party", SIMULATED)
def test_a_simulator_shares_no_code_with_the_client_it_answers(party: str) -> None:
    tree = ast.parse((FOLDER / party / "simulator.py").read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    ours = {name for name in imported if name.split(".")[0] in ("connectors", "engine", "web")}
    assert ours == {"connectors._kit.sandbox"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_party_imports_the_core_and_the_kit_only(folder: Path) -> None:
    allowed = ("engine.core", "connectors._kit", f"connectors.{folder.name}")
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
                "engine",
                "connectors",
                "web",
            ):
                assert (node.module or "").startswith(allowed), f"{path.name} imports {node.module}"


def test_every_scenario_of_every_simulator_is_expected_here(world: Any) -> None:
    for name, table in EXPECTED.items():
        offered = set(world.state.parties[find(name).party][1])
        assert offered - {"recovery"} == set(table)


@pytest.mark.parametrize(("name", "scenario", "wanted"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_a_scenario_ends_as_it_must(world: Any, name: str, scenario: str, wanted: Any) -> None:
    party = find(name).party
    subject = PHONE if party == "sms" else PERSON["id_number"]
    world.state.switch(party, "*" if scenario == "outage" else subject, scenario)
    if isinstance(wanted, type) and issubclass(wanted, Exception):
        with pytest.raises(wanted) as raised:
            world.run(name, **CALLS[name])
        assert type(raised.value) is wanted
        assert subject not in str(raised.value)
        return
    answer = world.run(name, **CALLS[name])
    if wanted is Pending:
        assert isinstance(answer, Pending)
    else:
        assert isinstance(answer, Answer)
        assert answer.verdict == wanted


@pytest.mark.parametrize("name", EXPECTED)
def test_an_outage_ends_with_recovery_and_the_same_key_then_succeeds(world: Any, name: str) -> None:
    party = find(name).party
    world.state.switch(party, "*", "outage")
    with pytest.raises(Unreachable):
        world.run(name, **CALLS[name])
    assert world.state.log(party) == []
    world.state.switch(party, "*", "recovery")
    assert isinstance(world.run(name, attempt=2, **CALLS[name]), Answer)
    assert len(world.state.log(party)) == 1


@pytest.mark.parametrize("name", EXPECTED)
def test_an_answer_lost_on_the_way_is_booked_once_and_given_again(world: Any, name: str) -> None:
    party = find(name).party
    subject = PHONE if party == "sms" else PERSON["id_number"]
    world.state.switch(party, subject, "timeout", times=1)
    with pytest.raises(Unreachable):
        world.run(name, **CALLS[name])
    first = world.run(name, attempt=2, **CALLS[name])
    again = world.run(name, attempt=3, **CALLS[name])
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert first.variables == again.variables
    assert len(world.state.log(party)) == 1


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_about_a_person_reaches_the_log(world: Any, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.run(name, **CALLS[name])
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "POST" in text
    for hidden in (PERSON["id_number"], PERSON["name"], PHONE, "demo-"):
        assert hidden not in text
    assert PERSON["id_number"] not in str(world.state.log())
