"""FEEL, the one expression language of every model. See README.md."""

from engine.feel import nodes
from engine.feel.errors import FeelError, did_you_mean
from engine.feel.expression import Expression, compile, evaluate, is_expression, strip
from engine.feel.frame import Frame
from engine.feel.functions import FUNCTIONS
from engine.feel.limits import Run
from engine.feel.text import to_json, to_text
from engine.feel.types import Type, coerce, conforms
from engine.feel.values import FeelFunction, Range, YearsMonths, from_python

__all__ = [
    "FUNCTIONS",
    "Expression",
    "FeelError",
    "FeelFunction",
    "Frame",
    "Range",
    "Run",
    "Type",
    "YearsMonths",
    "coerce",
    "compile",
    "conforms",
    "did_you_mean",
    "evaluate",
    "from_python",
    "is_expression",
    "nodes",
    "strip",
    "to_json",
    "to_text",
]
