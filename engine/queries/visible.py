"""What a task sees: the variables in scope at its token, and what its form opens with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.cases.case import Case, load_variables
from engine.catalog import releases
from engine.catalog.forms import Field, Form
from engine.catalog.releases import ReleaseView
from engine.core import clock
from engine.workflow import Definitions, Process, Wait, definitions_held


class _Onlooker:
    """Host of a process that is only looked at."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_called(self, process_id: str, binding: str, version_tag: str) -> None:
        """Nothing begins here."""

    def load_called(self, key: str) -> Definitions:
        release = releases.view(self._session, int(key))
        return definitions_held(release)

    def now(self) -> datetime:
        return clock.now()

    def decide(self, decision_id: str, context: Mapping[str, Any], element_id: str) -> Any:
        raise RuntimeError("a process that is only read decides nothing")

    def operation_is_inside(self, type: str) -> bool:
        return False

    def run_inside(self, wait: Wait, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        raise RuntimeError("a process that is only read runs nothing")


def variables(session: Session, case: Case, release: ReleaseView, token: str) -> tuple[dict[str, Any], set[str]]:
    """The variables at a token, sealed as stored, and the names that its own input mapping gave it.

    One task's page loads one process (a fraction of a millisecond); lists never do.
    """
    scopes = load_variables(session, case.id)
    return process(session, case, release, scopes).context(token), set(scopes.get(token, {}))


def process(session: Session, case: Case, release: ReleaseView, scopes: Mapping[str, Mapping[str, Any]]) -> Process:
    """The process of a case, to be looked at only."""
    definitions = definitions_held(release)
    return Process.load(definitions, case.tokens, scopes, _Onlooker(session))


def scopes(session: Session, case: Case, token: str) -> list[str]:
    """The scopes a standing token sees, innermost first."""
    release = releases.view(session, case.release_id)
    return process(session, case, release, load_variables(session, case.id)).scopes_of(token)


def opening(form: Form, context: Mapping[str, Any], own: set[str]) -> dict[str, Any]:
    """``context`` without what somebody answered earlier to questions that this form asks anew.

    Reviewers share the names of their answers: nobody should find the conclusion of the one before already chosen. What
    the model hands to the task by an input mapping stays, and so does everything the form only shows.
    """
    only_shown = [one for one in form.fields if one.raw.get("readonly") or one.raw.get("disabled")]
    kept = own | {_name(one) for one in only_shown}
    asked = {_name(one) for one in form.fields} - kept
    return {name: value for name, value in context.items() if name not in asked}


def _name(field: Field) -> str:
    """The variable a field lies in."""
    return field.path.partition(".")[0].removesuffix("[]")
