"""Why a decision came out as it did: which row fired, on which facts, from which source, under which clause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from engine.cases.record import DecisionRecord, decisions
from engine.catalog.form_own import yuan
from engine.catalog.form_show import words
from engine.catalog.form_tree import OPTIONS, Field
from engine.catalog.releases import ReleaseView
from engine.catalog.visibility import NO_LIMITS, Access
from engine.core.errors import ModelFault
from engine.decisions import models_of
from engine.queries.common import stamp

_PARAMETER = re.compile(r"parameters\.(\w+)")
_LITERAL = re.compile(r'"([^"]*)"')
_NOT = re.compile(r"^not\((.*)\)$")
_ANY = "-"
_COMPARES = ("<", ">", "≤", "≥")


@dataclass(frozen=True)
class Reason:
    """One row of a table. ``holds``: False where a condition is not met, True also for a standard that applies."""

    holds: bool
    text: str
    facts: str
    source: str
    clause: str
    rule: str


@dataclass(frozen=True)
class Explanation:
    """One evaluated decision. ``eligible`` is None where the decision does not say."""

    title: str
    at: str
    eligible: bool | None
    reasons: list[Reason]


def explanations(
    session: Session,
    case_id: int,
    release: ReleaseView,
    variables: Mapping[str, Any],
    access: Access = NO_LIMITS,
) -> list[Explanation]:
    """The decisions of a case as they stand: of each the newest, in the order they were first taken.

    ``variables`` may lack what the reader must not see: where that changes the value, what was kept is shown.
    """
    newest = {one.decision_id: one for one in decisions(session, case_id)}
    words_of = _Words(release, variables, access)
    return [_explained(record, _whole(release, record, variables), words_of) for record in newest.values()]


def _explained(record: DecisionRecord, entries: list[dict[str, Any]], words_of: _Words) -> Explanation:
    value = record.value if isinstance(record.value, Mapping) else {}
    failed = [one for one in value.get("failed") or [] if isinstance(one, Mapping)]
    reasons = [reason for entry in entries for reason in _of_table(entry, failed, words_of)]
    reasons.sort(key=lambda one: one.holds)
    title = entries[-1]["name"] if entries else record.decision_id
    eligible = value.get("eligible")
    return Explanation(title, stamp(record.at), eligible if isinstance(eligible, bool) else None, reasons)


def _whole(release: ReleaseView, record: DecisionRecord, variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The trace with the rows that did not fire, told again by the pinned rules on the case's own variables.

    What was kept at the time holds only the rows that fired. Told again it must give the same value; where it does not
    (the facts have changed since), what was kept is shown and nothing else.
    """
    kept: list[dict[str, Any]] = list(record.explanation or [])
    try:
        model = models_of(release.hash, lambda: release.files).get(record.decision_id)
        again = model.evaluate(record.decision_id, variables, explanation="full") if model else None
    except ModelFault:
        return kept  # the kept trace is the evidence; a rule that fails today changes nothing about it
    return again.explanation if again is not None and again.value == record.value else kept


def _of_table(entry: Mapping[str, Any], failed: list[Mapping[str, Any]], words_of: _Words) -> Iterator[Reason]:
    rules, inputs = entry.get("rules") or [], entry["inputs"]
    if not rules or not _concerned(rules):
        return
    outputs = entry["outputs"] if isinstance(entry["outputs"], list) else [entry["outputs"]]
    fired = iter(outputs)
    for rule in rules:
        output = next(fired, None) if rule["matched"] else None
        output = output if isinstance(output, Mapping) else {}
        if rule["matched"]:
            holds = output not in failed
        elif str(entry["hit_policy"]).startswith("COLLECT") and _nearly(rule):
            holds = True
        else:
            continue
        yield _reason(rule, inputs, output, holds, words_of)


def _concerned(rules: list[Mapping[str, Any]]) -> bool:
    """A column whose test is the same in every row says whom the table is for; where it fails, no row applies."""
    columns = zip(*(rule["cells"] for rule in rules), strict=True)
    same = [cells for cells in columns if len({cell["test"] for cell in cells}) == 1 and cells[0]["test"] != _ANY]
    return all(cells[0]["passed"] for cells in same) or any(rule["matched"] for rule in rules)


def _nearly(rule: Mapping[str, Any]) -> bool:
    """Only the condition itself kept the row from firing: the condition is met."""
    asked = [cell for cell in rule["cells"] if cell["test"] != _ANY]
    return sum(not cell["passed"] for cell in asked) == 1


def _reason(
    rule: Mapping[str, Any],
    inputs: list[Mapping[str, Any]],
    output: Mapping[str, Any],
    holds: bool,
    words_of: _Words,
) -> Reason:
    asked = [(column, cell) for column, cell in zip(inputs, rule["cells"], strict=True) if cell["test"] != _ANY]
    # The condition stands last; what comes before says whom the row is for.
    told = asked[1:] or asked
    notes = dict(rule["annotations"])
    said = str(output.get("message") or output.get("title") or notes.get("说明") or rule["id"])
    facts = "，".join(words_of.fact(column, cell) for column, cell in told)
    if not rule["matched"]:
        said = "、".join(words_of.value(column, cell) for column, cell in told)
        facts = "不符合的情形：" + " 且 ".join(words_of.test(column, cell) for column, cell in told)
    sources = dict.fromkeys(words_of.source(column) for column, _ in told)
    return Reason(
        holds=holds,
        text=said,
        facts=facts,
        source="、".join(one for one in sources if one),
        clause=str(output.get("clause") or notes.get("依据") or ""),
        rule=f"第 {rule['row']} 行",
    )


def _label(column: Mapping[str, Any]) -> str:
    return str(column["label"] or column["expression"]).replace("（分）", "")


def _name(column: Mapping[str, Any]) -> str:
    return str(column["expression"]).rsplit(".", 1)[-1]


class _Words:
    """Names and values of a decision's inputs in the words of the application form and of the parameters."""

    def __init__(self, release: ReleaseView, variables: Mapping[str, Any], access: Access) -> None:
        self._access = access
        start = release.item.start_form
        fields: tuple[Field, ...] = release.form(start).fields if start else ()
        self._options = {one.key: one for one in fields if one.type in OPTIONS}
        self._titles = {one["name"]: one["title"] for one in release.item.parameters}
        self._parameters: Mapping[str, Any] = variables.get("parameters") or {}
        self._sources = dict(_sources(variables))

    def value(self, column: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
        """``人均月收入 4,450.00 元``; no value where the reader may not see it."""
        if self._access.hides(str(column["expression"])):
            return f"{_label(column)}（无权查看）"
        return f"{_label(column)} {self._value(_name(column), cell['input'])}"

    def test(self, column: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
        """``人均月收入 > 公租房收入线 5,000.00 元``"""
        return f"{_label(column)} {self._test(_name(column), str(cell['test']))}"

    def fact(self, column: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
        """Both: ``人均月收入 6,450.00 元 > 公租房收入线 5,000.00 元``; a plain value is not said twice."""
        test = self._test(_name(column), str(cell["test"]))
        if self._access.hides(str(column["expression"])):
            return self.value(column, cell)
        return f"{self.value(column, cell)} {test}" if test.startswith(_COMPARES) else self.value(column, cell)

    def source(self, column: Mapping[str, Any]) -> str:
        """Where the fact came from."""
        return self._sources.get(str(column["expression"]), "")

    def _value(self, name: str, value: Any) -> str:
        if value is None:
            return "不明"
        if name.endswith("_fen") and isinstance(value, int):
            return yuan(value)
        if name in self._options:
            return words(self._options[name], value)
        if isinstance(value, bool):
            return "是" if value else "否"
        return str(value)

    def _test(self, name: str, test: str) -> str:
        text = _PARAMETER.sub(lambda match: self._parameter(match[1]), test)
        text = _LITERAL.sub(lambda match: self._value(name, match[1]), text)
        text = _NOT.sub(r"不是 \1", text).replace(">=", "≥").replace("<=", "≤")
        return {"false": "否", "true": "是"}.get(text, text)

    def _parameter(self, name: str) -> str:
        return f"{self._titles.get(name, name)} {self._value(name, self._parameters.get(name))}"


def _sources(variables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """``facts.sources`` = [{name, source}] says where each of ``facts`` came from."""
    for variable, value in variables.items():
        if isinstance(value, Mapping) and isinstance(value.get("sources"), list):
            for one in value["sources"]:
                if isinstance(one, Mapping):
                    yield f"{variable}.{one.get('name')}", str(one.get("source") or "")
