"""DMN: what is decided, and why. See README.md."""

from engine.decisions.check import check
from engine.decisions.graph import graph_of
from engine.decisions.loader import load
from engine.decisions.model import Decision, Model, Result, Rule, Table
from engine.decisions.store import among, models_of

__all__ = ["Decision", "Model", "Result", "Rule", "Table", "among", "check", "graph_of", "load", "models_of"]
