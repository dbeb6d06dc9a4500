"""The soak's houses, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.races.house import House
from tests.soak.bank import Bank
from tests.soak.load import soak_house
from tests.support.databases import filled_on


@pytest.fixture(params=["sqlite", "postgres"])
def soaked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, Bank]]:
    """A house and its bank on each database."""
    with filled_on(request.param, request) as (folder, url), soak_house(folder, tmp_path / "data", url) as made:
        yield made
