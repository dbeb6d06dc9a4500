"""What a channel tells, in our words; both wires give the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.core.errors import Declined

# Refusals to close an order, and what it has become.
ENDED = {"order_paid": "paid", "order_closed": "closed"}

# Of a day's bill: the order's number and 分; what went back is below zero.
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """An order as the channel sees it. ``state``: paid, unpaid, absent, closed; the rest is known when paid."""

    number: str
    state: str
    transaction: str = ""
    fen: int = 0
    paid_at: datetime | None = None


@dataclass(frozen=True)
class Refunded:
    """A refund. ``state``: done, sent, failed."""

    state: str
    day: date | None = None


def refused_close(error: Declined) -> str:
    """What an order has become that cannot be closed. Raises ``error`` again where it tells nothing of that."""
    if error.code not in ENDED:
        raise error
    return ENDED[error.code]


def fen(yuan: str) -> int:
    """``88.10`` → 8810. Raises ``ValueError`` for anything that is no amount of whole 分."""
    try:
        amount = Decimal(yuan.strip()) * 100
    except InvalidOperation:
        raise ValueError("not an amount") from None
    if not amount.is_finite() or amount != amount.to_integral_value() or abs(amount) > 10**12:
        raise ValueError("not an amount of whole 分")
    return int(amount)


def yuan(amount: int) -> str:
    """8810 → ``88.10``."""
    return f"{amount // 100}.{amount % 100:02d}"
