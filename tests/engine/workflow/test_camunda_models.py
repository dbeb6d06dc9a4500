"""Models drawn by others for Camunda 8: read and run to their end where they are at hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import ModelFault
from engine.workflow import Process, Wait, parse
from tests.engine.workflow.kit import House

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "camunda8-models"
# Broken on purpose by their authors.
BROKEN = {"Client-BrokenBpmn.bpmn", "modeller7File.bpmn"}
FILES = sorted(FOLDER.glob("*.bpmn"))
MOST_ROUNDS = 400
COMPARISON = re.compile(r"(\w+)\s*(?:=|&gt;=?|>=?)\s*(\"[^\"]*\"|&#34;[^&]*&#34;|&quot;[^&]*&quot;|\d+|true)")
KEY = re.compile(r'correlationKey="=\s*(\w+)')


class Anything(House):
    """A house that knows every decision."""

    def decide(self, decision_id: str, context: Mapping[str, Any], element_id: str) -> Any:
        return {"result": 1}


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


def guesses(text: str) -> dict[str, Any]:
    """Values with which the first of a model's comparisons holds, and some text for its correlation keys."""
    found: dict[str, Any] = dict.fromkeys(KEY.findall(text), "key")
    for name, literal in COMPARISON.findall("".join(re.findall(r"conditionExpression[^>]*>([^<]*)<", text))):
        bare = re.sub(r"&#34;|&quot;|\"", "", literal)
        found.setdefault(name, bare if bare != literal else True if bare == "true" else int(bare))
    return found


class Visit:
    """One process of a file, worked through with answers that fit nothing in particular."""

    def __init__(self, file: Path, process_id: str, start_event: str, counts: Counter[str]) -> None:
        self.definitions = parse({file.name: file.read_bytes()}, strict=False)
        self.house, self.counts, self.tried = Anything(), counts, Counter[str]()
        self.guesses = guesses(file.read_text())
        self.process = Process.start(self.definitions, process_id, {}, self.house, start_event)
        self.keep()

    def keep(self) -> None:
        """Save and load, byte for byte."""
        state, scopes = self.process.save()
        self.process = Process.load(self.definitions, state, scopes, self.house)
        assert self.process.save() == (state, scopes)
        self.counts["waits"] += 1

    def run(self) -> str:
        """How it ended: ``ended``, or on which incidents it stands because its variables mean nothing here."""
        for _ in range(MOST_ROUNDS):
            if self.process.completed:
                return "ended"
            wait = self.next()
            if wait is None:
                break
            self.tried[wait.element_id] += 1
            self.act(wait)
            self.keep()
        waits = self.process.waits()
        # Nothing stands without a name for it.
        assert waits
        return " ".join(sorted({str(wait.attrs.get("code", wait.kind)) for wait in waits}))

    def next(self) -> Wait | None:
        """The wait tried least; a condition is nobody's work, and an incident is mended once."""
        waits = [
            w for w in self.process.waits() if w.kind != "condition" and (w.kind != "incident" or not self.mended(w))
        ]
        return min(waits, key=lambda wait: self.tried[wait.element_id], default=None)

    def mended(self, wait: Wait) -> bool:
        return self.tried["!" + wait.element_id] > 0

    def act(self, wait: Wait) -> None:
        if wait.kind in ("user", "job"):
            self.process.complete(wait.token, {"done": True})
        elif wait.kind == "adhoc":
            self.process.activate_adhoc(wait.token, [], cancel_remaining=True)
        elif wait.kind == "incident":
            self.tried["!" + wait.element_id] += 1
            self.process.set_variables(self.guesses)
            self.process.retry(wait.token)
        else:
            self.process.fire(wait.token, {"done": True})


@pytest.mark.skipif(not FILES, reason="the models of others are not on this machine")
def test_every_model_runs_to_its_end_saved_and_loaded_at_every_wait() -> None:
    counts: Counter[str] = Counter()
    stands: dict[str, str] = {}
    for file in [file for file in FILES if file.name not in BROKEN]:
        definitions = parse({file.name: file.read_bytes()}, strict=False)
        for process in definitions.processes.values():
            for start in process.starts:
                counts["runs"] += 1
                how = Visit(file, process.id, start, counts).run()
                counts["ended"] += how == "ended"
                if how != "ended":
                    stands[f"{file.name} {process.id} {start}"] = how
    print(dict(counts))
    assert stands == {}
