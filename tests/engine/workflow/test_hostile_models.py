"""Models and variables that are meant to hurt: refused or harmless, at once, with a word.

Python wherever a process calculates (due dates, assignments, scripts, timers, lists) is never run.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from html import escape
from pathlib import Path

import pytest

from engine.core.errors import ModelFault, Refused
from tests.engine.workflow.kit import Play, chain, end, extension, loop, start, timer, user

ATTEMPTS = [
    '=__import__("pathlib").Path("{mark}").touch()',
    '=open("{mark}", "w").close()',
    "=[].__class__.__base__.__subclasses__()",
    '=`open`("{mark}", "w")',
]


def due_date(text: str) -> str:
    return user("a", f'<zeebe:taskSchedule dueDate="{escape(text)}"/>')


def assignment(text: str) -> str:
    return user("a", f'<zeebe:assignmentDefinition assignee="{escape(text)}" candidateGroups="{escape(text)}"/>')


def script(text: str) -> str:
    facts = extension(f'<zeebe:script expression="{escape(text)}" resultVariable="x"/>')
    return f'<scriptTask id="a" name="计算">{facts}</scriptTask>'


def waiting(text: str) -> str:
    return f'<intermediateCatchEvent id="a" name="等候">{timer("timeDuration", text)}</intermediateCatchEvent>'


def repeated(text: str) -> str:
    return user("a", "", loop(collection=text))


@pytest.mark.parametrize("text", ATTEMPTS)
@pytest.mark.parametrize("place", [due_date, assignment, script, waiting, repeated])
def test_python_in_a_process_is_refused_or_means_nothing(
    place: Callable[[str], str], text: str, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    with suppress(ModelFault):
        Play(start(), place(text.format(mark=mark)), end("done"), chain("start", "a", "done"))
    assert not mark.exists()


def test_the_same_places_do_calculate_feel() -> None:
    play = Play(start(), due_date('=date("2026-11-09")'), end("done"), chain("start", "a", "done"))
    assert play.wait("a").attrs["due_date"] == "2026-11-09"


OUTCOMES = {
    "an entity bomb": "refused doctype",
    "a file of this machine": "refused not_xml",
    "an address elsewhere": "refused not_xml",
    "a DTD elsewhere": "refused doctype",
    "fifty megabytes": "refused file_too_large",
    "eight megabytes of names": "runs user",
    "a chain of ten thousand": "refused too_many_elements",
    "a chain of nearly five thousand": "runs user",
    "two hundred levels": "runs user",
    "five hundred levels": "refused nested_too_deep",
    "three thousand branches": "refused too_many_flows",
    "five hundred branches": "runs user",
    "five hundred choices": "runs user",
    "two thousand links": "runs user",
    "two thousand boundary events": "runs message user",
    "a loop without rest": "runs endless_loop",
    "sub-processes without number": "runs feel_limit",
    "a process that calls itself": "runs call_too_deep",
    "an expression without end": "refused expression_unreadable",
    "a sum of a hundred thousand": "refused expression_unreadable",
}


def test_a_hostile_model_is_refused_or_harmless_within_a_second_and_two_hundred_megabytes() -> None:
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.engine.workflow.hostile"], cwd=root, capture_output=True, text=True, check=True
    )
    measured = [json.loads(line) for line in ran.stdout.splitlines()]

    assert {one["name"]: one["outcome"] for one in measured} == OUTCOMES
    assert [one for one in measured if one["seconds"] > 1 or one["megabytes"] > 200] == []


def deep(levels: int) -> object:
    value: object = 1
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize(
    "value",
    [10**30, 10**5000, math.nan, math.inf, "a\0", "\ud800", {"a\0": 1}, {"\udfff": 1}, deep(101), deep(5000)],
    ids=["large", "huge", "nan", "infinite", "nul", "surrogate", "nul name", "surrogate name", "deep", "deeper"],
)
def test_a_value_that_no_store_can_hold_is_refused_and_nothing_is_lost(value: object) -> None:
    play = Play(start(), user("a"), end(), chain("start", "a", "end"))

    with pytest.raises(Refused):
        play.process.complete(play.wait("a").token, {"x": value})
    with pytest.raises(Refused):
        play.process.set_variables({"x": value})

    assert play.do("a", x=1).completed
    assert play.variables == {"x": 1}


def test_no_name_of_a_variable_means_anything_to_the_engine() -> None:
    names = [
        "typename",
        "__class__",
        "__init__",
        "__dict__",
        "self",
        "",
        " ",
        "0",
        "典",
        "a.b",
        "'; drop",
        "x" * 10_000,
    ]
    given: dict[str, object] = {name: {"typename": "UUID", "value": "zz", "__class__": "os"} for name in names}
    play = Play(start(), user("a"), user("b"), chain("start", "a", "b"), variables=given)

    play.act("complete", play.wait("a").token, given)

    assert play.at == ["b:user"]
    assert play.variables == given


def test_a_value_as_deep_as_may_be_is_kept() -> None:
    play = Play(start(), user("a"), end(), chain("start", "a", "end"), variables={"x": deep(99)})

    assert play.do("a").variables["x"] == deep(99)
