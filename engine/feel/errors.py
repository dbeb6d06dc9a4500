"""What may go wrong in FEEL: one error, with the place in the text and the likely fix."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from engine.core.errors import Fault, ModelFault

_AROUND = 24


class FeelError(ModelFault):
    """An expression that cannot be read, or that asks for more than the limits allow.

    ``position`` is the 0-based offset in ``text`` (-1 at run time), ``excerpt`` the text around it with ``⟦⟧`` at the
    place, ``hint`` the likely fix in Chinese. Codes: ``feel_syntax``, ``feel_limit``, ``feel_assert``.
    """

    def __init__(
        self, message: str, *, text: str = "", position: int = -1, hint: str = "", code: str = "feel_syntax"
    ) -> None:
        self.text, self.position, self.hint = text, position, hint
        self.excerpt = excerpt(text, position)
        place = f"，位置 {position + 1}：{self.excerpt}" if position >= 0 else ""
        super().__init__(Fault(code, f"FEEL 表达式{message}{place}", hint=hint))


def excerpt(text: str, position: int) -> str:
    """The text around ``position`` on one line, ``⟦⟧`` at the place itself."""
    if position < 0:
        return text[: 2 * _AROUND]
    before = text[max(0, position - _AROUND) : position]
    after = text[position : position + _AROUND]
    return f"{before}⟦⟧{after}".replace("\n", " ")


def too_much(what: str, hint: str) -> FeelError:
    """A run-time limit was reached."""
    return FeelError(what, hint=hint, code="feel_limit")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A Chinese hint with the nearest known name, or an empty string."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"是不是“{close[0]}”？" if close else ""
