"""FEEL inside a form: read once when the form is compiled, asked with what the form shows.

As in form-js, root names are the form's data; inside a list's row ``this`` is the row, ``parent`` what holds the list
and ``i`` the numbers of the rows, counted from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.feel import Expression as Compiled
from engine.feel import FeelError, Frame, Run, from_python, to_json
from engine.feel import compile as compile_feel


@dataclass(frozen=True)
class Expression:
    """One FEEL text of a form, ready to be asked."""

    text: str
    compiled: Compiled

    def ask(self, context: dict[str, Any]) -> Any:
        """The value as JSON, for a context of FEEL values. Raises ``FeelError`` past the limits of one evaluation."""
        return to_json(self.compiled.run(Frame(context, None, Run())))


def is_feel(value: Any) -> bool:
    """form-js: a text that begins with ``=``."""
    return isinstance(value, str) and value.startswith("=")


def read(text: str) -> Expression:
    """Compile ``=…``. Raises ``FeelError``."""
    return Expression(text, compile_feel(text[1:].strip()))


def context_of(data: Mapping[str, Any], here: Any, parent: Any, numbers: Sequence[int]) -> dict[str, Any]:
    """What an expression may name at one place of the form; ``data``, ``here`` and ``parent`` are FEEL values."""
    special = {"this": here, "parent": parent, "i": from_python(numbers)}
    return {**special, **data, **{f"_{name}_": value for name, value in special.items()}}


__all__ = ["Expression", "FeelError", "context_of", "from_python", "is_feel", "read"]
