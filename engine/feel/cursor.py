"""The parser's hand on the tokens: looking, taking, putting names together, and telling what is wrong."""

from __future__ import annotations

from functools import lru_cache

from engine.feel.errors import FeelError, did_you_mean
from engine.feel.functions.registry import FUNCTIONS
from engine.feel.lexer import Token, half_width, name_parts, tokenize
from engine.feel.limits import MAX_DEPTH, MAX_PARSE
from engine.feel.temporal import PART_NAMES

_OPENING = {"if", "for", "some", "every", "function", "true", "false", "null"}
_BETWEEN = {"then", "else", "in", "return", "satisfies", "and", "or", "between", "instance"}
KEYWORDS = frozenset(_OPENING | _BETWEEN)
_WRONG = {
    "!": ("没有 ! 运算", "取反请写 not(…)，不等请写 !="),
    "&": ("没有 & 运算", "并且请写 and，连接文本请写 +"),
    "|": ("没有 | 运算", "或者请写 or"),
    "'": ("的文本要用双引号", '请把单引号改成半角双引号 "…"'),
    "%": ("没有 % 运算", "求余请写 modulo(a, b)"),
    ";": ("不用分号", "请删去分号"),
    "$": ("没有 $", "请直接写变量名"),
}
Index = dict[str, list[tuple[tuple[str, ...], str]]]


def _add(index: Index, name: str) -> None:
    parts = name_parts(name)
    if len(parts) > 1:
        row = index.setdefault(parts[0], [])
        row.append((parts, name))
        row.sort(key=lambda entry: -len(entry[0]))


@lru_cache(maxsize=512)
def _index(names: frozenset[str]) -> Index:
    """Names of several parts by their first part, longest first."""
    index: Index = {}
    for name in sorted(names):
        _add(index, name)
    return index


_BUILT_IN = _index(frozenset(FUNCTIONS) | PART_NAMES)
_CALLED = frozenset(name for name in FUNCTIONS if {"and", "or", "else"} & set(name.split()))


class Cursor:
    """Tokens with a position. ``names`` are the known names, those with spaces among them."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.text = text
        self.names = names
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0
        self.steps = 0
        self._given = _index(names)
        self._own: Index = {}

    # --- looking and taking ---

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def ahead(self, count: int = 1) -> Token:
        """The token ``count`` further on, or the end."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def is_op(self, *texts: str) -> bool:
        token = self.tokens[self.at]
        return token.kind == "op" and token.text in texts

    def is_word(self, *texts: str) -> bool:
        token = self.tokens[self.at]
        return token.kind == "name" and token.text in texts

    def skip_op(self, text: str) -> bool:
        if self.is_op(text):
            self.at += 1
            return True
        return False

    def skip_word(self, text: str) -> bool:
        if self.is_word(text):
            self.at += 1
            return True
        return False

    def need_op(self, text: str) -> None:
        if not self.skip_op(text):
            raise self.wrong(f"缺少“{text}”")

    def need_word(self, text: str) -> None:
        if not self.skip_word(text):
            raise self.wrong(f"缺少“{text}”")

    def enter(self) -> None:
        """One level deeper; raises FeelError past the limits."""
        self.depth += 1
        self.steps += 1
        if self.depth > MAX_DEPTH:
            raise FeelError(
                f"嵌套过深（上限 {MAX_DEPTH} 层）", text=self.text, position=self.token.start, code="feel_limit"
            )
        if self.steps > MAX_PARSE:
            raise FeelError("过于复杂", text=self.text, position=self.token.start, code="feel_limit")

    # --- names ---

    def learn(self, name: str) -> str:
        """From here on ``name`` is known: a key, a parameter or a loop variable of this text."""
        _add(self._own, name)
        return name

    def known_name(self) -> tuple[str, int] | None:
        """The longest known name of several parts that starts here, and how many tokens it takes."""
        token = self.token
        if token.kind == "tick":
            return token.text, 1
        best: tuple[str, int] | None = None
        for index in (self._own, self._given, _BUILT_IN):
            for parts, name in index.get(token.text, ()):
                if (best is None or len(parts) > best[1]) and self._here(parts, name, index is _BUILT_IN):
                    best = (name, len(parts))
        return best

    def _here(self, parts: tuple[str, ...], name: str, built_in: bool) -> bool:
        end = self.at + len(parts)
        if end >= len(self.tokens):
            return False
        found = self.tokens[self.at : end]
        if any(token.text != part or token.kind == "str" for token, part in zip(found, parts, strict=True)):
            return False
        after = self.tokens[end]
        return not (built_in and name in _CALLED) or (after.kind == "op" and after.text == "(")

    def property_name(self) -> str:
        """The name after a dot: known, back-ticked, or one word."""
        known = self.known_name()
        if known is not None:
            self.at += known[1]
            return known[0]
        if self.token.kind != "name":
            raise self.wrong("的点号后面缺少名称")
        return self.take().text

    def free_name(self, *ends: str) -> str:
        """Everything up to one of the ``ends`` (operators or words) as one name; it becomes known."""
        start = self.at
        while not (self.token.kind == "end" or (self.token.kind in ("op", "name") and self.token.text in ends)):
            if self.is_op("(", ")", "[", "]", "{", "}", ","):
                break
            self.at += 1
        if self.at == start:
            raise self.wrong("缺少名称")
        first, last = self.tokens[start], self.tokens[self.at - 1]
        if first is last and first.kind in ("tick", "str"):
            return self.learn(first.text)
        return self.learn(" ".join(self.text[first.start : last.end].split()))

    # --- complaining ---

    def wrong(self, message: str, hint: str = "") -> FeelError:
        """What is wrong at the present token."""
        token = self.token
        narrow = half_width(token.text) if token.kind == "op" else token.text
        if narrow != token.text:
            message = f"使用了全角符号“{token.text}”"
            hint = f"请改成半角“{narrow}”"
        return FeelError(message, text=self.text, position=token.start, hint=hint)

    def unexpected(self) -> FeelError:
        """The present token cannot stand here; with the likely fix."""
        token = self.token
        before = self.tokens[self.at - 1] if self.at else token
        if token.kind == "end":
            return self.wrong("没有写完", "请补全后面的内容")
        if token.kind == "op" and token.text in _WRONG:
            return self.wrong(*_WRONG[token.text])
        if token.text == "=" and before.text == "=":
            return self.wrong("多了一个 =", "相等只写一个 =")
        if token.kind == "name" and before.kind == "name":
            pair = f"{before.text} {token.text}"
            hint = did_you_mean(pair, [name for name in (*self.names, *FUNCTIONS) if len(name) >= len(pair) - 2])
            return self.wrong(f"不认识名称“{pair}”", hint or f"名称含空格时请加反引号：`{pair}`")
        return self.wrong(f"中不应出现“{token.text}”")
