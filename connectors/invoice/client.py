"""What both channels have in common: what we ask and what we are told. The wires are in ``tax`` and ``fiscal``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from connectors._kit import settings
from connectors._kit.settings import PartySettings
from connectors.invoice import fiscal, tax
from connectors.invoice.told import STATES, Papers, Told, open_again, refusal

__all__ = ["CHANNELS", "STATES", "Papers", "Told", "channel", "open_again", "refusal"]


class Channel(Protocol):
    """One channel. Everything raises ``Unreachable``, ``Declined`` or another ``OutsideFault``. Amounts in 元."""

    def issue(self, asked: Mapping[str, Any], key: str) -> Told: ...

    def query(self, request_number: str, key: str) -> Told: ...

    def red(self, asked: Mapping[str, Any], key: str) -> Told: ...

    def download(self, asked: Mapping[str, Any], key: str) -> Papers: ...

    def callback(self, body: bytes, headers: Mapping[str, str]) -> Told: ...


CHANNELS: dict[str, Callable[[PartySettings], Channel]] = {"tax": tax.Tax, "fiscal": fiscal.Fiscal}


def channel(name: str) -> Channel:
    """The channel of that name, with the settings in force."""
    return CHANNELS[name](settings.of("invoice"))
