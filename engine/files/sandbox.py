"""The Jinja environment in which document templates run: no code, no unescaped text, bounded work.

A template is an analyst's text. It may go wrong, but must not reach Python's inside, leave out a fact silently, or eat
the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from datetime import date
from decimal import Decimal
from typing import Any, cast

from jinja2 import FunctionLoader, StrictUndefined, Undefined, nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError, TemplateRuntimeError, UndefinedError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from markupsafe import Markup, escape

MAX_STEPS = 50_000  # loop turns and calls in one rendering
MAX_ITEMS = 10_000  # of one list
MAX_CHARACTERS = 2_000_000  # of one text
_MAX_BITS = 4_096  # of one integer

_FILTERS = {
    *("abs", "float", "int", "max", "min", "round", "sum"),
    *("d", "default", "e", "escape", "lower", "string", "trim", "upper"),
    *("count", "first", "last", "length", "list", "reverse", "sort", "unique"),
    *("dictsort", "groupby", "items", "map", "reject", "rejectattr", "select", "selectattr"),
}
_GLOBALS = {"dict", "namespace", "range"}
_STRING_METHODS = frozenset({"endswith", "lower", "split", "startswith", "strip", "upper"})


class MissingFact(UndefinedError):
    """A template asked for something that is not there: ``name``, in ``owner`` or (None) among the facts."""

    def __init__(self, message: str | None, name: str, owner: Any) -> None:
        super().__init__(message)
        self.name = name
        self.owner = owner


class TooMuchWork(TemplateRuntimeError):
    """A template went beyond one of the limits above."""


class _Missing(StrictUndefined):
    """Fails at any use and remembers what was asked of whom."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        def raised(message: str | None) -> MissingFact:
            return MissingFact(message, str(name), None if obj is missing else obj)

        factory = raised if exc is UndefinedError and name is not None else exc
        super().__init__(hint, obj, name, cast("type[TemplateRuntimeError]", factory))


class _Bounded(CodeGenerator):
    """Puts a counter into every loop and a scale under every value that a template can build up."""

    def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:
        self._refuse_escape_switch(node)
        for loop in list(node.find_all(nodes.For)):
            if loop.recursive:
                self.fail("不支持 recursive 循环", loop.lineno)
            loop.iter = _filtered("_counted", loop.iter)
        for assign in list(node.find_all(nodes.Assign)):
            assign.node = _filtered("_weighed", assign.node)
        for block in list(node.find_all(nodes.AssignBlock)):
            block.filter = _filtered("_weighed", block.filter)
        super().visit_Template(node, frame)

    def _refuse_escape_switch(self, node: nodes.Template) -> None:
        switch = node.find(nodes.ScopedEvalContextModifier)
        if switch is not None:
            self.fail("不能用 autoescape 关闭转义", switch.lineno)


def _filtered(name: str, node: nodes.Node | None) -> nodes.Filter:
    line = node.lineno if node is not None else None
    return nodes.Filter(node, name, [], [], None, None, lineno=line)


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for one rendering over ``templates`` (name → text); counts its own steps."""

    code_generator_class = _Bounded
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, templates: Mapping[str, str], filters: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(
            loader=FunctionLoader(lambda name: (templates[name], name, None) if name in templates else None),
            autoescape=True,
            undefined=_Missing,
            finalize=_printable,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=len(templates),
        )
        self.steps = 0
        self.filters = {name: function for name, function in self.filters.items() if name in _FILTERS}
        self.filters |= {"join": _join, "_counted": self._counted, "_weighed": weighed, **filters}
        self.globals = {name: value for name, value in self.globals.items() if name in _GLOBALS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of a mapping wins over its methods: ``order.items`` is the key."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, str) and attribute not in _STRING_METHODS:
            return self.unsafe_undefined(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) and isinstance(obj, Mapping | str):
            return self.getattr(obj, argument)
        return super().getitem(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise SecurityError(f"文书模板里不能使用运算符 {operator}")
        if operator == "*":
            _check_product(left, right)
        return weighed(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        __self._step()
        return weighed(super().call(__context, __obj, *args, **kwargs))

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._step()
            yield item

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooMuchWork(f"模板的循环和调用超过 {MAX_STEPS} 次")


def weighed(value: Any) -> Any:
    """The value itself, unless it is larger than a document may need."""
    if isinstance(value, str):
        if len(value) > MAX_CHARACTERS:
            raise TooMuchWork(f"模板生成的文字超过 {MAX_CHARACTERS} 字")
    elif isinstance(value, Sized) and len(value) > MAX_ITEMS:
        raise TooMuchWork(f"模板里的列表超过 {MAX_ITEMS} 项")
    return value


def _check_product(left: Any, right: Any) -> None:
    """Refuse before computing: the product itself would be the harm."""
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > _MAX_BITS:
            raise TooMuchWork("模板里的数字过大")
        return
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(times, int):
            limit = MAX_CHARACTERS if isinstance(sequence, str) else MAX_ITEMS
            if len(sequence) * times > limit:
                raise TooMuchWork("模板用乘法生成的内容过大")


def _printable(value: Any) -> Any:
    """What may be printed: a gap, a bare true or a whole list in a document is a mistake, not a text."""
    if value is None:
        raise TemplateRuntimeError("要打印的值是空值；可能为空时请写成 {{ 名称 or '—' }}")
    if isinstance(value, bool):
        raise TemplateRuntimeError("不能直接打印真假值；请用 {% if %} 写出要显示的文字")
    if not isinstance(value, str | int | float | Decimal | date | Undefined):
        raise TemplateRuntimeError("不能直接打印一组值；请用 {% for %} 逐项打印，或用 |join 连接")
    return value


def _join(items: Iterable[Any], separator: str = "") -> Markup:
    """Escaped texts with the separator between them, within the size of a text."""
    parts: list[str] = []
    total = 0
    for item in items:
        part = escape(_printable(item))
        total += len(part) + len(separator)
        if total > MAX_CHARACTERS:
            raise TooMuchWork(f"模板生成的文字超过 {MAX_CHARACTERS} 字")
        parts.append(part)
    return escape(separator).join(parts)
