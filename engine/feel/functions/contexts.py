"""Context functions (DMN 1.5, 10.3.4.10) and Camunda's ``get or else`` and ``assert``."""

from __future__ import annotations

from typing import Any

from engine.feel.errors import FeelError
from engine.feel.functions.registry import Null, built_in
from engine.feel.limits import list_fits


@built_in("get value(m: context, key: string)")
def get_value(context: dict[str, Any], key: str) -> Any:
    return context.get(key)


@built_in("get value(context: context, keys: list)")
def get_value_at(context: dict[str, Any], keys: list[Any]) -> Any:
    value: Any = context
    for key in keys:
        value = value.get(key) if isinstance(value, dict) and isinstance(key, str) else None
    return value


@built_in("get entries(m: context)")
def get_entries(context: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in context.items()]


@built_in("context(entries: list)")
def context_of(entries: list[Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or "value" not in entry:
            raise Null("每一项都要有 key 和 value")
        if entry["key"] in result:
            raise Null("key 重复")
        result[entry["key"]] = entry["value"]
    return result


@built_in("context put(context: context, key: string, value: any)")
def context_put(context: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    return {**context, key: value}


@built_in("context put(context: context, keys: list, value: any)")
def context_put_at(context: dict[str, Any], keys: list[Any], value: Any) -> dict[str, Any]:
    if not keys or not all(isinstance(key, str) for key in keys):
        raise Null("keys 要是文本列表")
    first, rest = keys[0], keys[1:]
    if not rest:
        return {**context, first: value}
    inner = context.get(first)
    if not isinstance(inner, dict):
        raise Null("路径上不是上下文")
    return {**context, first: context_put_at(inner, rest, value)}


@built_in("context merge(...contexts: any)")
def context_merge(*given: Any) -> dict[str, Any]:
    contexts = given[0] if len(given) == 1 and isinstance(given[0], list) else list(given)
    result: dict[str, Any] = {}
    for context in contexts:
        if not isinstance(context, dict):
            raise Null("只能合并上下文")
        result.update(context)
    list_fits(len(result))
    return result


@built_in("get or else(value: any, default: any)")
def get_or_else(value: Any, default: Any) -> Any:
    return default if value is None else value


@built_in("is defined(value: any)")
def is_defined(value: Any) -> bool:
    """Called directly, the compiler asks for the variable itself; this is the function passed as a value."""
    return value is not None


@built_in("assert(value: any, condition: any, cause?: string)")
def assert_that(value: Any, condition: Any, cause: str | None) -> Any:
    """Raises FeelError when the condition is not true."""
    if condition is not True:
        raise FeelError(f"的断言不成立：{cause or '条件不为真'}", code="feel_assert", hint="请检查数据是否齐全")
    return value
