"""Processes: parse models, start, load, advance and save instances. The only package that knows SpiffWorkflow."""

from . import ahead
from .cache import definitions_held, definitions_of
from .definitions import Definitions, ElementInfo, ProcessInfo, StartInfo
from .face import DENIABLE, TASK_PHASES, Answer, BpmnError, Event, Heard, Host, Library, Wait, instance_key
from .findings import Finding
from .mapping import Plan
from .modify import Activation, Effect, Touched
from .parser import parse
from .process import Process
from .state import arrived
from .stepback import Earlier, Followed, Passed

__all__ = [
    "DENIABLE",
    "TASK_PHASES",
    "Activation",
    "Answer",
    "BpmnError",
    "Definitions",
    "Earlier",
    "Effect",
    "ElementInfo",
    "Event",
    "Finding",
    "Followed",
    "Heard",
    "Host",
    "Library",
    "Passed",
    "Plan",
    "Process",
    "ProcessInfo",
    "StartInfo",
    "Touched",
    "Wait",
    "ahead",
    "arrived",
    "definitions_held",
    "definitions_of",
    "instance_key",
    "parse",
]
