"""Nodes to Python closures ``f(frame) -> value``. No source text is ever made; names are looked up, never executed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.feel import nodes
from engine.feel.frame import MISSING, Frame, get_path
from engine.feel.functions import FUNCTIONS, call
from engine.feel.loops import loop
from engine.feel.operators import ORDER, arithmetic, compare, equal, matches_value, mismatch, negate, ordered, within
from engine.feel.types import ANY, conforms
from engine.feel.values import Exactly, FeelFunction, Range, kind_name

Code = Callable[[Frame], Any]
Test = Callable[[Frame, Any], bool | None]


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
        if isinstance(node.test, nodes.Literal):
            return _position(base, self.code(node.test))
        self._filters += 1
        test = self._inside(frozenset({"item"}), node.test)
        self._filters -= 1

        def filtered(frame: Frame) -> Any:
            return _filter(frame, base(frame), test)

        return filtered

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
            return lambda frame: _has(base(frame), key)
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
        first = self.code(left)
        steps.reverse()

        def computed(frame: Frame) -> Any:
            value = first(frame)
            for op, right in steps:
                other = right(frame)
                result = arithmetic(op, value, other)
                if result is None:
                    frame.run.warn(mismatch(op, value, other))
                value = result
            return value

        return computed

    def _compare(self, node: nodes.Compare) -> Code:
        left, right, op = self.code(node.left), self.code(node.right), node.op
        if op == "=":
            return lambda frame: equal(left(frame), right(frame))
        if op == "!=":
            return lambda frame: _flip(equal(left(frame), right(frame)))
        order = ORDER[op]

        def compared(frame: Frame) -> bool | None:
            value, other = left(frame), right(frame)
            sign = compare(value, other)
            if sign is None:
                frame.run.warn(mismatch(op, value, other))
                return None
            return order(sign)

        return compared

    def _junction(self, node: nodes.Junction) -> Code:
        parts = [self.code(part) for part in node.parts]
        decisive = node.op == "or"

        def joined(frame: Frame) -> bool | None:
            result: bool | None = not decisive
            for part in parts:
                value = part(frame)
                if value is decisive:
                    return decisive
                if not isinstance(value, bool):
                    result = None
            return result

        return joined

    def _between(self, node: nodes.Between) -> Code:
        value, low, high = self.code(node.value), self.code(node.low), self.code(node.high)

        def between(frame: Frame) -> bool | None:
            low_end, high_end = low(frame), high(frame)
            if low_end is None or high_end is None:
                return None
            return within(value(frame), Range(low_end, high_end))

        return between

    def _range(self, node: nodes.RangeNode) -> Code:
        low = self.code(node.low) if node.low is not None else None
        high = self.code(node.high) if node.high is not None else None
        low_in, high_in = node.low_in, node.high_in

        def ranged(frame: Frame) -> Range | None:
            low_end = low(frame) if low else None
            high_end = high(frame) if high else None
            if low_end is not None and high_end is not None and compare(low_end, high_end) is None:
                frame.run.warn(mismatch("..", low_end, high_end))
                return None
            return Range(low_end, high_end, low_in, high_in)

        return ranged

    def _op_range(self, node: nodes.OpRange) -> Code:
        end, op = self.code(node.end), node.op
        if op in ("=", "!="):
            return lambda frame: Exactly(end(frame), op == "=")

        def ranged(frame: Frame) -> Range | None:
            value = end(frame)
            if compare(value, value) is None:
                return None
            if op[0] == "<":
                return Range(None, value, False, op == "<=", half=True)
            return Range(value, None, op == ">=", False, half=True)

        return ranged

    def _in(self, node: nodes.In) -> Code:
        value = self.code(node.value)
        self._locals.append(frozenset({"?"}))
        tests = [self.test(test) for test in node.tests]
        self._locals.pop()

        def inside(frame: Frame) -> bool | None:
            wanted = value(frame)
            return _any_test(frame.child({"?": wanted}), wanted, tests)

        return inside

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

        def context(frame: Frame) -> dict[str, Any]:
            values: dict[str, Any] = {}
            inside = frame.child(values)
            for key, value in entries:
                values[key] = value(inside)
            return dict(values)

        return context

    def _function(self, node: nodes.Function) -> Code:
        names = tuple(name for name, _ in node.parameters)
        kinds = tuple(kind or ANY for _, kind in node.parameters)
        body = self._inside(frozenset(names), node.body)

        def function(frame: Frame) -> FeelFunction:
            def invoke(_run: Any, values: list[Any]) -> Any:
                return body(frame.child(dict(zip(names, values, strict=True))))

            return FeelFunction(names, invoke, kinds)

        return function

    def _instance_of(self, node: nodes.InstanceOf) -> Code:
        value, kind = self.code(node.value), node.type
        return lambda frame: conforms(value(frame), kind)

    # --- unary tests ---

    def _cell(self, node: nodes.UnaryTests) -> Code:
        tests = [self.test(test) for test in node.tests]
        negated = node.negated
        if not tests:
            return lambda frame: True

        def cell(frame: Frame) -> bool | None:
            answer = _any_test(frame, frame.vars.get("?"), tests)
            return _flip(answer) if negated else answer

        return cell

    def test(self, node: nodes.Node) -> Test:
        """One test of a cell or of ``in``."""
        if isinstance(node, nodes.OpRange):
            return self._op_test(node)
        code = self.code(node)
        if reads_input(node):
            return lambda frame, value: _truth(code(frame), value)
        if isinstance(node, nodes.Compare | nodes.Junction | nodes.Between | nodes.In | nodes.InstanceOf) or (
            isinstance(node, nodes.Loop) and node.kind != "for"
        ):
            return lambda frame, value: _own_answer(code(frame), value)
        return lambda frame, value: matches_value(value, code(frame))

    def _op_test(self, node: nodes.OpRange) -> Test:
        end, op = self.code(node.end), node.op
        if op == "=":
            return lambda frame, value: equal(value, end(frame))
        if op == "!=":
            return lambda frame, value: _flip(equal(value, end(frame)))
        return lambda frame, value: ordered(op, value, end(frame))


def reads_input(node: Any) -> bool:
    """Whether ``?`` occurs anywhere in the node."""
    if isinstance(node, nodes.Name):
        return node.name == "?"
    if isinstance(node, tuple):
        return any(reads_input(part) for part in node)
    if not isinstance(node, nodes.Node):
        return False
    return any(reads_input(getattr(node, name)) for name in node.__slots__)


def _truth(answer: Any, value: Any) -> bool | None:
    """What an expression with ``?`` says: true or false as it is, anything else is compared with the input."""
    return answer if isinstance(answer, bool) else matches_value(value, answer)


def _own_answer(answer: Any, value: Any) -> bool | None:
    """A condition without ``?``: its own truth, unless the input is a boolean to compare with."""
    if isinstance(value, bool):
        return equal(value, answer)
    return answer if isinstance(answer, bool) else None


def _any_test(frame: Frame, value: Any, tests: list[Test]) -> bool | None:
    result: bool | None = False
    for test in tests:
        answer = test(frame, value)
        if answer is True:
            return True
        if answer is None:
            result = None
    return result


def _flip(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _has(value: Any, key: str) -> bool:
    return isinstance(value, dict) and key in value


def _position(base: Code, index: Code) -> Code:
    def picked(frame: Frame) -> Any:
        return _filter(frame, base(frame), index)

    return picked


def _filter(frame: Frame, value: Any, test: Code) -> Any:
    items = value if isinstance(value, list) else [] if value is None else [value]
    if not items:
        index = test(frame.child({"item": None})) if isinstance(value, list) else None
        return None if _is_number(index) or value is None else []
    result: list[Any] = []
    for position, item in enumerate(items):
        frame.run.tick()
        scope = {"item": item, **item} if isinstance(item, dict) else {"item": item}
        answer = test(frame.child(scope))
        if position == 0 and _is_number(answer):
            return _at(frame, items, answer)
        if answer is True:
            result.append(item)
    return result


def _is_number(value: Any) -> bool:
    return kind_name(value) == "number"


def _at(frame: Frame, items: list[Any], index: Any) -> Any:
    number = int(index)
    if number != index or number == 0 or abs(number) > len(items):
        frame.run.warn(f"列表没有第 {index} 项，按 null 处理")
        return None
    return items[number - 1] if number > 0 else items[number]


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

__all__ = ["Code", "Compiler", "reads_input"]
