"""The lawful clock against a count by fingers, day by day and minute by minute, through 调休, stops and extensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import lawful_clock
from engine.cases.case import Case
from engine.cases.lawful_clock import CaseLimit, ClockStop
from engine.cases.work import Task
from engine.catalog.limits import ClockRules, Escalation, Point, Span, StopRule
from engine.core import clock, workdays
from engine.core.db import Base, make_engine
from engine.core.workdays import WorkCalendar
from engine.jobs.queue import Job
from web.demo_data import calendar_days

CALENDAR = WorkCalendar({day: works for day, (works, _) in calendar_days(2025, 2026).items()}, date(2026, 12, 31))
FIRST = date(2025, 9, 1)
# Days after FIRST: National Day with its 调休 and Spring Festival lie inside.
DAYS = st.integers(min_value=0, max_value=200)
MINUTES = st.integers(min_value=0, max_value=5 * 24 * 60)
RULES = ClockRules(
    case={"promised": Span(10), "statutory": Span(20)},
    stops={"补件": StopRule("补件", "supplement_notice", Span(5))},
    warnings=(Point(before=Span(5)), Point(share=0.9)),
    escalation=(Escalation(Span(1)),),
)


@pytest.fixture(scope="module")
def database() -> Iterator[Session]:
    engine = make_engine("sqlite://")
    tables = [model.__table__ for model in (Case, ClockStop, CaseLimit, Task, Job)]
    Base.metadata.create_all(engine, tables=tables)  # type: ignore[arg-type]
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def session(database: Session) -> Iterator[Session]:
    yield database
    database.rollback()


def at(day: date, hour: int = 10) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=clock.SHANGHAI)


def promised(days: int) -> ClockRules:
    return ClockRules(case={"promised": Span(days)})


def new_case() -> Case:
    return Case(id=1, office_id=1, process_id="p", clock_stopped_since=None, due_on=None, clock_from=None)


def by_fingers(promised: int, accepted: date, stops: list[tuple[date, date]], today: date) -> int:
    """What is left when every day is looked at: it counts where the office works and the clock did not stand."""
    counted, day = 0, accepted
    while day < today:
        day += timedelta(days=1)
        stood = any(begin < day <= end for begin, end in stops)
        counted += CALENDAR.works(day) and not stood
    return promised - counted


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    accepted=DAYS,
    limit=st.integers(min_value=1, max_value=30),
    longer=st.integers(min_value=0, max_value=10),
    pauses=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=4),
    after=st.integers(min_value=0, max_value=60),
)
def test_the_days_left_are_those_counted_by_fingers(
    session: Session, accepted: int, limit: int, longer: int, pauses: list[tuple[int, int]], after: int
) -> None:
    case, rules = new_case(), promised(limit)
    start = today = FIRST + timedelta(days=accepted)
    stops: list[tuple[date, date]] = []
    with workdays.in_force(CALENDAR), clock.frozen(at(today)):
        lawful_clock.begin(session, case, rules)
        for running, standing in pauses:
            begin = today + timedelta(days=running)
            today = begin + timedelta(days=standing)
            clock.move_frozen(at(begin))
            assert lawful_clock.stop(session, case, "补件", rules=rules)
            left_at_stop = lawful_clock.days_left(case)
            clock.move_frozen(at(today))
            assert lawful_clock.days_left(case) == left_at_stop
            assert lawful_clock.resume(session, case, rules=rules) == "补件"
            stops.append((begin, today))
        # An extension granted at any moment counts as if it had been promised at once.
        [running_limit] = lawful_clock.limits_of(session, 1)
        running_limit.extended = longer
        lawful_clock.recount(session, case, rules)
        today += timedelta(days=after)
        clock.move_frozen(at(today))
        left = lawful_clock.days_left(case)
        assert case.due_on is not None
    fingers = by_fingers(limit + longer, start, stops, today)
    # From the first day after the due day a case is late, also on a day nobody works.
    assert left == (min(fingers, -1) if today > case.due_on else fingers)
    session.rollback()


def minutes_by_fingers(
    calendar: WorkCalendar, start: datetime, end: datetime, stops: Sequence[lawful_clock.Stretch]
) -> int:
    """Every minute looked at by itself: does the office work in it, and does no stop cover it?"""
    counted, moment = 0, start
    while moment < end:
        local = clock.local(moment)
        open_now = calendar.works(local.date()) and any(
            begin <= local.time() < finish for begin, finish in calendar.hours_of(local.date())
        )
        counted += open_now and not any(begin <= moment < finish for begin, finish in stops)
        moment += timedelta(minutes=1)
    return counted


@settings(max_examples=25)
@given(
    begins=MINUTES,
    hours=st.integers(min_value=1, max_value=16),
    pauses=st.lists(st.tuples(st.integers(0, 600), st.integers(1, 1500)), max_size=3),
    summer=st.booleans(),
)
def test_working_hours_are_due_when_the_minutes_counted_by_fingers_are_over(
    begins: int, hours: int, pauses: list[tuple[int, int]], summer: bool
) -> None:
    season = ((date(2025, 9, 29), ((time(8, 30), time(12)), (time(14), time(18)))),) if summer else ()
    calendar = WorkCalendar(CALENDAR.days, CALENDAR.known_until, seasons=season)
    start = moment = at(date(2025, 9, 26), 0).astimezone(UTC) + timedelta(minutes=begins)
    stops: list[tuple[datetime, datetime]] = []
    due = calendar.add_time(start, timedelta(hours=hours))
    for running, standing in pauses:
        begin = moment + timedelta(minutes=running)
        if begin >= due:  # a stop after the end is another question: lateness does not grow
            break
        moment = begin + timedelta(minutes=standing)
        stops.append((begin, moment))
        _, due = lawful_clock.due(calendar, start, hours * 60, "hours", stops)
    _, due = lawful_clock.due(calendar, start, hours * 60, "hours", stops)
    assert minutes_by_fingers(calendar, start, due, stops) == hours * 60
    assert minutes_by_fingers(calendar, start, due - timedelta(minutes=1), stops) < hours * 60


@given(stops=st.lists(st.tuples(MINUTES, MINUTES), max_size=6), probe=MINUTES)
def test_stops_at_the_same_time_count_once(stops: list[tuple[int, int]], probe: int) -> None:
    base = at(FIRST)
    stretches = [
        (base + timedelta(minutes=min(pair)), base + timedelta(minutes=max(pair)))
        for pair in stops
        if len(set(pair)) > 1
    ]
    moment = base + timedelta(minutes=probe)
    whole = lawful_clock.merged(stretches)
    inside = [one for one in whole if one[0] <= moment < one[1]]
    assert len(inside) == any(begin <= moment < end for begin, end in stretches)


@given(
    accepted=DAYS,
    limit=st.integers(min_value=1, max_value=30),
    pause=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    closed=st.sets(st.integers(0, 120), max_size=15),
)
def test_after_a_change_of_the_calendar_all_is_as_if_it_had_always_been_so(
    accepted: int, limit: int, pause: tuple[int, int], closed: set[int]
) -> None:
    days = {FIRST + timedelta(days=accepted + one): False for one in closed}
    changed = WorkCalendar({**CALENDAR.days, **days}, CALENDAR.known_until)
    start = FIRST + timedelta(days=accepted)
    begin = start + timedelta(days=pause[0])
    end = begin + timedelta(days=pause[1])
    on, moment = lawful_clock.due(changed, at(start), limit, "days", [(at(begin), at(end))])
    counted, day = 0, start
    while counted < limit:
        day += timedelta(days=1)
        counted += changed.works(day)
    lost = sum(changed.works(begin + timedelta(days=one + 1)) for one in range((end - begin).days))
    while lost:
        day += timedelta(days=1)
        lost -= changed.works(day)
    assert on == day
    assert clock.local(moment) == at(day + timedelta(days=1), 0)


@given(start=DAYS, count=st.integers(min_value=-40, max_value=40))
def test_going_some_working_days_on_and_counting_them_agree(start: int, count: int) -> None:
    begin = FIRST + timedelta(days=start)
    end = CALENDAR.add(begin, count)
    if CALENDAR.works(begin) or count >= 0:
        assert CALENDAR.between(begin, end) == count
    assert CALENDAR.works(end) or count == 0


def test_a_sunday_worked_instead_of_a_holiday_counts_and_the_holiday_does_not() -> None:
    # 国庆 2025: closed from 1 to 8 October, worked on Sunday 28 September and Saturday 11 October.
    assert CALENDAR.works(date(2025, 9, 28))
    assert not CALENDAR.works(date(2025, 10, 8))
    assert CALENDAR.add(date(2025, 9, 30), 1) == date(2025, 10, 9)
    assert CALENDAR.add(date(2025, 10, 10), 1) == date(2025, 10, 11)


def test_beyond_the_table_the_week_alone_rules() -> None:
    assert CALENDAR.add(date(2031, 1, 3), 1) == date(2031, 1, 6)


def test_two_reasons_at_once_stop_the_clock_until_both_are_over(session: Session) -> None:
    case, rules = new_case(), promised(5)
    with workdays.in_force(CALENDAR), clock.frozen(at(FIRST)):
        lawful_clock.begin(session, case, rules)
        assert lawful_clock.resume(session, case, rules=rules) is None
        assert lawful_clock.stop(session, case, "补件", rules=rules)
        assert not lawful_clock.stop(session, case, "补件", rules=rules)
        assert not lawful_clock.stop(session, case, "公示", rules=rules)
        clock.move_frozen(at(FIRST + timedelta(days=1)))
        assert lawful_clock.resume(session, case, "补件", rules) == "补件"
        assert (case.clock_reason, case.clock_stopped_since) == ("公示", FIRST)
        clock.move_frozen(at(FIRST + timedelta(days=2)))
        assert lawful_clock.resume(session, case, "公示", rules) == "公示"
        assert case.clock_stopped_since is None
        # From Monday 1 September two days were lost, however many reasons there were.
        assert case.due_on == CALENDAR.add(FIRST, 7)


def test_every_stop_is_kept_with_reason_paper_begin_and_end(session: Session) -> None:
    case = new_case()
    with workdays.in_force(CALENDAR), clock.frozen(at(FIRST)):
        lawful_clock.begin(session, case, RULES)
        lawful_clock.stop(session, case, "补件", notice_id=7, rules=RULES)
        clock.move_frozen(at(FIRST + timedelta(days=3)))
        lawful_clock.resume(session, case, rules=RULES)
    [kept] = lawful_clock.stops_of(session, 1)
    assert (kept.reason, kept.notice, kept.notice_id) == ("补件", "supplement_notice", 7)
    assert clock.local(kept.started_at).date() == FIRST
    assert kept.ended_at is not None
    assert clock.local(kept.ended_at).date() == FIRST + timedelta(days=3)


def test_one_timer_a_case_stands_at_its_next_warning_or_at_the_end_of_the_longest_stop(session: Session) -> None:
    case = new_case()

    def bell() -> list[date]:
        return [clock.local(one.due_at).date() for one in session.scalars(select(Job).where(Job.case_id == 1))]

    with workdays.in_force(CALENDAR), clock.frozen(at(FIRST)):
        lawful_clock.begin(session, case, RULES)
        assert bell() == [CALENDAR.add(FIRST, 5)]
        lawful_clock.stop(session, case, "补件", rules=RULES)
        session.expire_all()
        assert bell() == [CALENDAR.add(FIRST, 5) + timedelta(days=1)]  # midnight after the fifth day
        clock.move_frozen(at(FIRST + timedelta(days=2)))
        lawful_clock.resume(session, case, rules=RULES)
        session.expire_all()
        assert bell() == [CALENDAR.add(FIRST, 7)]
        case.state = "closed"
        lawful_clock.finish(session, case, RULES)
        session.expire_all()
        assert bell() == []


def test_a_case_without_a_limit_is_never_late(session: Session) -> None:
    case = new_case()
    with workdays.in_force(CALENDAR), clock.frozen(at(FIRST)):
        lawful_clock.begin(session, case, ClockRules())
    assert lawful_clock.days_left(case) is None
