"""What both channels have in common: what we ask and what we are told. The wires are in ``wechat`` and ``alipay``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Protocol

from connectors._kit import settings
from connectors._kit.settings import PartySettings
from connectors.payment import alipay, wechat
from connectors.payment.told import Refunded, Row, Told

__all__ = ["CHANNELS", "Refunded", "Row", "Told", "channel"]


class Channel(Protocol):
    """One channel. Everything raises ``Unreachable``, ``Declined`` or another ``OutsideFault``. Amounts in 分."""

    def order(self, number: str, title: str, fen: int, expires: datetime, key: str) -> str: ...

    def query(self, number: str, key: str) -> Told: ...

    def close(self, number: str, key: str) -> str: ...

    def refund(self, asked: Mapping[str, Any], key: str) -> Refunded: ...

    def refund_query(self, asked: Mapping[str, Any], key: str) -> Refunded: ...

    def notice(self, body: bytes, headers: Mapping[str, str]) -> Told: ...

    def bill(self, day: date) -> Mapping[str, Row]: ...


CHANNELS: dict[str, Callable[[PartySettings], Channel]] = {"wechat": wechat.Wechat, "alipay": alipay.Alipay}


def channel(name: str) -> Channel:
    """The channel of that name, with the settings in force."""
    return CHANNELS[name](settings.of("payment"))
