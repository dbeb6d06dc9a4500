"""What an expression and a decision table cost, beside the same expression compiled by Python in the same run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import thread_time
from types import FunctionType
from typing import Any

from engine import decisions, feel

TEXT = "age >= 18 and income < 5000"
VARIABLES = {"age": 30, "income": 4000}
APPLICANT = {"age": 40, "income": 4000, "city": "c20", "family": 9, "local": True}
ROWS = 50
# What the specification of the engine asks for.
EXPRESSION_AIM = 0.40
TABLE_AIM = 1 / 270
_ROUNDS = 7


@dataclass(frozen=True)
class Speed:
    """Evaluations per second of working time, and of the yardstick: the expression compiled by Python."""

    value: float
    yardstick: float
    aim: float
    unit: str = "evaluations/s"

    @property
    def ratio(self) -> float:
        return self.value / self.yardstick


def measure() -> dict[str, Speed]:
    """The warm expression and the table of 50 rows and 5 inputs; about two seconds of work."""
    expression = feel.compile(TEXT, frozenset(VARIABLES))
    model = decisions.load(_table(), "bench.dmn")
    if model.evaluate("bench", APPLICANT).value != ["r20"] or expression.evaluate(VARIABLES) is not True:
        raise AssertionError("the bench measures a wrong answer")
    # What `eval` runs, without the price of its call: a stricter yardstick than `eval` itself.
    compiled = FunctionType(compile(TEXT, "bench", "eval"), dict(VARIABLES))
    python = _per_second(lambda: compiled(), 40_000)
    quick = _per_second(lambda: expression.evaluate(VARIABLES), 40_000)
    table = _per_second(lambda: model.evaluate("bench", APPLICANT), 1_500)
    return {
        "feel_expression": Speed(quick, python, EXPRESSION_AIM),
        "feel_table": Speed(table, python, TABLE_AIM),
    }


def _per_second(once: Callable[[], Any], count: int) -> float:
    """The best of some rounds, so that a busy machine disturbs little."""
    best = 0.0
    for _ in range(_ROUNDS):
        begun = thread_time()
        for _ in range(count):
            once()
        best = max(best, count / (thread_time() - begun))
    return best


def _table() -> bytes:
    """COLLECT, so that every row is tried; numbers, texts and truth values."""
    rows = "".join(_row(number) for number in range(ROWS))
    kinds = {"age": "number", "income": "number", "city": "string", "family": "number", "local": "boolean"}
    heads = "".join(
        f'<input id="in_{name}"><inputExpression typeRef="{kind}"><text>{name}</text></inputExpression></input>'
        for name, kind in kinds.items()
    )
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="bench" namespace="urn:bench">'
        '<decision id="bench" name="bench"><decisionTable id="t" hitPolicy="COLLECT">'
        f'{heads}<output id="out" name="out" typeRef="string"/>{rows}</decisionTable></decision></definitions>'
    ).encode()


def _row(number: int) -> str:
    cells = (
        f"[{18 + number}..{60 + number})",
        f"&lt; {1000 * number + 5000}",
        f'"c{number}", "d{number}"',
        f"&gt;= {number % 7 + 1}",
        "true" if number % 2 else "-",
    )
    inner = "".join(f"<inputEntry><text>{cell}</text></inputEntry>" for cell in cells)
    return f'<rule id="r{number}">{inner}<outputEntry><text>"r{number}"</text></outputEntry></rule>'
