"""What a path expects: at a moment of its walk, and in the end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import feel
from engine.cases.documents import Document
from engine.commands.files import document_html
from engine.core import clock
from engine.core.db import reading
from engine.files.documents import text_of
from engine.queries import verify
from engine.registers.households import Eligibility, EligibilityChange, Household, HouseholdMember, WaitingEntry
from engine.registers.notices import CitizenMessage
from tests.items import clock_steps

if TYPE_CHECKING:
    from tests.items.walker import Walker


def same(actual: Any, expected: Any) -> bool:
    """Equal as JSON; a date of YAML is its ISO text."""
    if isinstance(expected, date):
        expected = expected.isoformat()
    return bool(feel.to_json(actual) == expected)


class Expect:
    """What must be true at a moment of the path."""

    def __init__(self, walker: Walker) -> None:
        self.walker, self.anju = walker, walker.anju

    def check(self, expected: Mapping[str, Any]) -> None:
        for key, value in expected.items():
            getattr(self, key)(value)

    def open(self, expected: list[str]) -> None:
        found = sorted(self.anju.tasks(self.walker.case_id))
        assert found == sorted(expected), f"open {found}; {self.anju.stuck(self.walker.case_id)}"

    def clock(self, expected: str) -> None:
        stopped = self.anju.case(self.walker.case_id).clock_stopped_since is not None
        assert ("stopped" if stopped else "running") == expected

    def due(self, expected: date) -> None:
        assert self.anju.case(self.walker.case_id).due_on == expected

    def alarms(self, expected: Mapping[str, str]) -> None:
        tasks = self.anju.tasks(self.walker.case_id)
        assert {element: task.alarm for element, task in tasks.items()} == dict(expected)

    def warned(self, expected: list[str]) -> None:
        found = clock_steps.warned(self.walker)
        assert len(found) == len(expected), found
        assert all(text in line for text, line in zip(expected, found, strict=True)), found

    def stage(self, expected: str) -> None:
        assert self.anju.case(self.walker.case_id).stage == expected

    def variables(self, expected: Mapping[str, Any]) -> None:
        context = self.walker.variables()
        for text, value in expected.items():
            actual = feel.evaluate(text, context)
            assert same(actual, value), f"{text} is {feel.to_json(actual)!r}, not {value!r}"

    def notice(self, expected: Mapping[str, Any]) -> None:
        notice = self.walker.notice()
        if "state" in expected:
            assert notice.state == expected["state"]
        if "days" in expected:
            last = clock.local(notice.ends_at - timedelta(seconds=1)).date()
            first = clock.local(notice.published_at).date()
            assert self.walker.calendar().between(first, last) == expected["days"]
        for text in expected.get("text", []):
            assert text in notice.title + notice.body, f"{text} is not in the notice: {notice.body}"


class Then:
    """What must be true in the end."""

    def __init__(self, walker: Walker) -> None:
        self.walker, self.anju = walker, walker.anju

    def check(self, expected: Mapping[str, Any]) -> None:
        for key, value in expected.items():
            getattr(self, key)(value)
        case = self.anju.case(self.walker.case_id)
        assert case.state == "closed", self.anju.stuck(case.id)

    def outcome(self, expected: str) -> None:
        case = self.anju.case(self.walker.case_id)
        assert case.outcome == expected, self.anju.stuck(case.id)

    def variables(self, expected: Mapping[str, Any]) -> None:
        Expect(self.walker).variables(expected)

    def _papers(self) -> dict[str, str]:
        """What was issued, by template; several papers of one template are read as one."""
        with reading() as session:
            rows = session.scalars(
                select(Document).where(Document.case_id == self.walker.case_id, Document.state == "issued")
            ).all()
        papers: dict[str, str] = {}
        for row in rows:
            told = _plain(text_of(document_html(row.id, self.walker.case_id)))
            papers[row.template] = papers.get(row.template, "") + told
        return papers

    def documents(self, expected: Mapping[str, list[str]]) -> None:
        papers = self._papers()
        assert sorted(papers) == sorted(expected), f"issued {sorted(papers)}"
        for template, texts in expected.items():
            for text in texts:
                assert _plain(text) in papers[template], f"{text} is not in {template}: {papers[template]}"

    def absent(self, expected: Mapping[str, list[str]]) -> None:
        papers = self._papers()
        for template, texts in expected.items():
            for text in texts:
                assert _plain(text) not in papers[template], f"{text} is in {template}"

    def registers(self, expected: Mapping[str, Any]) -> None:
        for name, fields in expected.items():
            row = getattr(self, f"_{name}")()
            if fields is None:
                assert row is None, f"{name} has {row}"
                continue
            assert row is not None, f"{name} has no row"
            for field, value in fields.items():
                assert row[field] == value, f"{name}.{field} is {row[field]}"

    def _household(self) -> dict[str, Any] | None:
        with reading() as session:
            household = session.scalar(select(Household).where(Household.case_id == self.walker.subject_id))
            if household is None:
                return None
            members = session.scalars(select(HouseholdMember).where(HouseholdMember.household_id == household.id)).all()
        return {"members": len(members), "size": household.size}

    def _eligibility(self) -> dict[str, Any] | None:
        with reading() as session:
            row = session.scalar(select(Eligibility).where(Eligibility.case_id == self.walker.subject_id))
        if row is None:
            return None
        until = row.valid_until.isoformat()
        return {"state": row.state, "support_mode": row.support_mode, "basis": row.basis, "valid_until": until}

    def _change(self) -> dict[str, Any] | None:
        """What this case made of the eligibility."""
        with reading() as session:
            row = session.scalar(select(EligibilityChange).where(EligibilityChange.case_id == self.walker.case_id))
        return None if row is None else {"kind": row.kind, "before": row.before, "after": row.after}

    def standing(self, expected: str) -> None:
        """Whether the paper that was looked at again is still valid, as anybody who verifies it is told."""
        number = self.walker.variables()["original"]["document_number"]
        with reading() as session:
            code = session.scalars(select(Document.check_code).where(Document.number == number)).one()
            paper = verify.by_code(session, code)
            newest = session.scalars(
                select(Document.number).where(Document.case_id == self.walker.case_id).order_by(Document.id.desc())
            ).first()
        assert paper is not None
        told = (paper.standing or "valid", paper.ended_by)
        assert told == (expected, newest if paper.standing else "")

    def _waiting(self) -> dict[str, Any] | None:
        with reading() as session:
            row = session.scalar(
                select(WaitingEntry)
                .join(Eligibility, Eligibility.id == WaitingEntry.eligibility_id)
                .where(Eligibility.case_id == self.walker.subject_id)
            )
        return None if row is None else {"support_mode": row.support_mode, "number": row.number, "state": row.state}

    def sms(self, expected: list[str]) -> None:
        state = self.anju.simulators.state
        phone = (
            self.walker.given["start"]["applicant"].get("phone")
            or self.walker.people[self.walker.given["start"]["applicant"]["name"]]["phone"]
        )
        with state.lock:
            sent = [one["template"] for one in state.shelf("sms") if one["phone"] == phone]
        assert sent == expected

    def inbox(self, expected: list[str]) -> None:
        with reading() as session:
            titles = session.scalars(
                select(CitizenMessage.title)
                .where(
                    CitizenMessage.case_id == self.walker.case_id,
                    CitizenMessage.account_id == self.walker.applicant.id,
                )
                .order_by(CitizenMessage.id)
            ).all()
        assert list(titles) == expected

    def elapsed_at_most(self, expected: str) -> None:
        limit = int(expected.split()[0])
        case = self.anju.case(self.walker.case_id)
        assert case.clock_from is not None
        assert case.due_on is not None
        assert case.closed_at is not None
        calendar = self.walker.calendar()
        stopped = calendar.between(case.clock_from, case.due_on) - case.clock_days
        elapsed = calendar.between(case.clock_from, clock.local(case.closed_at).date()) - stopped
        assert elapsed <= limit, f"{elapsed} working days"


def _plain(text: str) -> str:
    """Without blanks: line ends of a page are no part of what it says."""
    return "".join(text.split())
