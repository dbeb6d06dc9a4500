"""Houses of real processes, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.races.house import House, house
from tests.support.databases import filled_on


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A house on each database."""
    with filled_on(request.param, request) as (folder, url), house(folder, tmp_path / "data", url) as made:
        yield made
