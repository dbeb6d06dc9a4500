"""Errors by who must act: the user, the analyst, the other party. Anything else is a bug.

Every error carries a stable ``code`` (for machines, logs and tests) and a Chinese ``message`` that says what to do
next. HTTP numbers live in ``web/errors.py`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class AnjuError(Exception):
    """Base of every error that a person or another system is meant to read."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


# --- the user must act ------------------------------------------------------------------------------------------


class Refused(AnjuError):
    """What was asked cannot be done as asked; asking differently may help."""

    code = "refused"


class NotFound(Refused):
    """There is no such thing, or the actor may not know of it."""

    code = "not_found"


class Forbidden(Refused):
    """The actor lacks the role, or is barred from this very step."""

    code = "forbidden"


class InvalidAnswers(Refused):
    """Some answers of a form do not hold. ``errors`` maps a field's id to its Chinese messages."""

    code = "invalid_answers"

    def __init__(self, errors: Mapping[str, Sequence[str]], message: str = "请更正标出的内容后再提交") -> None:
        super().__init__(message)
        self.errors = {field: list(messages) for field, messages in errors.items()}


class TaskAlreadyDone(Refused):
    """Somebody else finished the task first."""

    code = "task_already_done"


class TaskChanged(Refused):
    """The task was changed since the page was opened."""

    code = "task_changed"


class Duplicate(Refused):
    """The same thing exists already."""

    code = "duplicate"


# --- the analyst must act ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """One finding about a model.

    ``file`` is the path inside the item, ``element`` the BPMN/DMN/form id, ``name`` its Chinese name, ``line`` the line
    of the XML or JSON (0 where unknown), ``hint`` the likely fix. ``level``: ``error`` (not published) or ``warning``.
    """

    code: str
    message: str
    file: str = ""
    element: str = ""
    name: str = ""
    line: int = 0
    hint: str = ""
    level: str = "error"

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line or "") if part)
        who = f"{self.name}（{self.element}）" if self.name and self.element else self.name or self.element
        text = "，".join(part for part in (place, who) if part)
        hint = f"。{self.hint}" if self.hint else ""
        return f"{text}：{self.message}{hint}" if text else f"{self.message}{hint}"


class ModelFault(AnjuError):
    """A model says something the engine cannot do; carries one or more ``Fault``."""

    code = "model_fault"

    def __init__(self, *faults: Fault) -> None:
        super().__init__("；".join(str(fault) for fault in faults), code=faults[0].code if faults else None)
        self.faults = faults


# --- the other party must act -----------------------------------------------------------------------------------


class OutsideFault(AnjuError):
    """Another party did not do what was asked."""

    code = "outside_fault"


class Unreachable(OutsideFault):
    """No usable answer came: try again later. What was asked stays unknown."""

    code = "unreachable"


class Declined(OutsideFault):
    """The party answered and said no. ``code`` is the BPMN error code that a boundary event may catch."""

    code = "declined"
