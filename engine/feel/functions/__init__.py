"""The built-in functions, by subject. Importing this package registers them all."""

from engine.feel import house
from engine.feel.functions import contexts, dates, exchange, lists, numbers, ranges, statistics, strings
from engine.feel.functions.registry import FUNCTIONS, BuiltIn, Null, call

__all__ = [
    "FUNCTIONS",
    "BuiltIn",
    "Null",
    "call",
    "contexts",
    "dates",
    "exchange",
    "house",
    "lists",
    "numbers",
    "ranges",
    "statistics",
    "strings",
]
