"""Small faults put into an item one at a time: a DMN cell changed, a gateway's condition turned round."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_COMPARISON = re.compile(r"(<=|>=|<|>)")
_FLIPPED = {"<=": "<", ">=": ">", "<": "<=", ">": ">="}
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


@dataclass(frozen=True)
class Mutant:
    """One fault: ``where`` for people; ``mark`` is the (process, flow) or (decision, rule) that a path likely needs."""

    where: str
    file: str
    content: bytes
    mark: tuple[str, str]


def mutants(files: Mapping[str, bytes]) -> Iterator[Mutant]:
    """Every mutant of an item's models."""
    for path, content in files.items():
        if path.endswith(".dmn"):
            yield from _cells(path, content)
        elif path.endswith(".bpmn"):
            yield from _gateways(path, content)


def _tree(content: bytes) -> etree._Element:
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))


def _cells(path: str, content: bytes) -> Iterator[Mutant]:
    root = _tree(content)
    for decision in root.iterfind("{*}decision"):
        for rule in decision.iterfind("{*}decisionTable/{*}rule"):
            for cell in [*rule.iterfind("{*}inputEntry"), *rule.iterfind("{*}outputEntry")]:
                text = cell.find("{*}text")
                if text is None:
                    continue
                told = (text.text or "").strip()
                changed = changed_cell(told)
                if changed is None:
                    continue
                text.text = changed
                where = f"{decision.get('id')} {rule.get('id')} {cell.get('id')}: {told} → {changed}"
                yield Mutant(where, path, etree.tostring(root), (str(decision.get("id")), str(rule.get("id"))))
                text.text = told


def changed_cell(told: str) -> str | None:
    """Another meaning for a cell; None for one that says nothing."""
    if told in ("", "-"):
        return None
    if told in ("true", "false"):
        return "false" if told == "true" else "true"
    if _NUMBER.match(told):
        return f"{told} + 1"
    if _COMPARISON.search(told):
        return _COMPARISON.sub(lambda found: _FLIPPED[found[1]], told, count=1)
    if told.startswith('"'):
        # In the middle: a path may ask for a part of a text only.
        middle = 1 + (told.index('"', 1) - 1) // 2
        return f"{told[:middle]}x{told[middle:]}"
    return f"not({told})"


def _gateways(path: str, content: bytes) -> Iterator[Mutant]:
    root = _tree(content)
    for flow in root.iter(f"{BPMN}sequenceFlow"):
        condition = flow.find(f"{BPMN}conditionExpression")
        if condition is None or not (condition.text or "").strip().startswith("="):
            continue
        told = (condition.text or "").strip()
        condition.text = f"=not({told[1:]})"
        process = next(parent for parent in flow.iterancestors(f"{BPMN}process", f"{BPMN}subProcess"))
        yield Mutant(
            f"{path} {flow.get('id')}: {told} → {condition.text}",
            path,
            etree.tostring(root),
            (str(process.get("id")), str(flow.get("id"))),
        )
        condition.text = told
