"""The soak's houses, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import POSTGRES, postgres_absent
from tests.races.house import House
from tests.soak.bank import Bank
from tests.soak.load import soak_house
from tests.support.installation import Postgres


@pytest.fixture(params=["sqlite", "postgres"])
def soaked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, Bank]]:
    """A house and its bank on each database."""
    if request.param == "sqlite":
        with soak_house(request.getfixturevalue("filled"), tmp_path / "data") as made:
            yield made
        return
    if why := postgres_absent():
        pytest.skip(why)
    folder, database = request.getfixturevalue("filled_postgres")
    server = Postgres(POSTGRES["host"], POSTGRES["port"])
    with server.database(of=database) as name, soak_house(folder, tmp_path / "data", server.url(name)) as made:
        yield made
