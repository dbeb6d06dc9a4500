"""An analyst begins a new item with one command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.commands import publish
from engine.core.config import ROOT
from engine.core.errors import Refused
from web import app, new_item


def test_a_new_item_passes_its_check_at_once(tmp_path: Path) -> None:
    app.load_vocabulary({})
    for kind in publish.DECLARING:
        shutil.copytree(ROOT / kind / "shared", tmp_path / kind / "shared")
    new_item.write(tmp_path, "rental/rent_reduction", "公租房租金减免")
    files = publish.collect(tmp_path, "rental/rent_reduction")
    assert publish.items(tmp_path) == ["rental/rent_reduction"]
    faults = publish.check_item("rental/rent_reduction", files)
    assert [str(fault) for fault in faults if fault.level == "error" or "rent_reduction" in fault.file] == []


@pytest.mark.parametrize("name", ["rental", "rental/减免", "other/item", "rental/Bad-Name", "rental/../x"])
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused) as caught:
        new_item.write(tmp_path, name, "减免")
    assert caught.value.code == "bad_item_name"
    assert list(tmp_path.iterdir()) == []


def test_an_item_is_never_overwritten(tmp_path: Path) -> None:
    new_item.write(tmp_path, "fund/withdrawal", "提取")
    with pytest.raises(Refused) as caught:
        new_item.write(tmp_path, "fund/withdrawal", "提取")
    assert caught.value.code == "item_exists"
