"""The scenarios are tight: whichever cell is changed or gateway turned round, an example or a path notices.

Papers stay HTML here: what they say is asserted, and rendering them a thousand times would prove nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.catalog import releases
from engine.commands import publish
from engine.core import operations
from engine.core.config import ROOT
from engine.core.db import transaction
from engine.core.errors import AnjuError
from engine.core.operations import Answer, Call
from engine.decisions import load
from engine.files import documents
from tests.items.beginnings import SHARED, Beginnings, part_of, read_paths
from tests.items.coverage import Coverage, of_case
from tests.items.mutants import Mutant, mutants
from tests.items.test_decisions import EXAMPLES, check_example
from tests.items.test_paths import ITEMS
from tests.items.walker import Walker
from tests.support.installation import running

pytestmark = pytest.mark.slow

FILES = {name: body for item in ITEMS for name, body in publish.collect(ROOT, item).items()}
CASES = list(mutants(FILES))
IDS = [mutant.where for mutant in CASES]


@pytest.fixture(scope="module")
def walk(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Walk one path, on changed files where given; gives what it touched."""
    patch = pytest.MonkeyPatch()
    sign = operations.find("seal.sign")

    def signed(call: Call) -> Answer:
        return Answer({"signed_file_id": call.inputs["file_id"]})

    beginnings = Beginnings(filled, lambda: tmp_path_factory.mktemp("begun"))

    def run(item: str, number: int, files: dict[str, bytes] | None = None) -> Coverage:
        folder = tmp_path_factory.mktemp("walk")
        with running(beginnings.of(item, number), folder) as anju:
            # After the start: it registers the real operations.
            patch.setitem(operations._operations, "seal.sign", replace(sign, run=signed))
            patch.setattr(documents, "render_pdf", str.encode)
            if files is not None:
                with transaction() as session:
                    releases.store(session, item, files, "mutant")
            spec = read_paths(item)
            walker = Walker(anju, item, spec["given"], spec["paths"][number])
            walker.walk()
            return of_case(walker.case_id)

    yield run
    patch.undo()


@pytest.fixture(scope="module")
def touched(walk: Any) -> dict[str, list[Coverage]]:
    """What each path of each item touches on the models as they are."""
    return {item: [walk(item, number) for number in range(len(read_paths(item)["paths"]))] for item in ITEMS}


def an_example_notices(mutant: Mutant) -> bool:
    """Whether a row of a decision's CSV fails on the changed table."""
    try:
        model = load(mutant.content, mutant.file)
        for decision, row in EXAMPLES:
            if decision in model.decisions:
                check_example(model, decision, row)
    except (AssertionError, AnjuError):
        return True
    return False


@pytest.mark.parametrize("mutant", CASES, ids=IDS)
def test_some_scenario_notices(mutant: Mutant, request: pytest.FixtureRequest) -> None:
    if mutant.file.endswith(".dmn") and an_example_notices(mutant):
        return
    walk: Any = request.getfixturevalue("walk")
    touched: dict[str, list[Coverage]] = request.getfixturevalue("touched")
    owner = part_of(mutant.file)
    items = ITEMS if owner == SHARED else [owner]
    seen = {(item, number): one.flows | one.rows for item in items for number, one in enumerate(touched[item])}
    # Those that touched the place first, the cheap ones among them before the long ones.
    for item, number in sorted(seen, key=lambda one: (mutant.mark not in seen[one], len(seen[one]))):
        try:
            walk(item, number, {**publish.collect(ROOT, item), mutant.file: mutant.content})
        except (AssertionError, AnjuError):
            return
    pytest.fail(f"no scenario notices: {mutant.where}")
