"""DMN: what is decided, and why. See README.md."""

from engine.decisions.check import check
from engine.decisions.loader import load
from engine.decisions.model import Decision, Model, Result, Rule, Table

__all__ = ["Decision", "Model", "Result", "Rule", "Table", "check", "load"]
