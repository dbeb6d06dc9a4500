"""A model with one table, for most tests of this folder."""

from __future__ import annotations

import pytest

from engine.decisions import Model, load
from tests.engine.decisions.build import Table, model_xml, table_xml


@pytest.fixture
def table() -> Table:
    """Load a model with the one table ``decide``."""

    def make(*args: object, strict: bool = True, **more: object) -> Model:
        logic = table_xml(*args, **more)  # type: ignore[arg-type]
        return load(model_xml(f'<decision id="decide" name="判定">{logic}</decision>'), "判定.dmn", strict=strict)

    return make
