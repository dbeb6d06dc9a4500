"""The parts of FEEL that stand between brackets or behind a key word."""

from __future__ import annotations

from engine.feel import nodes
from engine.feel.cursor import Cursor
from engine.feel.errors import FeelError, did_you_mean
from engine.feel.types import BUILT_IN, Type

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


class Grammar(Cursor):
    """Bracketed and key-word expressions. ``Parser`` gives ``expression`` and ``operand``."""

    def __init__(self, text: str, names: frozenset[str], types: dict[str, Type] | None = None) -> None:
        super().__init__(text, names)
        self.types = types or {}

    def expression(self) -> nodes.Node:
        raise NotImplementedError

    def operand(self) -> nodes.Node:
        """An expression without ``and``, ``or`` and comparisons."""
        raise NotImplementedError

    # --- key words ---

    def conditional(self) -> nodes.Node:
        at = self.take().start
        test = self.expression()
        self.need_word("then")
        then = self.expression()
        if not self.skip_word("else"):
            raise self.wrong("的 if 缺少 else", "if 必须写成 if … then … else …")
        return nodes.If(at, test, then, self.expression())

    def loop(self) -> nodes.Node:
        """``for``, ``some`` and ``every``."""
        word = self.take()
        sources: list[tuple[str, nodes.Node, nodes.Node | None]] = []
        while True:
            variable = self.free_name("in")
            self.need_word("in")
            low = self.expression()
            high = self.expression() if self.skip_op("..") else None
            sources.append((variable, low, high))
            if not self.skip_op(","):
                break
        self.need_word("return" if word.text == "for" else "satisfies")
        return nodes.Loop(word.start, word.text, tuple(sources), self.expression())

    def function(self) -> nodes.Node:
        at = self.take().start
        self.need_op("(")
        parameters: list[tuple[str, Type | None]] = []
        while not self.is_op(")"):
            name = self.free_name(":", ",", ")")
            parameters.append((name, self.type() if self.skip_op(":") else None))
            if not self.skip_op(","):
                break
        self.need_op(")")
        if self.is_word("external"):
            raise self.wrong("不支持 external 函数", "请用 FEEL 写函数体")
        return nodes.Function(at, tuple(parameters), self.expression())

    # --- brackets ---

    def parenthesis(self) -> nodes.Node:
        at = self.take().start
        if self.is_op(*COMPARISONS):
            node: nodes.Node = self.op_range()
            self.need_op(")")
            return node
        node = self.expression()
        if self.skip_op(".."):
            return self.range_end(at, node, low_in=False)
        self.need_op(")")
        return node

    def op_range(self) -> nodes.Node:
        token = self.take()
        return nodes.OpRange(token.start, token.text, self.operand())

    def square(self) -> nodes.Node:
        """A list or a range."""
        at = self.take().start
        items: list[nodes.Node] = []
        while not self.is_op("]"):
            items.append(self.op_range() if self.is_op(*COMPARISONS) else self.expression())
            if len(items) == 1 and self.skip_op(".."):
                return self.range_end(at, items[0], low_in=True)
            if not self.skip_op(","):
                break
        self.need_op("]")
        return nodes.ListNode(at, tuple(items))

    def outward_range(self) -> nodes.Node:
        at = self.take().start
        low = self.operand()
        self.need_op("..")
        return self.range_end(at, low, low_in=False)

    def range_end(self, at: int, low: nodes.Node, *, low_in: bool) -> nodes.Node:
        high = self.operand()
        if self.skip_op("]"):
            return nodes.RangeNode(at, low, high, low_in, True)
        if self.skip_op(")") or self.skip_op("["):
            return nodes.RangeNode(at, low, high, low_in, False)
        raise self.wrong("的区间没有写完", "区间写成 [1..10]、(1..10] 或 [1..10)")

    def context(self) -> nodes.Node:
        at = self.take().start
        entries: list[tuple[str, nodes.Node]] = []
        while not self.is_op("}"):
            start, key = self.token.start, self.free_name(":")
            if any(key == name for name, _ in entries):
                raise FeelError(f"的上下文里“{key}”重复了", text=self.text, position=start)
            self.need_op(":")
            entries.append((key, self.expression()))
            if not self.skip_op(","):
                break
        self.need_op("}")
        return nodes.ContextNode(at, tuple(entries))

    def arguments(self, target: nodes.Node) -> nodes.Node:
        at = self.take().start
        values: list[nodes.Node] = []
        names: list[str] = []
        while not self.is_op(")"):
            if self._is_named():
                names.append(self.free_name(":"))
                self.need_op(":")
            elif names:
                raise self.wrong("的参数要么都写名称，要么都不写")
            values.append(self.op_range() if self.is_op(*COMPARISONS) else self.expression())
            if not self.skip_op(","):
                break
        self.need_op(")")
        if names and len(names) != len(values):
            raise self.wrong("的参数要么都写名称，要么都不写")
        return nodes.Call(at, target, tuple(values), tuple(names))

    def _is_named(self) -> bool:
        if self.token.kind not in ("name", "tick"):
            return False
        count = 1
        while self.ahead(count).kind in ("name", "num") or self.ahead(count).text in ("-", "'"):
            count += 1
        return self.ahead(count).kind == "op" and self.ahead(count).text == ":"

    # --- types ---

    def type(self) -> Type:
        """A type name after ``instance of`` or behind a parameter. Raises FeelError when unknown."""
        self.enter()
        try:
            if self.is_word("list", "range", "context", "function") and self.ahead().text == "<":
                return self._generic()
            for name in sorted([*BUILT_IN, *self.types], key=len, reverse=True):
                if self._skip_name(name):
                    return self.types.get(name) or BUILT_IN[name]
            hint = did_you_mean(self.token.text, [*BUILT_IN, *self.types])
            raise self.wrong(f"不认识类型“{self.token.text}”", hint)
        finally:
            self.depth -= 1

    def _skip_name(self, name: str) -> bool:
        from engine.feel.lexer import name_parts

        parts = name_parts(name)
        if tuple(token.text for token in self.tokens[self.at : self.at + len(parts)]) != parts:
            return False
        self.at += len(parts)
        return True

    def _generic(self) -> Type:
        kind = self.take().text
        self.need_op("<")
        if kind == "context":
            fields: list[tuple[str, Type]] = []
            while not self.is_op(">"):
                name = self.free_name(":")
                self.need_op(":")
                fields.append((name, self.type()))
                if not self.skip_op(","):
                    break
            self.need_op(">")
            return Type("context", fields=tuple(fields))
        if kind == "function":
            parameters: list[Type] = []
            while not self.is_op(">"):
                parameters.append(self.type())
                if not self.skip_op(","):
                    break
            self.need_op(">")
            self.need_op("->")
            return Type("function", parameters=tuple(parameters), result=self.type())
        element = self.type()
        self.need_op(">")
        return Type(kind, element=element)
