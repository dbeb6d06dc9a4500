"""Settings from the environment. An unknown ``ANJU_*`` refuses to start, so that a misspelling is never silent."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from engine.core.errors import Refused

ROOT = Path(__file__).resolve().parents[2]

PREFIX = "ANJU_"

# name → what it is for; shown by `anju settings`.
KNOWN = {
    "ANJU_PORT": "网页服务端口，默认 8000",
    "ANJU_DATA": "数据目录，默认 ./var",
    "ANJU_DATABASE_URL": "数据库地址，默认为数据目录中的 SQLite",
    "ANJU_KEYS": "加密密钥，写作 名称:base64，以逗号分隔，第一把用于新数据；默认在数据目录中生成",
    "ANJU_SECRET_KEY": "会话签名密钥，默认在数据目录中生成",
    "ANJU_PUBLIC_URL": "对外网址，用于验证二维码与回调，默认 http://127.0.0.1:端口",
    "ANJU_DEMO": "1 为演示模式：可移动时钟，显示演示账号与短信",
    "ANJU_API_OPEN": "1 为演示模式下本机调用接口不需凭据，以客户端 demo 的身份",
    "ANJU_SECURE_COOKIES": "1 为仅经 HTTPS 发送会话 Cookie",
    "ANJU_PRODUCTION": "1 为正式运行：接入方的密钥仍是演示默认值时拒绝启动",
    "ANJU_CITIZEN_INVOICE": "市民申请开票时的票种：fiscal 财政电子票据（默认），tax 数电发票",
    "ANJU_CONNECTORS": "另一个存放接入方的目录，其中每个子目录是一个接入方",
}


@dataclass(frozen=True)
class Config:
    """What one process runs with."""

    port: int
    data: Path
    database_url: str
    public_url: str
    demo: bool
    api_open: bool
    secure_cookies: bool
    keys: str
    secret_key: str
    citizen_invoice: str
    environ: Mapping[str, str]

    @property
    def sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.database_url.startswith("sqlite")


def load(environ: Mapping[str, str] | None = None, also_known: Iterable[str] = ()) -> Config:
    """Read the settings; ``also_known`` names those of the connectors. Raises ``Refused`` for unknown or bad ones."""
    env = dict(os.environ if environ is None else environ)
    known = set(KNOWN) | set(also_known)
    for name in sorted(env):
        if name.startswith(PREFIX) and name not in known:
            # Without the prefix that all share, or every name would be like every other.
            close = get_close_matches(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known], 1)
            hint = f"，是否想写 {PREFIX}{close[0]}" if close else ""
            raise Refused(f"不认识的设置 {name}{hint}。请更正或删除后再启动。", code="unknown_setting")
    data = Path(env.get("ANJU_DATA", "var")).resolve()
    port = _port(env.get("ANJU_PORT", "8000"))
    return Config(
        port=port,
        data=data,
        database_url=env.get("ANJU_DATABASE_URL") or f"sqlite:///{data / 'anju.db'}",
        public_url=env.get("ANJU_PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        demo=_flag(env, "ANJU_DEMO"),
        api_open=_open(env),
        secure_cookies=_flag(env, "ANJU_SECURE_COOKIES"),
        keys=env.get("ANJU_KEYS", ""),
        secret_key=env.get("ANJU_SECRET_KEY", ""),
        citizen_invoice=_one_of(env, "ANJU_CITIZEN_INVOICE", ("fiscal", "tax")),
        environ=env,
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65535:
        raise Refused(f"ANJU_PORT 应为 1 至 65534 的整数，现为 {text}", code="bad_setting")
    return int(text)


def _open(env: Mapping[str, str]) -> bool:
    if _flag(env, "ANJU_API_OPEN") and not _flag(env, "ANJU_DEMO"):
        raise Refused("ANJU_API_OPEN 只能用于演示模式（ANJU_DEMO=1），请去掉其中一项设置", code="bad_setting")
    return _flag(env, "ANJU_API_OPEN")


def _one_of(env: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """The value of a setting; the first of ``words`` where it is not set."""
    value = env.get(name, words[0])
    if value not in words:
        raise Refused(f"{name} 应为 {' 或 '.join(words)}，现为 {value}", code="bad_setting")
    return value


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "0")
    if value not in ("0", "1"):
        raise Refused(f"{name} 应为 0 或 1，现为 {value}", code="bad_setting")
    return value == "1"
