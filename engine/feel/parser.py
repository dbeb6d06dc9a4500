"""Text to nodes: a Pratt parser over the tokens. Binding strengths follow DMN 1.5, 10.3.1.2."""

from __future__ import annotations

from decimal import Decimal, DecimalException
from typing import Any

from engine.feel import nodes
from engine.feel.cursor import KEYWORDS
from engine.feel.errors import FeelError
from engine.feel.grammar import COMPARISONS, Grammar
from engine.feel.lexer import Token
from engine.feel.temporal import read_any
from engine.feel.types import Type
from engine.feel.values import NUMBERS

_OR, _AND, _COMPARE, _ADD, _MULTIPLY, _POWER, _INSTANCE = range(1, 8)
_OPS = dict.fromkeys(COMPARISONS, _COMPARE) | {"+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "**": _POWER}
_WORDS = {"or": _OR, "and": _AND, "between": _COMPARE, "in": _COMPARE, "instance": _INSTANCE}
_CONSTANTS = {"true": True, "false": False, "null": None}


def parse(text: str, names: frozenset[str], mode: str, types: dict[str, Type] | None = None) -> nodes.Node:
    """The nodes of an expression, or of a decision-table cell (``mode`` "unary"). Raises FeelError."""
    parser = Parser(text, names, types)
    try:
        return parser.cell() if mode == "unary" else parser.whole()
    except RecursionError:
        raise FeelError("嵌套过深", text=text, position=0, code="feel_limit") from None


class Parser(Grammar):
    """Operators and operands."""

    def whole(self) -> nodes.Node:
        if self.token.kind == "end":
            raise self.wrong("是空的", "请填写表达式")
        node = self.expression()
        if self.token.kind != "end":
            raise self.unexpected()
        return node

    # --- decision-table cells ---

    def cell(self) -> nodes.UnaryTests:
        if self.token.kind == "end" or (self.is_op("-") and self.ahead().kind == "end"):
            return nodes.UnaryTests(0, (), False)
        negated = self._negated_cell()
        if negated is not None:
            return negated
        tests = self._tests()
        if self.token.kind != "end":
            raise self.unexpected()
        return nodes.UnaryTests(0, tests, False)

    def _negated_cell(self) -> nodes.UnaryTests | None:
        if not (self.is_word("not") and self.ahead().text == "("):
            return None
        start = self.at
        self.at += 2
        try:
            tests = self._tests()
            self.need_op(")")
        except FeelError as error:
            if error.code == "feel_limit":
                raise
            self.at, self.depth = start, 0
            return None
        if self.token.kind == "end":
            return nodes.UnaryTests(0, tests, True)
        self.at = start
        return None

    def _tests(self) -> tuple[nodes.Node, ...]:
        tests = [self._test()]
        while self.skip_op(","):
            tests.append(self._test())
        return tuple(tests)

    def _test(self) -> nodes.Node:
        return self.op_range() if self.is_op(*COMPARISONS) else self.expression()

    # --- operators ---

    def expression(self) -> nodes.Node:
        return self._binary(_OR)

    def operand(self) -> nodes.Node:
        return self._binary(_ADD)

    def _binary(self, strength: int) -> nodes.Node:
        self.enter()
        left = self._prefix()
        while True:
            token = self.token
            table = _OPS if token.kind == "op" else _WORDS if token.kind == "name" else None
            power = table.get(token.text, 0) if table is not None else 0
            if power < strength or not power:
                break
            left = self._infix(left, token, power)
        self.depth -= 1
        return left

    def _infix(self, left: nodes.Node, token: Token, power: int) -> nodes.Node:
        self.take()
        word = token.text
        if token.kind == "op":
            right = self._binary(power + 1)
            kind: Any = nodes.Compare if power == _COMPARE else nodes.Arithmetic
            return kind(token.start, word, left, right)
        if word in ("and", "or"):
            return self._junction(left, token, power)
        if word == "between":
            low = self.operand()
            self.need_word("and")
            return nodes.Between(token.start, left, low, self.operand())
        if word == "in":
            return nodes.In(token.start, left, self._in_tests())
        self.need_word("of")
        return nodes.InstanceOf(token.start, left, self.type())

    def _junction(self, left: nodes.Node, token: Token, power: int) -> nodes.Node:
        parts = [left, self._binary(power + 1)]
        while self.skip_word(token.text):
            parts.append(self._binary(power + 1))
        return nodes.Junction(token.start, token.text, tuple(parts))

    def _in_tests(self) -> tuple[nodes.Node, ...]:
        if self.is_op(*COMPARISONS):
            return (self.op_range(),)
        if self.is_op("("):
            start, depth = self.at, self.depth
            self.at += 1
            try:
                tests = self._tests()
                if self.skip_op(")") and not self.is_op("[", ".", "(", "+", "-", "*", "/", "**"):
                    return tests
            except FeelError as error:
                if error.code == "feel_limit":
                    raise
            self.at, self.depth = start, depth
        return (self.operand(),)

    def _prefix(self) -> nodes.Node:
        if self.is_op("-"):
            at = self.take().start
            return nodes.Negate(at, self._binary(_INSTANCE))
        return self._postfix(self._primary())

    def _postfix(self, node: nodes.Node) -> nodes.Node:
        depth = self.depth
        while self.token.kind == "op":
            token = self.token
            if token.text == ".":
                self.at += 1
                node = nodes.Path(token.start, node, self.property_name())
            elif token.text == "(":
                node = self.arguments(node)
            elif token.text == "[":
                found = self._filter(node)
                if found is None:
                    break
                node = found
            else:
                break
            self.enter()
        self.depth = depth
        return node

    def _filter(self, node: nodes.Node) -> nodes.Node | None:
        """``[…]`` behind an operand, or None where ``[`` closes an open-ended range."""
        start, depth = self.at, self.depth
        self.at += 1
        try:
            test = self.expression()
            self.need_op("]")
        except FeelError as error:
            before = self.tokens[start - 1 : start]
            if error.code == "feel_limit" or not self._closes_range(start) or not before:
                raise
            self.at, self.depth = start, depth
            return None
        return nodes.Filter(self.tokens[start].start, node, test)

    def _closes_range(self, position: int) -> bool:
        """Whether a range was opened before ``[`` at this token: then it may be its closing bracket."""
        return any(token.kind == "op" and token.text == ".." for token in self.tokens[:position])

    # --- operands ---

    def _primary(self) -> nodes.Node:
        token = self.token
        if token.kind in ("num", "str", "at"):
            return self._literal(self.take())
        if token.kind in ("name", "tick"):
            return self._word(token)
        if token.kind == "op":
            if token.text == "(":
                return self.parenthesis()
            if token.text == "[":
                return self.square()
            if token.text == "{":
                return self.context()
            if token.text == "]":
                return self.outward_range()
            if token.text == "?":
                return nodes.Name(self.take().start, "?")
        raise self.unexpected()

    def _literal(self, token: Token) -> nodes.Node:
        if token.kind == "str":
            return nodes.Literal(token.start, token.text)
        if token.kind == "num":
            return nodes.Literal(token.start, self._number(token))
        value = read_any(token.text)
        if value is None:
            raise FeelError(
                f"中“{token.text}”不是日期、时间或时长",
                text=self.text,
                position=token.start,
                hint='写成 @"2026-01-31"、@"09:30:00"、@"2026-01-31T09:30:00+08:00"、@"P10D" 或 @"P1Y6M"',
            )
        return nodes.Literal(token.start, value)

    def _number(self, token: Token) -> Decimal:
        try:
            return NUMBERS.create_decimal(token.text)
        except DecimalException:
            raise FeelError("的数字太大", text=self.text, position=token.start) from None

    def _word(self, token: Token) -> nodes.Node:
        known = self.known_name()
        if known is not None:
            self.at += known[1]
            return nodes.Name(token.start, known[0])
        word = token.text
        if word in _CONSTANTS:
            self.take()
            return nodes.Literal(token.start, _CONSTANTS[word])
        if word == "if":
            return self.conditional()
        if word in ("for", "some", "every"):
            return self.loop()
        if word == "function" and self.ahead().text == "(":
            return self.function()
        if word in KEYWORDS and word != "function":
            raise self.unexpected()
        self.take()
        return nodes.Name(token.start, word)
