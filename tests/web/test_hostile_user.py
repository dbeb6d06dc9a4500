"""A hostile user tries every route of the application with every wrong identity, and gets and changes nothing.

``hostile_routes`` declares who may use each endpoint; a route that nobody declared fails. Wrong are: nobody signed in,
another citizen, the applicant at a caseworker's desk, somebody of another office with every role there is, somebody of
the office without any role, and whoever comes without the session's form token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select, text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from engine.cases.documents import Attachment, Document
from engine.cases.record import ElementInstance
from engine.commands import dispatch
from engine.commands.accounts import hash_password
from engine.commands.deputies import DeclareRelative, NameDeputies, Share
from engine.core import clock, ids
from engine.core.actor import Actor
from engine.core.db import Base, engine, reading, transaction
from engine.outside.ledger import CallRecord
from engine.registers.deputies import Relative
from engine.registers.notices import CitizenMessage
from engine.registers.offices import StaffUser
from tests.support.installation import FAMILY, ITEM, Installation, running
from tests.web.hostile_routes import ANYBODY, CITIZEN, HANDS, ROUTES, STAFF, May

EVERY_ROLE = (
    "acceptance", "first_review", "second_review", "approval", "finance", "finance_review",
    "supervisor", "admin", "analyst", "integrator",
)  # fmt: skip
ACCEPTED = {"accept_result": "accepted", "accept_opinion": "材料齐全"}
SUPPLEMENT = {"accept_result": "supplement", "supplement_items": ["income_proof"], "supplement_note": "缺单位公章"}
OTHER = "330106196511091117"
# No such thing; where it stands in an address nobody finds anything.
NOWHERE = 1
WRITES = ("POST", "PUT", "PATCH", "DELETE")
# Systems bring credentials or signatures of their own, no form token.
WITHOUT_TOKEN = ("inbound.receive", "api_oauth.create_token")


@dataclass
class World:
    """The office under attack: who is who, what stands for each part of an address, what must not be seen."""

    anju: Installation
    people: dict[str, Actor | None]
    values: dict[str, Any]
    words: list[str]

    def client(self, who: str) -> FlaskClient:
        return self.anju.client(self.people[who])


def hired(anju: Installation, login: str, office: str, roles: tuple[str, ...]) -> Actor:
    with transaction() as session:
        user = StaffUser(
            id=ids.new(), office_id=anju.office(office), login=login, name=login, password_hash=hash_password(login * 3)
        )
        user.roles = list(roles)
        session.add(user)
    return anju.staff(login)


@pytest.fixture(scope="module")
def world(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(filled, tmp_path_factory.mktemp("hostile") / "data") as anju:
        case_id = anju.apply().case_id
        anju.do(case_id, "accept", "liuyang", ACCEPTED)
        supplement_case = anju.apply(applicant={**FAMILY["applicant"], "id_number": OTHER}, co_applicants=[]).case_id
        anju.do(supplement_case, "accept", "liuyang", SUPPLEMENT)
        supplement_id = anju.tasks(supplement_case)["supplement"].id
        people = {
            "nobody": None,
            "applicant": anju.citizen(),
            "citizen": anju.citizen("19900000005"),
            "foreign": hired(anju, "foreign", "330105", EVERY_ROLE),
            "roleless": hired(anju, "roleless", "330106", ()),
            "right": hired(anju, "right", "330106", EVERY_ROLE),
        }
        week = {"from_at": clock.now(), "until_at": clock.now() + timedelta(days=7)}
        clerk = anju.staff("liuyang")
        [grant] = dispatch(NameDeputies(shares=(Share(anju.staff("wangmin").id),), **week), clerk)
        dispatch(DeclareRelative("某某", OTHER, "其他近亲属"), clerk)
        numbers = [anju.case(one).number for one in (case_id, supplement_case)]
        values = {**_values(case_id), "task_id": anju.tasks(case_id)["first_review"].id, "grant": grant}
        values |= {"supplement_id": supplement_id, "person_id": clerk.id, "principal_id": clerk.id}
        values["userTaskKey"] = values["task_id"]
        words = [*numbers, "林秋实", "周雨桐", "林小满", "何月英", "330106198803121014", "文二路 100 号"]
        yield World(anju, people, values, words)


def _values(case_id: int) -> dict[str, Any]:
    def first(session: Any, table: Any, *where: Any) -> int:
        return int(session.scalars(select(table.id).where(*where).order_by(table.id)).first() or NOWHERE)

    with reading() as session:
        found = {
            "file_id": first(session, Attachment, Attachment.case_id == case_id),
            "document_id": first(session, Document, Document.case_id == case_id),
            "record_id": first(session, CallRecord, CallRecord.case_id == case_id),
            "message_id": first(session, CitizenMessage),
            "elementInstanceKey": first(session, ElementInstance, ElementInstance.case_id == case_id),
            "relative_id": first(session, Relative),
        }
    return {
        **found,
        "case_id": case_id,
        "processInstanceKey": case_id,
        "item": ITEM,
        "code": "id_card",
        "verb": "transfer",
        "action": "suspend",
        "party": "police",
        "filename": "anju.css",
        "name": "police",
        "token": "nothing",
    }


def address(world: World, rule: Rule, may: May) -> str:
    """The address of a route: what is of our case stands where it can, else a number that leads nowhere."""
    values = {}
    for name in rule.arguments:
        stands = may.values.get(name, name)
        values[name] = world.values.get(stands, NOWHERE)
    if rule.endpoint == "migrations.act":
        values["action"] = "pause"
    with world.anju.app.test_request_context():
        adapter = world.anju.app.url_map.bind("localhost")
        return adapter.build(rule.endpoint, values, method=next(iter(rule.methods - {"HEAD", "OPTIONS"})))


def attack(world: World, who: str, method: str, path: str, token: str = "token") -> TestResponse:  # noqa: S107
    """One request with whatever such a form could hold."""
    client = world.client(who)
    answers = {"review_result": "pass", "review_opinion": "同意", "supplement_reply": "已补"}
    if path.startswith("/v2"):
        body = {"variables": {"review_result": "pass"}, "assignee": "foreign", "changeset": {"priority": 90}}
        headers = {"X-CSRF-Token": token} if token else {}
        given = None if method == "GET" else {} if path.endswith("search") else body
        return client.open(path, method=method, json=given, headers=headers, buffered=True)
    if method == "GET":
        return client.get(path, buffered=True)
    form = {
        "answers": json.dumps(answers), "version": "1", "reason": "没有理由", "text": "没有理由", "confirmed": "1",
        "variables": '{"a": 1}', "seen": "0", "action": "claim", "days": "3", "amount": "3", "title": "x",
        "task": world.values["task_id"], "to": world.values["person_id"],
    }  # fmt: skip
    return client.open(path, method=method, data={**form, **({"csrf_token": token} if token else {})}, buffered=True)


class Watch:
    """Whether the database changed: SQLite says whether anybody wrote at all, then the rows are compared."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._version, self._rows = self._now(), self._digests()

    def _now(self) -> int:
        return int(self._connection.execute(text("PRAGMA data_version")).scalar_one())

    def _digests(self) -> dict[str, str]:
        found = {}
        for table in Base.metadata.sorted_tables:
            rows = sorted(repr(tuple(row)) for row in self._connection.execute(table.select()))
            found[table.name] = sha256("\n".join(rows).encode()).hexdigest()
        self._connection.rollback()
        return found

    def changed(self) -> set[str]:
        """The tables whose rows are others than when last asked."""
        if self._now() == self._version:
            self._connection.rollback()
            return set()
        self._connection.rollback()
        before, self._rows, self._version = self._rows, self._digests(), self._now()
        self._connection.rollback()
        return {name for name, digest in self._rows.items() if digest != before[name]}


def wrong(may: May) -> dict[str, bool]:
    """Who tries without right, and whether somebody with that right would still find nothing of our case there."""
    if ANYBODY in may.who:
        return {}
    tried = {"nobody", "citizen", "applicant", "foreign", "roleless"}
    if CITIZEN in may.who:
        tried -= {"applicant"} | (set() if may.about else {"citizen"})
    if may.who == (CITIZEN,):
        tried |= {"foreign", "roleless"}
    elif STAFF in may.who:
        tried -= {"roleless"} | (set() if may.about else {"foreign"})
    elif not may.about:
        tried -= {"foreign"}
    return dict.fromkeys(sorted(tried), True)


def refused(answer: TestResponse) -> bool:
    """An error, or the way to a door."""
    door = answer.headers.get("Location", "")
    return answer.status_code >= 400 or any(part in door for part in ("/login", "/sign-in"))


def seen(world: World, answer: TestResponse, listed: bool) -> list[str]:
    """What of our case stands in an answer; in a list its keys too."""
    told = answer.get_data(as_text=True)
    keys = [str(world.values["case_id"]), str(world.values["task_id"])] if listed else []
    return [word for word in [*world.words, *keys] if word in told]


def rules(world: World) -> Iterator[tuple[Rule, str]]:
    """Every declared route with every method of it."""
    for rule in sorted(world.anju.app.url_map.iter_rules(), key=lambda one: (one.endpoint, str(one))):
        if rule.endpoint not in ROUTES:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def test_every_route_is_declared_and_nothing_else(world: World) -> None:
    endpoints = {rule.endpoint for rule in world.anju.app.url_map.iter_rules()}
    assert endpoints - ROUTES.keys() == set(), "declare who may use these in tests/web/hostile_routes.py"
    assert ROUTES.keys() - endpoints == set(), "these routes are gone"


def test_whoever_has_no_right_gets_nothing_and_changes_nothing(world: World) -> None:
    failures = []
    with engine().connect() as connection:
        watch = Watch(connection)
        for rule, method in rules(world):
            may = ROUTES[rule.endpoint]
            path = address(world, rule, may)
            for who in wrong(may):
                answer = attack(world, who, method, path)
                # Where there is nothing at all, a way back to the list is as good as an error.
                if not refused(answer) and (may.there or answer.status_code < 300):
                    failures.append(f"{who} {method} {path} → {answer.status_code}")
                # Whoever works in the office may know of the case, not act on it.
                if who != "roleless" and (found := seen(world, answer, not rule.arguments)):
                    failures.append(f"{who} {method} {path} shows {found}")
                if tables := watch.changed():
                    failures.append(f"{who} {method} {path} changed {sorted(tables)}")
    assert not failures, "\n".join(failures)


def test_whoever_may_use_a_page_finds_nothing_of_another_office_or_person_there(world: World) -> None:
    failures = []
    with engine().connect() as connection:
        watch = Watch(connection)
        for rule, method in rules(world):
            may = ROUTES[rule.endpoint]
            path = address(world, rule, may)
            for who in {"nobody", "citizen", "foreign", "roleless"} - wrong(may).keys():
                answer = attack(world, who, method, path)
                if who != "roleless" and (found := seen(world, answer, not rule.arguments)):
                    failures.append(f"{who} {method} {path} shows {found}")
                if (tables := watch.changed()) and not may.own:
                    failures.append(f"{who} {method} {path} changed {sorted(tables)}")
    assert not failures, "\n".join(failures)


def test_without_the_forms_token_nobody_changes_anything(world: World) -> None:
    failures = []
    with engine().connect() as connection:
        watch = Watch(connection)
        for rule, method in rules(world):
            if method not in WRITES or rule.endpoint in WITHOUT_TOKEN:
                continue
            path = address(world, rule, ROUTES[rule.endpoint])
            for who, token in (("right", ""), ("right", "guessed"), ("applicant", "")):
                answer = attack(world, who, method, path, token)
                if not refused(answer):
                    failures.append(f"{who} {method} {path} → {answer.status_code}")
                if tables := watch.changed():
                    failures.append(f"{who} {method} {path} changed {sorted(tables)}")
    assert not failures, "\n".join(failures)


def test_the_same_addresses_work_for_whoever_may(world: World) -> None:
    failures = []
    for rule, method in rules(world):
        may = ROUTES[rule.endpoint]
        if method != "GET" or not may.there or HANDS in may.who:
            continue
        who = "applicant" if CITIZEN in may.who else "right"
        path = address(world, rule, may)
        answer = attack(world, who, method, path)
        if answer.status_code >= 400 or refused(answer):
            failures.append(f"{who} {method} {path} → {answer.status_code}")
    assert not failures, "\n".join(failures)
