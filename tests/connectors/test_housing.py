"""The building table: read as it is agreed, in pages; a mark that lands in it; and what happens when it changes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors import load
from connectors._kit import scenarios, settings, workbench
from connectors._kit.manifest import Connector, read
from connectors._kit.sandbox import State
from connectors.housing import client, simulator
from engine.core.errors import Declined, OutsideFault, Unreachable
from engine.core.operations import Answer

from .conftest import World

FOLDER = Path(client.__file__).parent
FREE, SOLD = "440703001001GB00001F01010301", "440703001001GB00001F01010201"


@pytest.fixture(scope="module")
def connector() -> Connector:
    return read(FOLDER / "connector.yaml")


@pytest.fixture
def city(world: World, connector: Connector) -> Path:
    """A fresh database for each test, pointed at by the settings."""
    known = simulator._databases.pop(id(world.state), None)
    assert known is None or known[0] is world.state
    load(connector, workbench.environ(connector, world.state, world.url))
    return simulator._database(world.state)


def run(operation: str, *, key: str = "key-1", **inputs: Any) -> Answer:
    found = scenarios.Example(operation, inputs, {})
    result = scenarios.run(scenarios.call(found, key=key), operation)
    assert isinstance(result, Answer)
    return result


def change(city: Path, statement: str) -> None:
    with closing(sqlite3.connect(city, isolation_level=None)) as connection:
        connection.execute(statement)


def test_an_estate_is_found_by_name_and_by_number(city: Path) -> None:
    by_name, by_number = (run("housing.buildings", estate=estate) for estate in ("惠民里", "XM01"))
    assert by_name.variables == by_number.variables
    assert [(one["number"], one["estate_name"], one["units"]) for one in by_name.variables["buildings"]] == [
        (f"LD010{number}", "惠民里", 108) for number in range(1, 5)
    ]


def test_what_is_not_in_the_table_is_unknown_and_never_a_failure(city: Path) -> None:
    assert run("housing.buildings", estate="没有这个小区").verdict == "unknown"
    assert run("housing.units", building="LD9999").verdict == "unknown"


def test_a_building_is_read_page_by_page_to_its_last_home(city: Path) -> None:
    found: list[dict[str, Any]] = []
    after = ""
    pages = 0
    while True:
        page = run("housing.units", building="LD0101", after=after, limit=50).variables
        found += page["units"]
        after, pages = page["next"], pages + 1
        if not after:
            break
    assert (pages, len(found), len({one["unit_number"] for one in found})) == (3, 108, 108)
    assert {one["use"] for one in found} == {"商业服务", "住宅"}
    home = next(one for one in found if one["unit_number"] == FREE)
    assert (home["area"], home["inner_area"], home["state"], home["mark"]) == (45.6, 35.57, "可售", "none")


def test_a_mark_lands_in_the_table_and_can_be_taken_away(city: Path) -> None:
    def shown() -> str:
        units = run("housing.units", building="LD0101").variables["units"]
        return str(next(one["mark"] for one in units if one["unit_number"] == FREE))

    run("housing.mark", unit_number=FREE, mark="affordable_rental", reason="房源入库")
    assert shown() == "affordable_rental"
    run("housing.mark", key="key-2", unit_number=FREE, mark="none", reason="房源退出")
    assert shown() == "none"


def test_a_mark_is_booked_once_however_often_it_is_sent(city: Path, world: World) -> None:
    numbers = {
        run("housing.mark", unit_number=FREE, mark="public_rental", reason="房源入库").variables["mark_number"]
        for _ in range(3)
    }
    assert numbers == {"BJ00000001"}
    assert [entry["calls"] for entry in world.state.log("housing")] == [3]


@pytest.mark.parametrize(("unit", "code"), [(SOLD, "housing_not_free"), ("nowhere", "housing_no_unit")])
def test_a_home_that_is_sold_or_unknown_takes_no_mark(city: Path, unit: str, code: str) -> None:
    with pytest.raises(Declined) as caught:
        run("housing.mark", unit_number=unit, mark="affordable_rental", reason="房源入库")
    assert caught.value.code == code


def test_a_column_that_was_renamed_is_named_in_the_fault(city: Path) -> None:
    change(city, "ALTER TABLE LPB_HW RENAME COLUMN JZMJ TO JZMIANJI")
    with pytest.raises(OutsideFault, match="缺少列 JZMJ") as caught:
        run("housing.units", building="LD0101")
    assert caught.value.code == "changed_schema"


def test_a_database_that_is_away_is_unreachable_and_answers_again_when_it_is_back(city: Path) -> None:
    away = city.with_suffix(".away")
    city.rename(away)
    with pytest.raises(Unreachable):
        run("housing.units", building="LD0101")
    away.rename(city)
    assert run("housing.units", building="LD0101").verdict == "pass"


def test_our_account_cannot_write(city: Path) -> None:
    there = client._database(settings.of("housing"))
    with pytest.raises(Unreachable), there._connection() as connection:
        connection.exec_driver_sql("DELETE FROM LPB_HW")
    assert run("housing.units", building="LD0101").verdict == "pass"


def test_the_evidence_holds_the_rows_as_they_were(city: Path) -> None:
    answer = run("housing.units", building="LD0101", limit=1)
    assert answer.evidence is not None
    assert answer.evidence.subject == "LD0101"
    assert b"440703001001GB00001F01010101" in answer.evidence.response


def test_the_demo_finds_the_database_where_the_manifest_says(
    connector: Connector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    state = State()
    simulator.listen(state)
    load(connector, {})
    assert run("housing.buildings", estate="安居苑").verdict == "pass"
    simulator._databases.pop(id(state))
