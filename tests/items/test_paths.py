"""Every item's paths, as its analysts wrote them; together they travel every sequence flow and hit every DMN row."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.commands import publish
from engine.core.config import ROOT
from engine.decisions import load
from engine.workflow import parse
from tests.items.coverage import Coverage, of_case
from tests.items.walker import Walker
from tests.support.installation import running

HERE = Path(__file__).parent
ITEMS = [path.parent.relative_to(HERE).as_posix() for path in sorted(HERE.glob("*/*/paths.yaml"))]


@cache
def read_paths(item: str) -> dict[str, Any]:
    """The parsed paths.yaml of an item."""
    parsed: dict[str, Any] = yaml.safe_load((HERE / item / "paths.yaml").read_text("utf-8"))
    return parsed


CASES = [(item, number) for item in ITEMS for number in range(len(read_paths(item)["paths"]))]
IDS = [f"{item}: {read_paths(item)['paths'][number]['name']}" for item, number in CASES]


@pytest.fixture(scope="module")
def seen() -> dict[str, Coverage]:
    """What the paths of each item travelled and hit."""
    return {item: Coverage() for item in ITEMS}


@pytest.mark.parametrize(("item", "number"), CASES, ids=IDS)
def test_path(item: str, number: int, filled: Path, tmp_path: Path, seen: dict[str, Coverage]) -> None:
    spec = read_paths(item)
    with running(filled, tmp_path / "data") as anju:
        walker = Walker(anju, item, spec["given"], spec["paths"][number])
        walker.walk()
        seen[item].add(of_case(walker.case_id))


@pytest.mark.parametrize("item", ITEMS)
def test_the_paths_travel_every_flow_and_hit_every_row(item: str, seen: dict[str, Coverage]) -> None:
    if seen[item].paths < len(read_paths(item)["paths"]):
        pytest.skip("only some of the paths were walked")
    files = publish.collect(ROOT, item)
    untravelled = seen[item].untravelled(parse({name: body for name, body in files.items() if name.endswith(".bpmn")}))
    models = [load(body, name) for name, body in files.items() if name.endswith(".dmn")]
    assert untravelled == []
    assert seen[item].unhit(models) == []
