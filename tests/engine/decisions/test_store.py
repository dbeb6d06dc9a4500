"""A release's decisions: read once, with imports found among its own files."""

from __future__ import annotations

import pytest

from engine.core.errors import ModelFault
from engine.decisions import models_of
from tests.engine.decisions.build import model_xml
from tests.engine.decisions.test_requirements import literal

SHARED = model_xml(literal("限额", "100")).replace(b'namespace="urn:test"', b'namespace="urn:shared"')
USING = model_xml(
    '<import name="公共" namespace="urn:shared" locationURI="../shared/limits.dmn"'
    ' importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>',
    literal("x", "公共.限额 + 1", "urn:shared#限额").replace('href="#urn:shared#', 'href="urn:shared#'),
)


def test_a_decision_uses_what_another_file_of_the_release_lends() -> None:
    files = {"rules/rental/a/a.dmn": USING, "rules/shared/limits.dmn": SHARED, "processes/a.bpmn": b"<x/>"}
    assert models_of("with-import", lambda: files)["x"].evaluate("x", {}).json() == 101


def test_a_release_without_the_imported_file_is_refused() -> None:
    with pytest.raises(ModelFault, match="limits"):
        models_of("without-import", lambda: {"rules/rental/a/a.dmn": USING})


def test_the_files_of_a_release_are_read_once() -> None:
    asked: list[int] = []

    def files() -> dict[str, bytes]:
        asked.append(1)
        return {"rules/shared/limits.dmn": SHARED}

    assert models_of("once", files) is models_of("once", files)
    assert asked == [1]
