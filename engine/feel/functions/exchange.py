"""Camunda's functions for other formats and for what is new each time: JSON, Base64, UUID, chance."""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from decimal import Decimal, DecimalException
from typing import Any

from engine.feel.functions.registry import Null, built_in
from engine.feel.limits import string_fits
from engine.feel.text import to_json
from engine.feel.values import NUMBERS, from_python


def _refused(text: str) -> Any:
    raise ValueError(text)


def _number(text: str) -> Decimal:
    try:
        return NUMBERS.create_decimal(text)
    except DecimalException as error:
        raise ValueError(text) from error


@built_in("from json(value: string)")
def from_json(text: str) -> Any:
    """Numbers stay exact."""
    try:
        found = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise Null("文本不是 JSON") from error
    return from_python(found)


@built_in("to json(value: any)")
def as_json(value: Any) -> str:
    text = json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"))
    string_fits(len(text))
    return text


@built_in("to base64(value: string)")
def to_base64(text: str) -> str:
    string_fits(2 * len(text))
    return base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")


@built_in("uuid()")
def new_uuid() -> str:
    return str(uuid.uuid4())


@built_in("random number()")
def random_number() -> Decimal:
    """At least 0, less than 1. Nothing that must be fair or repeatable should hang on it."""
    return NUMBERS.divide(Decimal(secrets.randbits(53)), Decimal(2**53))
