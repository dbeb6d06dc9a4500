"""The settings of each party: filled once by ``connectors.load_all``, read by its client at each call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors._kit.manifest import Connector
from engine.core.errors import OutsideFault, Refused
from engine.core.parties import RateLimit

PRODUCTION = "ANJU_PRODUCTION"


@dataclass(frozen=True)
class PartySettings:
    """What a client needs to know. ``values`` never shows in a repr: it holds secrets."""

    party: str
    title: str
    timeout: float
    rate_limit: RateLimit
    values: Mapping[str, str] = field(repr=False)

    def text(self, env: str) -> str:
        """The value of ``env``. Raises ``OutsideFault`` (``not_configured``) where nobody gave one."""
        value = self.values.get(env, "")
        if not value:
            raise OutsideFault(f"「{self.title}」尚未配置，请管理员设置 {env}", code="not_configured")
        return value

    def url(self, env: str, path: str = "") -> str:
        """The address in ``env`` with ``path`` behind it."""
        return self.text(env).rstrip("/") + path

    def secret(self, env: str) -> bytes:
        """The value of ``env`` as key material."""
        return self.text(env).encode()


_parties: dict[str, PartySettings] = {}


def fill(connector: Connector, environ: Mapping[str, str]) -> None:
    """Take the party's settings from ``environ``; an empty value counts as not given. Raises ``Refused``."""
    values = {
        setting.env: value
        for setting in connector.settings
        if (value := environ.get(setting.env, "").strip() or setting.default)
    }
    for env, value in values.items():
        if env.endswith("_URL") and not value.startswith(("http://", "https://")):
            raise Refused(f"{env} 应以 http:// 或 https:// 开头", code="bad_setting")
    if connector.level == "live" or environ.get(PRODUCTION) == "1":
        _refuse_demo_secrets(connector, values)
    _parties[connector.party] = PartySettings(
        connector.party,
        connector.title,
        _seconds(connector.timeout_env, values[connector.timeout_env]) if connector.timeout_env in values else 0.0,
        connector.rate_limit,
        values,
    )


def _refuse_demo_secrets(connector: Connector, values: Mapping[str, str]) -> None:
    """What stands in the manifest is known to everybody: nobody may go to work with it."""
    for setting in connector.settings:
        if setting.secret and setting.default and values.get(setting.env) == setting.default:
            raise Refused(
                f"「{connector.title}」的{setting.title}仍是演示用的默认值，正式运行前请设置 {setting.env}",
                code="demo_secret",
            )


def of(party: str) -> PartySettings:
    """The settings of ``party``. Raises ``LookupError`` before ``connectors.load_all`` ran."""
    if party not in _parties:
        raise LookupError(f"connectors.load_all has not run: no settings for {party}")
    return _parties[party]


def _seconds(env: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 120:
        raise Refused(f"{env} 应为 0 到 120 之间的秒数", code="bad_setting")
    return seconds
