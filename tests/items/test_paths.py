"""Every item's paths, as its analysts wrote them; together they travel every sequence flow and hit every DMN row."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.commands import publish
from engine.core.config import ROOT
from engine.decisions import load
from engine.workflow import parse
from tests.items.beginnings import SHARED, Beginnings, part_of, read_paths
from tests.items.coverage import Coverage, of_case
from tests.items.walker import Walker
from tests.support.installation import running

HERE = Path(__file__).parent
ITEMS = [path.parent.relative_to(HERE).as_posix() for path in sorted(HERE.glob("*/*/paths.yaml"))]


CASES = [(item, number) for item in ITEMS for number in range(len(read_paths(item)["paths"]))]
IDS = [f"{item}: {read_paths(item)['paths'][number]['name']}" for item, number in CASES]


@pytest.fixture(scope="module")
def seen() -> dict[str, Coverage]:
    """What the paths of each item travelled and hit."""
    return {item: Coverage() for item in ITEMS}


@pytest.fixture(scope="module")
def beginnings(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Beginnings:
    """What the paths begin on."""
    return Beginnings(filled, lambda: tmp_path_factory.mktemp("begun"))


@pytest.mark.parametrize(("item", "number"), CASES, ids=IDS)
def test_path(item: str, number: int, beginnings: Beginnings, tmp_path: Path, seen: dict[str, Coverage]) -> None:
    spec = read_paths(item)
    with running(beginnings.of(item, number), tmp_path / "data") as anju:
        walker = Walker(anju, item, spec["given"], spec["paths"][number])
        walker.walk()
        seen[item].add(of_case(walker.case_id))


@pytest.mark.parametrize("item", [*ITEMS, SHARED])
def test_the_paths_travel_every_flow_and_hit_every_row(item: str, seen: dict[str, Coverage]) -> None:
    walked = ITEMS if item == SHARED else [item]
    if any(seen[one].paths < len(read_paths(one)["paths"]) for one in walked):
        pytest.skip("only some of the paths were walked")
    whole = Coverage()
    for one in walked:
        whole.add(seen[one])
    files = {name: body for one in walked for name, body in publish.collect(ROOT, one).items()}
    own = {name: body for name, body in files.items() if part_of(name) == item}
    untravelled = whole.untravelled(parse({name: body for name, body in own.items() if name.endswith(".bpmn")}))
    assert untravelled == []
    assert whole.unhit([load(body, name) for name, body in own.items() if name.endswith(".dmn")]) == []
