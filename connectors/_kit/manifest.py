"""``connector.yaml``: what a party is, which settings it takes, which operations it offers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

TRANSPORTS = {"http-json": "HTTP/JSON", "soap": "SOAP", "local": "本机"}
LEVELS = {"rehearsed": "已用模拟方演练", "connected": "已与对方联调", "in_use": "已投入使用"}


@dataclass(frozen=True)
class Setting:
    """One environment variable of a party. ``default`` None means that it must be given before the first call."""

    env: str
    title: str
    default: str | None = None
    secret: bool = False


@dataclass(frozen=True)
class RateLimit:
    """At most ``calls`` within ``seconds`` from one process of ours."""

    calls: int
    seconds: float


@dataclass(frozen=True)
class Connector:
    """What a party's folder declares.

    ``settings`` includes ``ANJU_<PARTY>_TIMEOUT``, which every party has but a ``local`` one: that makes no call,
    so it has neither time-out nor rate limit.
    """

    party: str
    title: str
    transport: str
    owner: str
    level: str
    retries: int
    settings: tuple[Setting, ...]
    operations: tuple[str, ...]
    timeout_seconds: float = 0.0
    rate_limit: RateLimit = RateLimit(0, 0.0)

    @property
    def timeout_env(self) -> str:
        """The variable that overrules ``timeout_seconds``."""
        return f"ANJU_{self.party.upper()}_TIMEOUT"


class _SettingSchema(Schema):
    env = fields.String(required=True, validate=validate.Regexp(r"^ANJU_[A-Z_]+$"))
    title = fields.String(required=True)
    default = fields.String(load_default=None)
    secret = fields.Boolean(load_default=False)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Setting:
        return Setting(**data)


class _RateSchema(Schema):
    calls = fields.Integer(required=True, validate=validate.Range(min=1))
    seconds = fields.Float(required=True, validate=validate.Range(min=0, min_inclusive=False))

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> RateLimit:
        return RateLimit(**data)


class _ConnectorSchema(Schema):
    party = fields.String(required=True)
    title = fields.String(required=True)
    transport = fields.String(required=True, validate=validate.OneOf(list(TRANSPORTS)))
    owner = fields.String(required=True)
    level = fields.String(required=True, validate=validate.OneOf(list(LEVELS)))
    timeout_seconds = fields.Float(validate=validate.Range(min=0, min_inclusive=False))
    retries = fields.Integer(required=True, validate=validate.Range(min=0))
    rate_limit = fields.Nested(_RateSchema)
    settings = fields.List(fields.Nested(_SettingSchema), required=True)
    operations = fields.List(fields.String(), required=True, validate=validate.Length(min=1))

    @validates_schema
    def check_calls(self, data: dict[str, Any], **_: Any) -> None:
        """What is called over a network has a time-out and a limit, and nothing else has."""
        given = {"timeout_seconds", "rate_limit"} & data.keys()
        if len(given) != (0 if data.get("transport") == "local" else 2):
            raise ValidationError("timeout_seconds and rate_limit: both, or none where transport is local")


@lru_cache
def read(path: Path) -> Connector:
    """The manifest in ``path``. Raises ``ValueError`` that names the file and the faulty keys."""
    try:
        data = _ConnectorSchema().load(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise ValueError(f"{path.parent.name}/{path.name}: {error.messages}") from error
    if data["party"] != path.parent.name:
        raise ValueError(f"{path.parent.name}/{path.name}: party is {data['party']}")
    if "timeout_seconds" in data:
        env = f"ANJU_{data['party'].upper()}_TIMEOUT"
        data["settings"].append(Setting(env, "最长等待（秒）", f"{data['timeout_seconds']:g}"))
    data["settings"] = tuple(data["settings"])
    data["operations"] = tuple(data["operations"])
    return Connector(**data)
