"""The only clock: aware, movable for the demo, held still for tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from engine.core import clock


@pytest.fixture(autouse=True)
def real_offset() -> Iterator[None]:
    before = clock.offset()
    yield
    clock.set_offset(before)


def test_the_moment_is_aware_and_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta()


def test_the_day_is_the_one_in_shanghai() -> None:
    with clock.frozen(datetime(2026, 3, 1, 16, 30, tzinfo=UTC)):
        assert clock.today() == date(2026, 3, 2)
        assert clock.local(clock.now()).hour == 0


def test_the_demo_moves_the_clock_and_time_goes_on_from_there() -> None:
    before = clock.now()
    clock.set_offset(timedelta(days=10))
    assert timedelta(days=10) <= clock.now() - before < timedelta(days=10, minutes=1)


def test_a_held_clock_moves_only_when_it_is_moved() -> None:
    with clock.frozen(datetime(2026, 3, 2, tzinfo=UTC)):
        assert clock.now() == clock.now() == datetime(2026, 3, 2, tzinfo=UTC)
        clock.move_frozen(datetime(2026, 3, 3, tzinfo=UTC))
        assert clock.today() == date(2026, 3, 3)
    with pytest.raises(RuntimeError):
        clock.move_frozen(datetime(2026, 3, 3, tzinfo=UTC))
