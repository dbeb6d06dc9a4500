"""The demo's offices, people and first applications; loaded once, made by the same commands as real ones."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
from sqlalchemy import func, select

from engine.commands import dispatch, publish
from engine.commands.accounts import hash_password
from engine.commands.calendar import ImportCalendar
from engine.commands.clients import NewClient
from engine.core import clock, demo_clock, ids, secrets
from engine.core.actor import SYSTEM
from engine.core.config import ROOT
from engine.core.db import reading, transaction
from engine.registers.accounts import CitizenAccount
from engine.registers.calendars import OfficeDay
from engine.registers.offices import Office, StaffUser
from web.app import Parts

PASSWORD = "anju-demo"  # noqa: S105  printed on the screen at every start

OFFICES = (
    ("330000", None, "安居市住房保障中心", "330100"),
    ("330106", "330000", "西湖区住房保障所", "330106"),
    ("330105", "330000", "拱墅区住房保障所", "330105"),
)
STAFF = (
    ("liuyang", "刘洋", "受理岗", "330106", ["acceptance"]),
    ("wangmin", "王敏", "初审岗", "330106", ["first_review"]),
    ("chenhao", "陈浩", "复审岗", "330106", ["second_review"]),
    ("zhaoling", "赵玲", "审批岗", "330106", ["approval"]),
    ("sunqiang", "孙强", "主管", "330000", ["supervisor", "admin", "analyst", "acceptance"]),
    ("qianhui", "钱慧", "会计岗", "330106", ["finance"]),
    ("wulei", "吴磊", "出纳岗", "330106", ["finance_review"]),
    ("zhoujie", "周洁", "拱墅受理岗", "330105", ["acceptance", "first_review"]),
)
# Who calls the API of a demo that was switched to ask for no credentials (ANJU_API_OPEN).
API_CLIENT, API_ROLES = "demo", ("integrator", "acceptance", "analyst", "supervisor")
# Citizens of the simulators' seeded people: name, resident ID, phone.
CITIZENS = (
    ("林秋实", "330106198803121014", "19900000001"),
    ("孙伯年", "330106196511091117", "19900000005"),
)


def load(parts: Parts) -> list[tuple[str, str, str]]:
    """Fill an empty database and publish what the folders say; gives (login, name, title) of the staff."""
    with reading() as session:
        demo_clock.follow(session)
        empty = not session.scalar(select(func.count()).select_from(Office))
    if empty:
        _offices_and_people()
    _calendar()
    for item in publish.items(ROOT):
        dispatch(publish.PublishItem(item, publish.collect(ROOT, item)), SYSTEM)
    return [(login, name, title) for login, name, title, _, _ in STAFF]


def _offices_and_people() -> None:
    with transaction() as session:
        by_code: dict[str, Office] = {}
        for code, parent, name, division in OFFICES:
            above = by_code.get(parent or "")
            office = Office(
                id=ids.new(),
                code=code,
                name=name,
                division=division,
                phone="0571-8000 0000",
                address="安居市文三路 1 号",
            )
            office.parent_id = above.id if above else None
            office.path = f"{above.path if above else '/'}{office.id}/"
            by_code[code] = office
            session.add(office)
            session.flush()
        hashed = hash_password(PASSWORD)
        for login, name, title, office_code, roles in STAFF:
            session.add(
                StaffUser(
                    id=ids.new(),
                    office_id=by_code[office_code].id,
                    login=login,
                    name=name,
                    title=title,
                    password_hash=hashed,
                    roles=roles,
                )
            )
    for name, number, phone in CITIZENS:
        open_account(name, number, phone)
    dispatch(NewClient(API_CLIENT, "演示接口", "330000", API_ROLES, PASSWORD), SYSTEM)


def open_account(name: str, id_number: str, phone: str) -> None:
    """An account of a seeded person, as if the phone had been proved."""
    with transaction() as session:
        session.add(
            CitizenAccount(
                id=ids.new(),
                phone=phone,
                phone_digest=secrets.digest(phone),
                name=name,
                id_number=id_number,
                id_digest=secrets.digest(id_number),
                created_at=clock.now(),
            )
        )


def calendar_days(first: int, last: int) -> dict[date, tuple[bool, str]]:
    """The days of these years that depart from Monday to Friday, by the library's table (it ends in 2026)."""
    days: dict[date, tuple[bool, str]] = {}
    day = date(first, 1, 1)
    while day.year <= last:
        try:
            works = chinese_calendar.is_workday(day)
        except NotImplementedError:
            break
        if works != (day.weekday() < 5):
            days[day] = (works, "调休上班" if works else "节假日")
        day += timedelta(days=1)
    return days


def _calendar() -> None:
    """Seed the years the library knows; later years are imported by an administrator."""
    with reading() as session:
        known = session.scalar(select(func.count()).select_from(OfficeDay))
    if not known:
        year = clock.today().year
        dispatch(ImportCalendar(calendar_days(year - 1, year + 1)), SYSTEM)
