"""Dates, durations and cycles."""

from datetime import UTC, datetime

import pytest

from engine.workflow import timers
from engine.workflow.expressions import Stuck

NOW = datetime(2026, 1, 31, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "text", "due"),
    [
        ("timeDuration", "PT90M", "2026-01-31T02:30:00+00:00"),
        ("timeDuration", "P1W", "2026-02-07T01:00:00+00:00"),
        ("timeDuration", "P1M", "2026-02-28T01:00:00+00:00"),
        ("timeDuration", "P1Y2M3DT4H5M6S", "2027-04-03T05:05:06+00:00"),
        ("timeDate", "2026-03-01T09:00:00+08:00", "2026-03-01T01:00:00+00:00"),
        ("timeDate", "2026-03-01T09:00:00", "2026-03-01T01:00:00+00:00"),
        ("timeDate", "2026-03-01T09:00:00@Asia/Shanghai", "2026-03-01T01:00:00+00:00"),
        ("timeDate", "2026-03-01", "2026-02-28T16:00:00+00:00"),
        ("timeDate", "2026-03-01T09:00:00[Europe/Berlin]", "2026-03-01T08:00:00+00:00"),
        ("timeCycle", "R/2026-03-01T09:00:00[Europe/Berlin]/P1D", "2026-03-01T08:00:00+00:00"),
        ("timeCycle", "0 30 9 * * MON-FRI", "2026-02-02T01:30:00+00:00"),
        ("timeCycle", "0 0/15 9-17 * * *", "2026-01-31T01:15:00+00:00"),
        ("timeCycle", "0 0 0 29 FEB *", "2028-02-28T16:00:00+00:00"),
        ("timeCycle", "0 0 0 ? * 7", "2026-01-31T16:00:00+00:00"),
        ("timeCycle", "@monthly", "2026-01-31T16:00:00+00:00"),
        ("timeCycle", "R/P1D", "2026-02-01T01:00:00+00:00"),
        ("timeCycle", "R3/2026-03-01T00:00:00Z/PT1H", "2026-03-01T00:00:00+00:00"),
    ],
)
def test_the_first_moment(kind: str, text: str, due: str) -> None:
    assert timers.first_due(kind, text, NOW).moment.isoformat() == due


def test_a_cycle_of_three_fires_three_times_at_even_distance() -> None:
    due: timers.Due | None = timers.first_due("timeCycle", "R3/PT1H", NOW)
    hours = []
    while due is not None:
        hours.append(due.moment.hour)
        due = timers.next_due("R3/PT1H", due)

    assert hours == [2, 3, 4]


def test_a_cycle_without_number_does_not_end() -> None:
    first = timers.first_due("timeCycle", "R/PT1H", NOW)
    second = timers.next_due("R/PT1H", first)

    assert second is not None
    assert second.left == first.left == -1


@pytest.mark.parametrize(
    ("kind", "text"),
    [("timeDuration", "3 days"), ("timeDuration", "P"), ("timeDuration", "PT"), ("timeDate", "tomorrow"),
     ("timeCycle", "0 0 0 31 2 *"), ("timeCycle", "0 61 * * * *"), ("timeCycle", "@often"),
     ("timeDate", "2026-13-01"), ("timeCycle", "R3"), ("timeCycle", "Rx/PT1H"), ("timeDate", None), ("timeDate", 5),
     ("timeDuration", "P99999Y"), ("timeDate", "2026-03-01T09:00:00@Nowhere/Town")],
)  # fmt: skip
def test_what_cannot_be_read_says_so_in_chinese(kind: str, text: object) -> None:
    with pytest.raises(Stuck) as caught:
        timers.first_due(kind, text, NOW)

    assert "无法识别" in caught.value.message or "没有得出" in caught.value.message or "超出" in caught.value.message


def test_a_cron_cycle_goes_on_from_its_last_moment() -> None:
    first = timers.first_due("timeCycle", "0 0 9,14 * * *", NOW)
    second = timers.next_due("0 0 9,14 * * *", first)

    assert first.moment.isoformat() == "2026-01-31T06:00:00+00:00"
    assert second is not None
    assert second.moment.isoformat() == "2026-02-01T01:00:00+00:00"
