"""A town's rows for the bench: forty offices in a tree, their people, open tasks and a great many finished ones."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from engine.commands import dispatch
from engine.commands.inbox import SaveView
from engine.core import clock, db, ids, secrets
from engine.core.actor import Actor
from engine.registers.offices import Office, StaffUser, staff_actor

OFFICES = 40
ROLES = ("acceptance", "first_review", "second_review", "applicant")

# A rare one comes last: few rows of a town hold what it asks for.
VIEWS: tuple[tuple[str, dict[str, list[str]]], ...] = (
    ("初审中", {"step": ["first_review"], "role": ["first_review"]}),
    ("本周到期", {"due": ["late", "today", "soon"]}),
    ("窗口来的", {"channel": ["counter"], "assignee": ["free"]}),
    ("久等", {"created": ["older7"], "assignee": ["free", "others"]}),
    ("未读", {"mark": ["unread"], "item": ["bench/two_reviews"]}),
    ("被催办", {"mark": ["urged"], "priority": ["high"]}),
)


def name_views(actor: Actor) -> int:
    """Give somebody's office the views; gives the id of the last."""
    made = [dispatch(SaveView(title, filters, shared=True), actor) for title, filters in VIEWS]
    return int(made[-1])


class Town:
    """Forty offices, their people, their cases. ``set_up`` has made the first office, eight people and the item."""

    def __init__(self, first: int) -> None:
        self._random = random.Random(7)  # noqa: S311  rows to measure on
        self._cases: list[int] = []
        with db.transaction() as session:
            self.release = session.execute(text("SELECT id FROM release")).scalar_one()
            top = Office(id=ids.new(), code="330000", name="安居市住房保障中心", division="330100")
            top.path = f"/{top.id}/"
            session.add(top)
            session.flush()
            district = session.get_one(Office, first)
            district.parent_id, district.path = top.id, f"{top.path}{district.id}/"
            self.offices = [first]
            for number in range(1, OFFICES - 1):
                one = Office(id=ids.new(), code=f"3301{number:02d}9", name=f"第{number}住房保障所", division="330100")
                one.parent_id, one.path = top.id, f"{top.path}{one.id}/"
                session.add(one)
                self.offices.append(one.id)
            some = session.scalars(select(StaffUser).where(StaffUser.login == "bench0")).one()
            self.clerk = some.id
            head = StaffUser(id=ids.new(), office_id=top.id, login="head", name="主任", title="主任")
            head.password_hash, head.roles = some.password_hash, list(ROLES[:3])
            session.add(head)
        self.views = {who.key: name_views(who) for who in (self.actor("bench0"), self.actor("head"))}
        self.staff = [f"staff:{self.clerk}", *(f"staff:{ids.new()}" for _ in range(3 * OFFICES))]

    def actor(self, login: str) -> Actor:
        """Whoever signs in by this name."""
        with db.reading() as session:
            user = session.scalars(select(StaffUser.id).where(StaffUser.login == login)).one()
            actor = staff_actor(session, user)
        assert actor is not None
        return actor

    def some_case(self) -> int:
        """A case that the clerk may see."""
        return self._random.choice(self._cases)

    def fill(self, open_tasks: int, finished: int) -> None:
        """Copy in cases with an open task each, and finished cases with four finished tasks each; then analyse."""
        now, today = clock.now(), clock.today()
        name = secrets.seal("林秋实")
        cases: list[dict[str, Any]] = []
        tasks: list[dict[str, Any]] = []
        jobs: list[dict[str, Any]] = []
        for number in range(open_tasks):
            office = self._random.choice(self.offices)
            case_id, role = ids.new(), self._random.choice(ROLES)
            due = None if role in ("acceptance", "applicant") else today + timedelta(days=self._random.randint(-3, 12))
            whose = self.staff[0] if office == self.offices[0] else self._random.choice(self.staff[1:])
            taken = whose if self._random.random() < 0.3 and role != "applicant" else ""
            at = now - timedelta(minutes=self._random.randint(1, 20_000))
            cases.append(self._case(case_id, office, name, at, due, "open", f"O{len(self._cases)}-{case_id}"))
            tasks.append(self._task(case_id, office, role, taken, due, at, "open", None))
            if office == self.offices[0]:
                self._cases.append(case_id)
            if number % 2 == 0:
                # A worker keeps up: few are due at any moment, however many wait.
                late = len(jobs) < 20 and not self._cases[1000:]
                jobs.append(self._timer(case_id, now + timedelta(hours=-1 if late else self._random.randint(1, 2000))))
        for _ in range(finished // 4):
            office, case_id = self._random.choice(self.offices), ids.new()
            at = now - timedelta(days=self._random.randint(1, 700))
            cases.append(self._case(case_id, office, name, at, None, "closed", f"F-{case_id}"))
            tasks += [
                self._task(case_id, office, self._random.choice(ROLES[:3]), who, None, at, "done", at)
                for who in self._random.sample(self.staff, 4)
            ]
        for table, rows in (("case_file", cases), ("task", tasks), ("job", jobs)):
            self._copy(table, rows)
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))

    def _case(
        self, id_: int, office: int, name: str, at: datetime, due: Any, state: str, number: str
    ) -> dict[str, Any]:
        return {
            "id": id_,
            "office_id": office,
            "item": "bench/two_reviews",
            "item_name": "测量用事项",
            "release_id": self.release,
            "process_id": "bench_two_reviews",
            "number": number,
            "channel": "counter",
            "subject_name": name,
            "state": state,
            "stage": "审核",
            "outcome": "granted" if state == "closed" else "",
            "opened_at": at,
            "applied_on": at.date(),
            "accepted_at": at,
            "clock_days": 10,
            "due_on": due,
        }

    def _task(
        self, case_id: int, office: int, role: str, who: str, due: Any, at: datetime, state: str, done_at: Any
    ) -> dict[str, Any]:
        return {
            "id": ids.new(),
            "case_id": case_id,
            "office_id": office,
            "token": str(case_id),
            "process_id": "bench_two_reviews",
            "item": "bench/two_reviews",
            "channel": "counter",
            "element_id": "first_review",
            "name": "初审",
            "stage": "审核",
            "role": role,
            "assignee": who,
            "form_id": "bench_two_reviews_review",
            "state": state,
            "due_on": due,
            "created_at": at,
            "urged": 1 if self._random.random() < 0.002 else 0,
            "priority": 80 if self._random.random() < 0.05 else 50,
            "done_at": done_at,
            "done_by": who if state == "done" else "",
            "done_by_name": "经办" if state == "done" else "",
        }

    def _timer(self, case_id: int, due: datetime) -> dict[str, Any]:
        return {"id": ids.new(), "case_id": case_id, "token": str(case_id), "kind": "timer", "due_at": due}

    def _copy(self, table: str, rows: list[dict[str, Any]]) -> None:
        """COPY; what a row does not say is the column's default of the model."""
        model = db.Base.metadata.tables[table]
        columns = [column for column in model.columns if column.name in rows[0] or not column.nullable]
        fixed = {column.name: _default(column) for column in columns if column.name not in rows[0]}
        names = ", ".join(column.name for column in columns)
        with db.transaction() as session:
            driver: Any = session.connection().connection.driver_connection
            with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row([row.get(column.name, fixed.get(column.name)) for column in columns])


def _default(column: Any) -> Any:
    """The value of a column that a row does not say."""
    if column.default is not None and column.default.is_scalar:
        return column.default.arg
    if column.default is not None:
        made = column.default.arg(None)
        return "{}" if made == {} else "[]" if made == [] else made
    return {"created_at": clock.now()}.get(column.name, "")
