"""What a channel is asked and tells, in our words; both wires give the same. Amounts are ``Decimal`` in 元."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from connectors._kit.http import Exchange
from connectors._kit.settings import PartySettings
from engine.core.clock import SHANGHAI
from engine.core.errors import Declined, Unreachable

# Which number a request is known by stays ours; ``absent``: the channel never heard of it.
STATES = ("absent", "working", "confirming", "issued", "seal_failed", "failed")
INTERNAL = "internal"
# What a channel refuses, by the word that both wires' codes are mapped to.
REFUSALS = {
    "no_stock": "可用的票号已用完，不能开票，请申请票号后重新提交",
    "login_lost": "开票员在电子税务局的登录已失效，请重新登录后重新提交",
    "limit": "超过了开票额度，请申请调整额度后重新提交",
    "already_red": "这张票已经红冲过，不能再次红冲",
    "red_refused": "红字信息确认单被购买方拒绝或已撤销，请与购买方联系后重新提交",
    "no_invoice": "对方没有这张票，请核对票号",
    "not_ready": "文件还没有生成，请稍后再取",
    "refused": "对方拒绝了这项请求，请管理员查看接口说明",
}


@dataclass(frozen=True)
class Told:
    """A request as the channel sees it. What follows ``state`` is known once it is issued; ``why`` of a failed one."""

    request_number: str
    state: str
    code: str = ""
    number: str = ""
    check_code: str = ""
    amount: Decimal | None = None
    issued_at: datetime | None = None
    why: str = ""
    exchange: Exchange | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Papers:
    """The invoice's two files."""

    pdf: bytes = field(repr=False)
    ofd: bytes = field(repr=False)


def open_again(told: Told, asked: Mapping[str, Any]) -> bool:
    """Whether a request may be handed in (again): nobody heard of it, or it failed and somebody wants it anew."""
    return told.state == "absent" or (told.state == "failed" and bool(asked["resubmit"]))


def moment(text: str) -> datetime:
    """``2026-03-02 10:00:00`` in Beijing. Raises ``ValueError``."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)


def refuse(party: PartySettings, codes: Mapping[str, str], code: str) -> NoReturn:
    """Raise what a channel's ``code`` means by its table ``codes``."""
    word = codes.get(code, "refused")
    if word == INTERNAL:
        raise Unreachable(f"「{party.title}」暂时不能服务")
    raise refusal(word)


def refusal(word: str) -> Declined:
    """The error of a word of ``REFUSALS``."""
    return Declined(REFUSALS[word], code=f"invoice_{word}")
