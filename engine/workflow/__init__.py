"""Processes: parse models, start, load, advance and save instances. The only package that knows SpiffWorkflow."""

from .cache import definitions_of
from .definitions import Definitions, ElementInfo, ProcessInfo, StartInfo
from .face import BpmnError, Event, Host, Wait
from .parser import parse
from .process import Process

__all__ = [
    "BpmnError",
    "Definitions",
    "ElementInfo",
    "Event",
    "Host",
    "Process",
    "ProcessInfo",
    "StartInfo",
    "Wait",
    "definitions_of",
    "parse",
]
