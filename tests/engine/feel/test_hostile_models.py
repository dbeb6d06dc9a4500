"""Python in the places of a model where text is calculated: conditions, mappings, forms, cells. It is never run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.catalog import form_feel
from engine.core.errors import AnjuError
from engine.decisions import load
from engine.feel import Frame, Run
from engine.workflow.expressions import Stuck, expression
from tests.engine.decisions.build import model_xml, table_xml

ATTEMPTS = [
    '__import__("pathlib").Path("{mark}").touch()',
    'open("{mark}", "w").close()',
    "exec(\"open('{mark}', 'w')\")",
    "eval(\"open('{mark}', 'w')\")",
    "[].__class__.__base__.__subclasses__()",
    'import os; os.system("touch {mark}")',
    '`open`("{mark}", "w")',
    "a if open('{mark}', 'w') else a",
]


def in_a_condition(text: str) -> None:
    expression(f"={text}").truth({"a": 1})


def in_a_mapping(text: str) -> None:
    expression(f"={text}").evaluate({"a": 1})


def in_a_form(text: str) -> None:
    form_feel.read(f"={text}").ask({"a": 1})


def in_a_cell(text: str) -> None:
    decide(text, '"x"', "a")


def in_an_output(text: str) -> None:
    decide("-", text, "a")


def in_a_column(text: str) -> None:
    decide("-", '"x"', text)


def decide(test: str, output: str, column: str) -> None:
    logic = table_xml(["a:"], ["x:"], [f"{test} | {output}"]).replace(
        "<text>a</text>", f"<text>{escaped(column)}</text>"
    )
    model = load(model_xml(f'<decision id="d" name="d">{logic}</decision>'), strict=False)
    model.evaluate("d", {"a": 1})


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


@pytest.mark.parametrize("text", ATTEMPTS)
@pytest.mark.parametrize("place", [in_a_condition, in_a_mapping, in_a_form, in_a_cell, in_an_output, in_a_column])
def test_python_in_a_model_is_refused_or_means_nothing(place: Callable[[str], None], text: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with suppress(AnjuError, Stuck):
        place(text.format(mark=mark))
    assert not mark.exists()


def test_a_name_of_python_in_a_context_stays_a_value() -> None:
    known: dict[str, Any] = {"open": "文本", "__import__": Decimal(3)}
    assert expression("=open").evaluate(known) == "文本"
    assert expression('=open("x")').evaluate(known) is None
    assert form_feel.read("=__import__ > 2").compiled.run(Frame(known, None, Run())) is True
