"""Nodes to Python closures ``f(frame) -> value``. No source text is ever made; names are looked up, never executed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.feel import closures, nodes, unary
from engine.feel.arithmetic import negate
from engine.feel.frame import MISSING, Frame, get_path, has_key
from engine.feel.functions import FUNCTIONS, call
from engine.feel.limits import Run
from engine.feel.loops import loop, pick
from engine.feel.types import ANY, conforms
from engine.feel.values import kind_name

Code = Callable[[Frame], Any]


class Compiler:
    """Compiles one expression. ``names`` gathers the free variables, ``item_names`` names only filters may know."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.item_names: set[str] = set()
        self._locals: list[frozenset[str]] = []
        self._filters = 0

    def code(self, node: nodes.Node) -> Code:
        """The closure of a node."""
        return _CODE[type(node)](self, node)

    def _inside(self, names: frozenset[str], node: nodes.Node) -> Code:
        self._locals.append(names)
        code = self.code(node)
        self._locals.pop()
        return code

    # --- operands ---

    def _literal(self, node: nodes.Literal) -> Code:
        value = node.value
        return lambda frame: value

    def _name(self, node: nodes.Name) -> Code:
        name = node.name
        if any(name in names for names in self._locals):
            return lambda frame: frame.lookup(name)
        if name not in FUNCTIONS:
            (self.item_names if self._filters else self.names).add(name)
        else:
            self.item_names.add(name)
        if self._locals or name in FUNCTIONS:
            return lambda frame: frame.lookup(name)

        def root(frame: Frame) -> Any:
            try:
                return frame.vars[name]
            except KeyError:
                return frame.lookup(name)

        return root

    def _path(self, node: nodes.Path) -> Code:
        base, key = self.code(node.base), node.key

        def path(frame: Frame) -> Any:
            value = base(frame)
            if type(value) is dict and key in value:
                return value[key]
            return get_path(frame.run, value, key)

        return path

    def _filter(self, node: nodes.Filter) -> Code:
        base = self.code(node.base)
        self._filters += 1
        test = self._inside(frozenset({"item"}), node.test)
        self._filters -= 1

        return lambda frame: pick(frame, base(frame), test)

    def _call(self, node: nodes.Call) -> Code:
        special = self._special(node)
        if special is not None:
            return special
        target = self.code(node.target)
        arguments = [self.code(argument) for argument in node.arguments]
        names = node.names
        built_in = FUNCTIONS.get(node.target.name) if isinstance(node.target, nodes.Name) else None

        def called(frame: Frame) -> Any:
            function = target(frame)
            if built_in is not None and kind_name(function) != "function":
                function = built_in
            return call(frame.run, function, [argument(frame) for argument in arguments], names)

        return called

    def _special(self, node: nodes.Call) -> Code | None:
        """``is defined(x)`` asks for the variable itself, so its argument is not evaluated as usual."""
        target = node.target
        if not (isinstance(target, nodes.Name) and target.name == "is defined" and len(node.arguments) == 1):
            return None
        argument = node.arguments[0]
        code = self.code(argument)
        if isinstance(argument, nodes.Name):
            name = argument.name
            return lambda frame: frame.find(name) is not MISSING
        if isinstance(argument, nodes.Path):
            base, key = self.code(argument.base), argument.key
            return lambda frame: has_key(base(frame), key)
        return lambda frame: code(frame) is not None

    # --- operators ---

    def _negate(self, node: nodes.Negate) -> Code:
        operand = self.code(node.operand)
        return lambda frame: negate(operand(frame))

    def _arithmetic(self, node: nodes.Arithmetic) -> Code:
        steps: list[tuple[str, Code]] = []
        left: nodes.Node = node
        while isinstance(left, nodes.Arithmetic):
            steps.append((left.op, self.code(left.right)))
            left = left.left
        return closures.chain(self.code(left), steps[::-1])

    def _compare(self, node: nodes.Compare) -> Code:
        return closures.comparison(node.op, self.code(node.left), self.code(node.right))

    def _junction(self, node: nodes.Junction) -> Code:
        return closures.junction([self.code(part) for part in node.parts], node.op == "or")

    def _between(self, node: nodes.Between) -> Code:
        return closures.between(self.code(node.value), self.code(node.low), self.code(node.high))

    def _range(self, node: nodes.RangeNode) -> Code:
        made = closures.ranged(self.code(node.low), self.code(node.high), node.low_in, node.high_in)
        if isinstance(node.low, nodes.Literal) and isinstance(node.high, nodes.Literal):
            value = made(Frame({}, None, Run()))
            return lambda frame: value
        return made

    def _op_range(self, node: nodes.OpRange) -> Code:
        return closures.half_range(node.op, self.code(node.end))

    def _in(self, node: nodes.In) -> Code:
        value = self.code(node.value)
        self._locals.append(frozenset({"?"}))
        tests = [self._test(test) for test in node.tests]
        self._locals.pop()
        return unary.inside(value, tests)

    def _if(self, node: nodes.If) -> Code:
        test, then, other = self.code(node.test), self.code(node.then), self.code(node.other)
        return lambda frame: then(frame) if test(frame) is True else other(frame)

    def _loop(self, node: nodes.Loop) -> Code:
        bound: frozenset[str] = frozenset({"partial"}) if node.kind == "for" else frozenset()
        sources = []
        for variable, low, high in node.sources:
            sources.append((variable, self._inside(bound, low), self._inside(bound, high) if high else None))
            bound |= {variable}
        return loop(node.kind, sources, self._inside(bound, node.body))

    def _list(self, node: nodes.ListNode) -> Code:
        items = [self.code(item) for item in node.items]
        return lambda frame: [item(frame) for item in items]

    def _context(self, node: nodes.ContextNode) -> Code:
        known: frozenset[str] = frozenset()
        entries = []
        for key, value in node.entries:
            inner = known | {key} if isinstance(value, nodes.Function) else known
            entries.append((key, self._inside(inner, value)))
            known |= {key}
        return closures.context(entries)

    def _function(self, node: nodes.Function) -> Code:
        names = tuple(name for name, _ in node.parameters)
        kinds = tuple(kind or ANY for _, kind in node.parameters)
        body = self._inside(frozenset(names), node.body)

        return closures.function(names, kinds, body)

    def _instance_of(self, node: nodes.InstanceOf) -> Code:
        value, kind = self.code(node.value), node.type
        return lambda frame: conforms(value(frame), kind)

    # --- unary tests ---

    def _cell(self, node: nodes.UnaryTests) -> Code:
        return unary.cell([self._test(test) for test in node.tests], node.negated)

    def _test(self, node: nodes.Node) -> unary.Test:
        """One test of a cell or of ``in``."""
        if isinstance(node, nodes.OpRange):
            return unary.operator(node.op, self.code(node.end))
        code = self.code(node)
        if unary.reads_input(node):
            return unary.condition_on_input(code)
        return unary.condition(code) if unary.is_condition(node) else unary.wanted(code)


_CODE: dict[type, Callable[[Any, Any], Code]] = {
    nodes.Literal: Compiler._literal,
    nodes.Name: Compiler._name,
    nodes.Path: Compiler._path,
    nodes.Filter: Compiler._filter,
    nodes.Call: Compiler._call,
    nodes.Negate: Compiler._negate,
    nodes.Arithmetic: Compiler._arithmetic,
    nodes.Compare: Compiler._compare,
    nodes.Junction: Compiler._junction,
    nodes.Between: Compiler._between,
    nodes.RangeNode: Compiler._range,
    nodes.OpRange: Compiler._op_range,
    nodes.In: Compiler._in,
    nodes.If: Compiler._if,
    nodes.Loop: Compiler._loop,
    nodes.ListNode: Compiler._list,
    nodes.ContextNode: Compiler._context,
    nodes.Function: Compiler._function,
    nodes.InstanceOf: Compiler._instance_of,
    nodes.UnaryTests: Compiler._cell,
}
