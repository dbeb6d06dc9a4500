"""Decision tables and models written briefly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from engine.decisions import Model

HEAD = '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="测试" namespace="urn:test">'
Table = Callable[..., Model]


def entry(tag: str, name: str, text: str) -> str:
    return f'<{tag} id="{name}"><text>{escape(text)}</text></{tag}>'


def column(tag: str, number: int, spec: str) -> str:
    """``name:type`` or ``name:type:allowed values``."""
    name, kind, allowed = [*spec.split(":", 2), "", ""][:3]
    if tag == "input":
        values = f"<inputValues><text>{escape(allowed)}</text></inputValues>" if allowed else ""
        inner = f'<inputExpression typeRef="{kind}"><text>{escape(name)}</text></inputExpression>{values}'
        return f'<input id="in{number}" label="{escape(name)}">{inner}</input>'
    values = f"<outputValues><text>{escape(allowed)}</text></outputValues>" if allowed else ""
    return f'<output id="out{number}" name="{name}" typeRef="{kind}">{values}</output>'


def table_xml(
    inputs: Sequence[str],
    outputs: Sequence[str],
    rows: Sequence[str],
    policy: str = 'hitPolicy="UNIQUE"',
    annotations: str = "",
) -> str:
    """``rows``: cells parted by ``|``; inputs, then outputs, then annotations."""
    head = "".join(column("input", number, spec) for number, spec in enumerate(inputs))
    head += "".join(column("output", number, spec) for number, spec in enumerate(outputs)) + annotations
    body = ""
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row.split("|")]
        tags = ["inputEntry"] * len(inputs) + ["outputEntry"] * len(outputs)
        inner = "".join(entry(tag, f"c{number}_{at}", cells[at]) for at, tag in enumerate(tags))
        for text in cells[len(tags) :]:
            inner += f"<annotationEntry><text>{escape(text)}</text></annotationEntry>"
        body += f'\n<rule id="row{number}">{inner}</rule>'
    return f'<decisionTable id="dt" {policy}>{head}{body}</decisionTable>'


def model_xml(*elements: str) -> bytes:
    return (HEAD + "".join(elements) + "</definitions>").encode()
