"""Python wherever a process calculates: due dates, assignments, scripts, timers, lists. It is never run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from html import escape
from pathlib import Path

import pytest

from engine.core.errors import ModelFault
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
