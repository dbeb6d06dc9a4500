"""Models drawn by others for Camunda 8: read where they are at hand."""

from pathlib import Path

import pytest

from engine.core.errors import ModelFault
from engine.workflow import parse

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "camunda8-models"
# Broken on purpose by their authors.
BROKEN = {"Client-BrokenBpmn.bpmn", "modeller7File.bpmn"}
FILES = sorted(FOLDER.glob("*.bpmn"))


@pytest.mark.skipif(not FILES, reason="the models of others are not on this machine")
def test_every_model_is_read_or_refused_with_a_place_and_a_hint() -> None:
    refused = {}
    for file in FILES:
        try:
            parse({file.name: file.read_bytes()})
        except ModelFault as fault:
            refused[file.name] = fault.faults

    assert set(refused) == BROKEN & {file.name for file in FILES}
    for found in (one for faults in refused.values() for one in faults):
        assert all((found.code, found.message, found.file, found.line, found.hint))
