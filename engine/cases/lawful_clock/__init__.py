"""The lawful clock of a case: limits counted in the office's calendar, stopped for named reasons, resumed by itself.

Working days are counted from the working day after acceptance, working hours at once. A stop costs the working days
from the day after it begins to the day it ends.
"""

from engine.cases.lawful_clock import bell, operations
from engine.cases.lawful_clock.counting import Stretch, due, merged, rings
from engine.cases.lawful_clock.running import (
    begin,
    begin_steps,
    days_left,
    due_day,
    ended,
    finish,
    leading,
    limits_of,
    recount,
    resume,
    rules_of,
    stop,
    stops_of,
)
from engine.cases.lawful_clock.tables import CaseLimit, ClockStop, Extension

__all__ = [
    "CaseLimit",
    "ClockStop",
    "Extension",
    "Stretch",
    "begin",
    "begin_steps",
    "bell",
    "days_left",
    "due",
    "due_day",
    "ended",
    "finish",
    "leading",
    "limits_of",
    "merged",
    "operations",
    "recount",
    "resume",
    "rings",
    "rules_of",
    "stop",
    "stops_of",
]
