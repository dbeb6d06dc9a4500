"""How much one expression may ask for. An analyst's mistake must not stop the office."""

from __future__ import annotations

import time

from engine.feel.errors import too_much

MAX_TEXT = 20_000  # characters of one expression
MAX_DEPTH = 60  # nested brackets, ifs, functions in the text
MAX_CALLS = 60  # nested calls of a FEEL function at run time
MAX_PARSE = 200_000  # parser steps, so that trying twice never explodes
MAX_STEPS = 500_000  # loop turns and calls of one evaluation
MAX_SECONDS = 2.0  # working time of one evaluation
MAX_LIST = 100_000  # elements of one list
MAX_NODES = 200_000  # parts of one value, counted through all its lists and contexts
MAX_STRING = 200_000  # characters of one string
MAX_EXPONENT = 6144  # as in IEEE 754 decimal128
MAX_PATTERN = 500  # characters of a regular expression
MAX_SUBJECT = 20_000  # characters a regular expression is run on


class Run:
    """One evaluation: its warnings and what it has used up."""

    __slots__ = ("calls", "deadline", "steps", "warnings")

    def __init__(self, warnings: list[str] | None = None) -> None:
        self.warnings = warnings
        self.steps = 0
        self.calls = 0
        self.deadline = 0.0

    def warn(self, text: str) -> None:
        """Keep why something became null, for the analyst; at most 100 of them."""
        if self.warnings is not None and len(self.warnings) < 100:
            self.warnings.append(text)

    def tick(self, count: int = 1) -> None:
        """Count loop turns. Raises FeelError past the limits."""
        before = self.steps
        self.steps = before + count
        if self.steps > MAX_STEPS:
            raise too_much(f"计算步骤过多（上限 {MAX_STEPS}）", "请缩小列表或范围")
        if before >> 8 != self.steps >> 8:
            self._check_time()

    def _check_time(self) -> None:
        now = time.thread_time()  # what this thread worked, so that a busy machine fails nobody
        if not self.deadline:
            self.deadline = now + MAX_SECONDS
        elif now > self.deadline:
            raise too_much(f"计算超时（上限 {MAX_SECONDS:g} 秒）", "请缩小列表或范围")


class Budget:
    """Parts of one value that may be walked: lists inside lists can grow without looking big."""

    __slots__ = ("left",)

    def __init__(self, parts: int = MAX_NODES) -> None:
        self.left = parts

    def spend(self, count: int = 1) -> None:
        """Raises FeelError when used up."""
        self.left -= count
        if self.left < 0:
            raise too_much("的值过大", "请减少列表的层数和项数")


def list_fits(length: int) -> None:
    """Raises FeelError when a list would become too long."""
    if length > MAX_LIST:
        raise too_much(f"产生的列表过长（上限 {MAX_LIST} 项）", "请缩小范围")


def string_fits(length: int) -> None:
    """Raises FeelError when a string would become too long."""
    if length > MAX_STRING:
        raise too_much(f"产生的文本过长（上限 {MAX_STRING} 字符）", "请缩短文本")
