"""Text of a model that is either a literal or, with a leading ``=``, FEEL. Compiled once, when the model is parsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine import feel


class Stuck(Exception):
    """A token cannot go on: becomes an incident on its element. Never leaves this package."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Expression:
    """A literal (``compiled`` is None) or a FEEL expression."""

    text: str
    compiled: Any = None

    @property
    def is_feel(self) -> bool:
        return self.compiled is not None

    @property
    def variable(self) -> str | None:
        """The simple variable this expression names, if it is nothing but that."""
        name = self.text[1:].strip() if self.is_feel else ""
        return name if name.isidentifier() else None

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        """The JSON value in ``context``. Raises ``FeelError``."""
        if self.compiled is None:
            return self.text
        return feel.to_json(self.compiled.evaluate(context))

    def truth(self, context: Mapping[str, Any]) -> bool:
        """The value as a condition. Raises ``Stuck`` when it is neither true nor false: unknown is not a no."""
        warnings: list[str] = []
        value = self.compiled.evaluate(context, warnings=warnings) if self.compiled else self.text
        if not isinstance(value, bool):
            why = f"（{'；'.join(warnings)}）" if warnings else ""
            raise Stuck(
                "condition_not_boolean",
                f"条件“{self.text}”的结果是{_shown(feel.to_json(value))}{why}，应为 true 或 false，请补齐变量后重试",
            )
        return value


def _shown(value: Any) -> str:
    # A value may be personal: only its kind is named.
    kinds = {type(None): "空值 null", str: "文字", int: "数字", float: "数字", list: "列表", dict: "上下文"}
    return kinds.get(type(value), type(value).__name__)


def expression(text: str) -> Expression:
    """Read one attribute or text of a model. Raises ``FeelError`` when the FEEL does not parse."""
    text = text.strip()
    if not text.startswith("="):
        return Expression(text)
    return Expression(text, feel.compile(text[1:].strip()))
