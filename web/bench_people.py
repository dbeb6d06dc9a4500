"""The item and the people of the load measured: eight caseworkers of one office, each at a browser of their own."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from engine.commands import dispatch, publish
from engine.commands.accounts import hash_password
from engine.core import db, idnum, ids
from engine.core.actor import SYSTEM
from engine.core.errors import Refused
from engine.registers.offices import Office, StaffUser

FILES = Path(__file__).parent / "data" / "bench"
ITEM = "bench/two_reviews"
PLACES = {".yaml": "processes", ".bpmn": "processes", ".form": "forms", ".dmn": "rules"}
PASSWORD = "anju-bench-1"  # noqa: S105  of a database that lives for a minute
PEOPLE = 8
ROLES = ["acceptance", "first_review", "second_review"]


def files() -> dict[str, bytes]:
    """The item measured, as publishing takes it."""
    return {
        f"{PLACES[path.suffix]}/{ITEM}/{path.name}": path.read_bytes()
        for path in sorted(FILES.iterdir())
        if path.suffix in PLACES
    }


def set_up() -> int:
    """An office with eight caseworkers and the item published; gives the office's id."""
    hashed = hash_password(PASSWORD)
    with db.transaction() as session:
        office = Office(id=ids.new(), code="330106", name="西湖区住房保障所", division="330106")
        office.path = f"/{office.id}/"
        session.add(office)
        session.flush()
        for number in range(PEOPLE):
            session.add(
                StaffUser(
                    id=ids.new(),
                    office_id=office.id,
                    login=f"bench{number}",
                    name=f"经办{number}",
                    title="经办",
                    password_hash=hashed,
                    roles=ROLES,
                )
            )
    dispatch(publish.PublishItem(ITEM, files()), SYSTEM)
    return office.id


def application_of(number: int, income: int = 4200, household: int = 3) -> dict[str, object]:
    """What an applicant of ours types; everybody once. From 20,000 on as many review it as the household has."""
    day, serial = divmod(number, 900)
    first = f"33010619{60 + day // 336:02d}{1 + day // 28 % 12:02d}{1 + day % 28:02d}{serial:03d}"
    return {
        "applicant": {"name": "林秋实", "id_number": first + idnum.check_char(first), "phone": "19900000001"},
        "household_size": household,
        "monthly_income": income,
        "housing_area": 38,
        "address": "安居市西湖区文二路 100 号 1 幢 301 室",
        "request": "本人家庭在本市无自有住房，现与父母合住，申请公共租赁住房。",
    }


class Person:
    """One caseworker's browser on one of the web processes: a kept connection, a session, its form token."""

    def __init__(self, port: int, login: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookie, self._token = "", ""
        page = self.get("/login")
        self._take_token(page)
        status, _, cookie = self._send("POST", "/login", {"login": login, "password": PASSWORD})
        if status not in (302, 303) or not cookie:
            raise Refused("测量时无法登录", code="bench_stuck")
        # Kept as it is: a browser would show each message once and drop it.
        self._cookie = cookie
        self._take_token(self.get("/inbox"))

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def get(self, path: str) -> str:
        """A page. Raises ``Refused`` where it does not come."""
        status, body, cookie = self._send("GET", path)
        if status != 200:
            raise Refused(f"测量时页面 {path} 得到 {status}", code="bench_stuck")
        self._cookie = self._cookie or cookie
        return body

    def post(self, path: str, form: dict[str, str]) -> int:
        """Hand a form in; gives the status."""
        return self._send("POST", path, form)[0]

    def complete(self, task_id: int, answers: dict[str, str], version: int = 1) -> int:
        """Hand a task's form in."""
        return self.post(f"/tasks/{task_id}", {"version": str(version), "answers": json.dumps(answers)})

    def apply(self, answers: dict[str, object]) -> int:
        """Hand an application in at the counter."""
        return self.post(f"/counter/apply/{ITEM}", {"channel": "counter", "answers": json.dumps(answers)})

    def _take_token(self, page: str) -> None:
        self._token = token_of(page)

    def _send(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        headers = {"Cookie": self._cookie} if self._cookie else {}
        body = None
        if form is not None:
            body = urlencode({"csrf_token": self._token, **form})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode(), (answer.getheader("Set-Cookie") or "").partition(";")[0]


@contextmanager
def visiting(port: int, number: int) -> Iterator[Person]:
    """One of the eight at work on a web process."""
    person = Person(port, f"bench{number}")
    try:
        yield person
    finally:
        person.close()


def token_of(page: str) -> str:
    """The form token of a page. Raises ``Refused`` where there is no form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    if found is None:
        raise Refused("测量时页面上没有表单", code="bench_stuck")
    return found[1]
