"""``connector.yaml``: what a party is, which settings it takes, which operations it offers, how it is to be treated.

The fields are told one by one in ``connectors/README.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from marshmallow import Schema, ValidationError, post_load, validate, validates_schema
from marshmallow import fields as kinds

from engine.core.parties import Backoff, BreakerRules, OperationRules, Party, RateLimit

TRANSPORTS = {
    "http-json": "HTTP/JSON",
    "soap": "SOAP",
    "files": "批量文件",
    "frames": "TCP 报文",
    "webhooks": "对方推送",
    "mq": "消息中间件",
    "tables": "共享数据库",
    "local": "本机",
}
LEVELS = {"draft": "草稿", "rehearsed": "已用模拟方演练", "live": "已投入使用"}
# What every party suffers sooner or later; a simulator offers each, or the manifest says why not.
WEATHER = ("ok", "business_error", "http_500", "timeout", "slow", "changed_schema", "garbage", "outage", "recovery")


@dataclass(frozen=True)
class Setting:
    """One environment variable of a party. ``default`` None means that it must be given before the first call."""

    env: str
    title: str
    default: str | None = None
    secret: bool = False


@dataclass(frozen=True)
class Connector:
    """What a party's folder declares.

    ``settings`` includes ``ANJU_<PARTY>_TIMEOUT``, which every party has but a ``local`` one: that makes no call,
    so it has neither time-out nor rate limit. ``folder`` is where it lies, ``package`` how Python calls it.
    """

    party: str
    title: str
    transport: str
    owner: str
    level: str
    retries: int
    settings: tuple[Setting, ...]
    operations: Mapping[str, OperationRules]
    folder: Path
    package: str
    purpose: str = ""
    timeout_seconds: float = 0.0
    rate_limit: RateLimit = field(default_factory=RateLimit)
    backoff: Backoff = field(default_factory=Backoff)
    breaker: BreakerRules = field(default_factory=BreakerRules)
    exemptions: Mapping[str, str] = field(default_factory=dict)
    live: Mapping[str, str] = field(default_factory=dict)

    @property
    def timeout_env(self) -> str:
        """The variable that overrules ``timeout_seconds``."""
        return f"ANJU_{self.party.upper()}_TIMEOUT"

    @property
    def as_party(self) -> Party:
        """What the engine must know of it."""
        return Party(
            self.party,
            self.title,
            self.owner,
            self.level,
            self.transport,
            self.rate_limit,
            self.backoff,
            self.breaker,
            self.operations,
        )


def _schema(made: type, **given: kinds.Field[Any]) -> type[Schema]:
    """A schema for a dataclass of plain settings: every field of it is declared here, and becomes one."""
    assert {one.name for one in fields(made)} == set(given), made

    def make(_: Schema, data: dict[str, Any], **__: Any) -> Any:
        return made(**data)

    return type(f"_{made.__name__}Schema", (Schema,), {**given, "make": post_load(make)})


_POSITIVE = validate.Range(min=0, min_inclusive=False)
_TEXT = validate.Length(min=1)
_Setting = _schema(
    Setting,
    env=kinds.String(required=True, validate=validate.Regexp(r"^ANJU_[A-Z][A-Z0-9_]+$")),
    title=kinds.String(required=True, validate=_TEXT),
    default=kinds.String(),
    secret=kinds.Boolean(),
)
_Rate = _schema(
    RateLimit,
    calls=kinds.Integer(required=True, strict=True, validate=validate.Range(min=1)),
    seconds=kinds.Float(required=True, validate=_POSITIVE),
)
_Backoff = _schema(
    Backoff,
    first_seconds=kinds.Float(validate=_POSITIVE),
    factor=kinds.Float(validate=validate.Range(min=1)),
    most_seconds=kinds.Float(validate=_POSITIVE),
    jitter=kinds.Float(validate=validate.Range(min=0, max=1)),
)
_Breaker = _schema(
    BreakerRules,
    failures=kinds.Integer(strict=True, validate=validate.Range(min=1)),
    cool_down_seconds=kinds.Float(validate=_POSITIVE),
    probes=kinds.Integer(strict=True, validate=validate.Range(min=1)),
    release_per_second=kinds.Float(validate=_POSITIVE),
)
_Operation = _schema(
    OperationRules,
    consent=kinds.Boolean(),
    ordered=kinds.Boolean(),
    cost_fen=kinds.Integer(strict=True, validate=validate.Range(min=0)),
)


class _Live(Schema):
    """Who agreed that the party is used for real, when, and on what paper."""

    since = kinds.Date(required=True)
    agreed_by = kinds.String(required=True, validate=_TEXT)
    document = kinds.String(required=True, validate=_TEXT)


class _Connector(Schema):
    party = kinds.String(required=True, validate=validate.Regexp(r"^[a-z][a-z0-9_]{1,39}$"))
    title = kinds.String(required=True, validate=_TEXT)
    transport = kinds.String(required=True, validate=validate.OneOf(list(TRANSPORTS)))
    owner = kinds.String(required=True, validate=_TEXT)
    purpose = kinds.String()
    level = kinds.String(required=True, validate=validate.OneOf(list(LEVELS)))
    timeout_seconds = kinds.Float(validate=_POSITIVE)
    retries = kinds.Integer(required=True, strict=True, validate=validate.Range(min=0))
    rate_limit = kinds.Nested(_Rate)
    backoff = kinds.Nested(_Backoff)
    breaker = kinds.Nested(_Breaker)
    settings = kinds.List(kinds.Nested(_Setting), required=True)
    operations = kinds.Dict(keys=kinds.String(), values=kinds.Nested(_Operation), required=True, validate=_TEXT)
    exemptions = kinds.Dict(keys=kinds.String(), values=kinds.String(validate=validate.Length(min=8)))
    live = kinds.Nested(_Live)

    @validates_schema
    def check_calls(self, data: dict[str, Any], **_: Any) -> None:
        """What is called over a network has a time-out and a limit, and nothing else has."""
        given = {"timeout_seconds", "rate_limit"} & data.keys()
        if len(given) != (0 if data.get("transport") == "local" else 2):
            raise ValidationError("timeout_seconds and rate_limit: both, or none where transport is local")

    @validates_schema
    def check_names(self, data: dict[str, Any], **_: Any) -> None:
        """An operation carries its party's name; what is secret says so."""
        for name in data.get("operations", ()):
            if not name.startswith(f"{data.get('party')}."):
                raise ValidationError(f"{name}: an operation is called {data.get('party')}.…", "operations")
        if (data.get("level") == "live") != ("live" in data):
            raise ValidationError("level live needs live: {since, agreed_by, document}, and nothing else does", "live")


def folders(extra: tuple[Path, ...] = ()) -> list[Path]:
    """Every folder of ours that declares a party, in the order of their names."""
    places = (Path(__file__).parent.parent, *extra)
    return sorted((path.parent for place in places for path in place.glob("[a-z]*/connector.yaml")), key=_name)


def _name(folder: Path) -> str:
    return folder.name


def read(path: Path, package: str = "") -> Connector:
    """The manifest in ``path``. Raises ``ValueError`` that names the file and the faulty keys."""
    return _read(path, package or f"connectors.{path.parent.name}", path.stat().st_mtime_ns)


@lru_cache
def _read(path: Path, package: str, _changed: int) -> Connector:
    try:
        data: dict[str, Any] = _Connector().load(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        found = error.messages if isinstance(error, ValidationError) else error
        raise ValueError(f"{path.parent.name}/{path.name}: {found}") from error
    if data["party"] != path.parent.name:
        raise ValueError(f"{path.parent.name}/{path.name}: party is {data['party']}")
    if "timeout_seconds" in data:
        env = f"ANJU_{data['party'].upper()}_TIMEOUT"
        data["settings"].append(Setting(env, "最长等待（秒）", f"{data['timeout_seconds']:g}"))
    data["settings"] = tuple(data["settings"])
    data["live"] = {name: str(value) for name, value in data.get("live", {}).items()}
    return Connector(**data, folder=path.parent, package=package)
