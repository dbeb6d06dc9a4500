"""The people a case is about, by the digests of their ID numbers: who must keep away, what belongs together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import String, bindparam, delete, literal, null, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.cases.case import Asked, Case
from engine.cases.record import DONE_SCOPE
from engine.catalog.item import Item
from engine.core import secrets
from engine.core.db import Base
from engine.core.writes import insert_later

# Variables that hold the people of a case where its item does not say (``live_key: {persons}``).
_USUAL = ("applicant", "co_applicants")
# Stands for a found relative among the steps that ``Casework.resume`` gives back.
KIN = "@kin"


class CasePerson(Base):
    """One person of one case, also after it is closed."""

    __tablename__ = "case_person"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)


def follow(session: Session, case: Case, item: Item, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Write who the case is about, where the answers changed it."""
    names = list((item.raw.get("live_key") or {}).get("persons") or _USUAL)
    if all(before.get(name) == after.get(name) for name in names):
        return
    old, new = _digests(before, names), _digests(after, names)
    if gone := old - new:
        session.execute(delete(CasePerson).where(CasePerson.case_id == case.id, CasePerson.digest.in_(gone)))
    insert_later(session, CasePerson, [{"digest": one, "case_id": case.id} for one in sorted(new - old)])


def _digests(variables: Mapping[str, Any], names: Iterable[str]) -> set[str]:
    found = set()
    for name in names:
        value = variables.get(name)
        for person in value if isinstance(value, list) else [value]:
            number = person.get("id_number") if isinstance(person, Mapping) else None
            if isinstance(number, str) and number:
                found.add(secrets.digest(secrets.unseal(number)))
    return found


def related(case_id: int, kin: Iterable[str]) -> Asked:
    """A row where one of these people is of the case; in the shape of variables, to be asked together with them."""
    return _RELATED, {"of_case": case_id, "kin": list(kin)}


_RELATED = select(literal(DONE_SCOPE), literal(KIN), null(), null()).where(
    CasePerson.case_id == bindparam("of_case"), CasePerson.digest.in_(bindparam("kin", expanding=True))
)


def barred_cases(session: Session, kin: Iterable[str], cases: Iterable[int]) -> set[int]:
    """Which of these cases are about one of these people; no statement where nobody is named."""
    people = list(kin)
    if not people:
        return set()
    ours = CasePerson.case_id.in_(list(cases))
    return set(session.scalars(select(CasePerson.case_id).where(CasePerson.digest.in_(people), ours)))
