"""Walks one path of a ``paths.yaml`` through a running installation. The vocabulary stands at the top of that file."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pypdf import PdfWriter
from sqlalchemy import func, select, update

from engine.cases import final, reviews
from engine.cases.case import Case
from engine.cases.work import Task
from engine.catalog import releases
from engine.commands import dispatch
from engine.commands.accounts import RegisterCitizen, RequestCode
from engine.commands.cases import CaseStarted, CloseNoticeEarly, FileObjection, StartCase, WithdrawCase
from engine.commands.incidents import RetryIncident
from engine.commands.reviews import OpenReview
from engine.commands.tasks import CompleteTask
from engine.core import clock, secrets, workdays
from engine.core.actor import SYSTEM, Actor
from engine.core.db import reading, transaction
from engine.core.errors import AnjuError
from engine.jobs.queue import Job
from engine.outside.ledger import PendingAnswer
from engine.registers.accounts import CitizenAccount, by_phone
from engine.registers.calendars import calendars
from engine.registers.notices import Notice
from tests.items import clock_steps
from tests.items.expectations import Expect, Then
from tests.support.installation import Installation

LOGINS = {
    "acceptance": "liuyang",
    "first_review": "wangmin",
    "second_review": "chenhao",
    "approval": "zhaoling",
    "supervisor": "sunqiang",
}
# Long enough for a callback; a lost one is asked for afterwards.
CALLBACK_SECONDS = 0.6
NEIGHBOUR = "19900000002"


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are merged level by level, anything else replaces."""
    merged = dict(deepcopy(base))
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else deepcopy(value)
    return merged


def small_pdf() -> bytes:
    """A PDF of one blank page."""
    writer, buffer = PdfWriter(), io.BytesIO()
    writer.add_blank_page(200, 200)
    writer.write(buffer)
    return buffer.getvalue()


class Walker:
    """One path, from the application to what must then be true."""

    def __init__(self, anju: Installation, item: str, given: Mapping[str, Any], path: Mapping[str, Any]) -> None:
        self.anju, self.item, self.path = anju, item, path
        self.given = merge(given, {key: path[key] for key in ("at", "start", "about") if key in path})
        self.people = {person["name"]: person for person in anju.simulators.state.people.values()}
        self.done_by: dict[str, Actor] = {}
        self.notice_days: dict[int, int] = {}
        self.applicant: Actor
        self.case_id = 0
        # The case whose registers and papers are looked at: one's own, or the one this is about.
        self.subject_id = 0

    def walk(self) -> None:
        """Do all of it; raises ``AssertionError`` where the path does not hold."""
        moment = datetime.strptime(str(self.given["at"]), "%Y-%m-%d %H:%M").replace(tzinfo=clock.SHANGHAI)
        clock.move_frozen(moment)
        for switch in self.path.get("switch", []):
            self.switch(**switch)
        self.start()
        self.settle()
        for step in self.path.get("steps", []):
            self.step(step)
            self.settle()
        Then(self).check(self.path["then"])

    # --- the beginning ---

    def start(self) -> None:
        """Apply as the named person with every visible material, or begin about a decided case."""
        if "about" in self.given:
            self.review()
            return
        answers = deepcopy(self.given["start"])
        person = answers["applicant"]
        self._fill(person)
        for member in answers.get("co_applicants") or []:
            self._fill(member)
        self.applicant = self.citizen(person["name"], person["phone"], person["id_number"])
        with reading() as session:
            release = releases.view(session, releases.current_id(session, self.item))
        self._attach(answers, release.form(release.item.start_form))
        started: CaseStarted = dispatch(StartCase(self.item, answers, "portal", self.anju.office()), self.applicant)
        self.case_id = self.subject_id = started.case_id

    def review(self) -> None:
        """Let the caseworker of the item's role look again at the newest paper of the only decided case."""
        with reading() as session:
            about = releases.view(session, releases.current_id(session, self.item)).item.about
            assert about is not None
            original = session.scalars(select(Case).where(Case.item == self.given["about"]["item"])).one()
            paper = reviews.reviewable(session, original.id, about["documents"])[0]
            phone = session.get_one(CitizenAccount, int(original.applicant_key.partition(":")[2])).phone
        self.applicant = self.anju.citizen(phone)
        self.given["start"] = {"applicant": {"name": self.applicant.name, "phone": phone}}
        self.subject_id = original.id
        command = OpenReview(original.id, self.item, paper.id)
        self.case_id = dispatch(command, self.anju.staff(LOGINS[about["role"]])).case_id

    def _fill(self, person: dict[str, Any]) -> None:
        known = self.people.get(person["name"], {})
        person.setdefault("id_kind", "resident_id")
        person.setdefault("id_number", known.get("id_number"))
        if "phone" not in person and known.get("phone"):
            person["phone"] = known["phone"]

    def _attach(self, answers: dict[str, Any], form: Any) -> None:
        """A small PDF for every file field; what the form hides it drops by itself."""
        for field in form.fields:
            if field.type == "aj-file":
                answers.setdefault(field.key, self.anju.upload(self.applicant, field.key, small_pdf()))

    def citizen(self, name: str, phone: str, id_number: str) -> Actor:
        """The account of a person, opened with a code where there is none."""
        with reading() as session:
            account = by_phone(session, phone)
        if account is None:
            code = dispatch(RequestCode(phone), SYSTEM)
            dispatch(RegisterCitizen(phone, code, name, "resident_id", id_number), SYSTEM)
        return self.anju.citizen(phone)

    # --- steps ---

    def step(self, step: Mapping[str, Any]) -> None:
        """One step of the vocabulary; any other key is a user task."""
        verbs: dict[str, Callable[[Any], None]] = {
            "until": self.until,
            "just_before": self.just_before,
            "wait": self.wait,
            "objection": self.objection,
            "close_early": self.close_early,
            "withdraw": lambda _: dispatch(WithdrawCase(self.case_id), self.applicant),
            "incident": self.incident,
            "retry": self.retry,
            "switch": lambda given: self.switch(**given),
            "extension": lambda given: clock_steps.extend(self, **given),
            "expect": self.expect,
        }
        verb = next(key for key in step if key not in ("as", "refused"))
        if verb in verbs:
            verbs[verb](step[verb])
        elif "refused" in step:
            self.refused(verb, step)
        else:
            self.complete(verb, step[verb], self.who(verb, step.get("as")))

    def who(self, element_id: str, like: str | None = None) -> Actor:
        """Who does a task. ``like`` names a step: its person tries, given every role, so that only the person bars."""
        if like is not None:
            return replace(self.done_by[like], roles=frozenset(LOGINS))
        task = self.task(element_id)
        return self.applicant if task.role == "applicant" else self.anju.staff(LOGINS[task.role])

    def person(self, role: str) -> Actor:
        """The demo's caseworker of a role."""
        return self.anju.staff(LOGINS[role])

    def task(self, element_id: str) -> Task:
        tasks = self.anju.tasks(self.case_id)
        assert element_id in tasks, f"{element_id} is not open: {sorted(tasks)}; {self.anju.stuck(self.case_id)}"
        return tasks[element_id]

    def complete(self, element_id: str, answers: Mapping[str, Any], actor: Actor) -> None:
        task = self.task(element_id)
        with reading() as session:
            form = releases.view(session, session.get_one(Case, self.case_id).release_id).form(task.form_id)
        filled = dict(deepcopy(answers))
        for field in form.fields:
            if field.type == "aj-file":
                filled.setdefault(field.key, self.anju.upload(actor, field.key, small_pdf()))
        dispatch(CompleteTask(task.id, filled, task.version), actor)
        self.done_by[element_id] = actor

    def refused(self, element_id: str, step: Mapping[str, Any]) -> None:
        before = self.anju.case(self.case_id).version
        with pytest.raises(AnjuError) as caught:
            self.complete(element_id, step[element_id], self.who(element_id, step.get("as")))
        assert caught.value.code == step["refused"], caught.value.message
        assert self.anju.case(self.case_id).version == before

    def _timer(self, element_id: str) -> datetime:
        with reading() as session:
            due = session.scalar(
                select(Job.due_at).where(Job.case_id == self.case_id, Job.kind == "timer", Job.element_id == element_id)
            )
        assert due is not None, f"no timer {element_id} waits; {self.anju.stuck(self.case_id)}"
        return due

    def until(self, element_id: str) -> None:
        clock.move_frozen(self._timer(element_id))

    def just_before(self, element_id: str) -> None:
        clock.move_frozen(self._timer(element_id) - timedelta(minutes=1))
        self.settle()
        self._timer(element_id)

    def wait(self, text: str) -> None:
        count, _, unit = text.partition(" ")
        days = int(count)
        if unit == "working days":
            today = clock.today()
            days = (self.calendar().add(today, days) - today).days
        clock.move_frozen(clock.now() + timedelta(days=days))

    def calendar(self) -> workdays.WorkCalendar:
        with reading() as session:
            return calendars(session).common

    def notice(self) -> Notice:
        with reading() as session:
            return session.scalars(select(Notice).where(Notice.case_id == self.case_id)).one()

    def objection(self, given: Mapping[str, Any]) -> None:
        neighbour = self.citizen("周雨桐", NEIGHBOUR, "330106199007251023")
        dispatch(FileObjection(self.notice().id, "周雨桐", NEIGHBOUR, given["reason"]), neighbour)

    def close_early(self, _given: Any) -> None:
        dispatch(CloseNoticeEarly(self.notice().id), self.anju.staff(LOGINS["approval"]))

    def incident(self, element_id: str) -> None:
        found = self.anju.incidents(self.case_id)
        assert element_id in {one.element_id for one in found}, f"no incident at {element_id}: {found}"

    def retry(self, element_id: str) -> None:
        for one in self.anju.incidents(self.case_id):
            if one.element_id == element_id:
                dispatch(RetryIncident(one.id), self.anju.staff(LOGINS["supervisor"]))

    def switch(self, party: str, person: str, scenario: str, times: int | None = None) -> None:
        known = self.people[person]
        subject = known["phone"] if party == "sms" else known["id_number"]
        self.anju.simulators.state.switch(party, subject, scenario, times)

    def expect(self, expected: Mapping[str, Any]) -> None:
        self.settle()
        Expect(self).check(expected)

    # --- letting things happen ---

    def settle(self) -> None:
        """Do whatever goes on by itself. Pauses between attempts are skipped; the lawful clock stands still."""
        for _ in range(40):
            self.anju.drain()
            if not self._calls_wait():
                return
            self._await_callback()
            self._hurry()
        raise AssertionError("outside calls never end")

    def _calls_wait(self) -> bool:
        with reading() as session:
            waiting = select(func.count()).select_from(Job)
            return bool(
                session.scalar(waiting.where(Job.case_id == self.case_id, Job.kind == "call", Job.state == "ready"))
            )

    def _await_callback(self) -> None:
        """A party that promised an answer gets real time to call back."""
        limit = time.monotonic() + CALLBACK_SECONDS
        while time.monotonic() < limit:
            with reading() as session:
                open_ = select(func.count()).select_from(PendingAnswer)
                asked = open_.where(PendingAnswer.case_id == self.case_id, PendingAnswer.answered_at.is_(None))
                if not session.scalar(asked):
                    return
            time.sleep(0.02)

    def _hurry(self) -> None:
        with transaction() as session:
            session.execute(
                update(Job)
                .where(Job.case_id == self.case_id, Job.kind == "call", Job.state == "ready")
                .values(due_at=clock.now())
            )

    def variables(self) -> dict[str, Any]:
        """The process variables, personal ones in clear."""
        with reading() as session:
            found = final.variables(session, session.get_one(Case, self.case_id))
            clear: dict[str, Any] = secrets.unseal_tree(found["0"])
            return clear
