"""The books of the simulated platforms: requests and what becomes of them, notices, signatures.

Nothing of our client's codec is used here. Amounts in 分; times are seconds since 1970 of the platforms' own clock.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from connectors._kit import sandbox
from connectors.invoice import house_papers

TAX_SECRET = "demo-invoice-tax-key"  # noqa: S105 - known to everybody, of the simulator only
FISCAL_SECRET = b"demo-invoice-fiscal-key"
BEIJING = timezone(timedelta(hours=8))
# Requests that begin so are issued at once and at that moment: for rehearsals.
DEMO, DEMO_TIME = "DEMO", "2026-03-02 10:00:00"
TITLES = {"tax": "电子发票（普通发票）", "fiscal": "非税收入统一票据（电子）"}


@dataclass
class Bill:
    """One request. ``state``: working, issued, seal_failed, failed; ``then`` is what it becomes at ``ready_at``."""

    channel: str
    request: str
    amount: int
    payer: str
    lines: list[tuple[str, int]]
    notify_url: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    red_of: str = ""
    then: str = "issued"
    ready_at: float = 0.0
    state: str = "working"
    why: str = ""
    code: str = ""
    number: str = ""
    check: str = ""
    issued_at: str = ""
    handed_in: int = 1


@dataclass
class Slip:
    """A red-letter confirmation slip. ``state``: 01 nobody need agree, 02 with the buyer, 03 agreed, 04 refused."""

    request: str
    number: str
    blue: str
    state: str


@dataclass
class Notice:
    """What is to be posted, once; ``state`` may be older than the bill's."""

    bill: Bill
    due: float
    state: str
    forged: bool = False


class House:
    """All requests of both platforms."""

    def __init__(self) -> None:
        self.bills: dict[tuple[str, str], Bill] = {}
        self.slips: dict[str, Slip] = {}
        self.notices: list[Notice] = []
        self.thanked: list[int] = []
        self._issued = 0

    def place(self, bill: Bill) -> Bill:
        """Take a request; the same number again is the same bill, whatever it says now."""
        known = self.bills.get((bill.channel, bill.request))
        if known is not None:
            known.handed_in += 1
            return self.present(known)
        self.bills[bill.channel, bill.request] = bill
        return self.present(bill)

    def find(self, channel: str, request: str) -> Bill | None:
        """The bill of a request as it stands now."""
        found = self.bills.get((channel, request))
        return self.present(found) if found else None

    def numbered(self, channel: str, number: str) -> Bill | None:
        """The bill that carries a number."""
        found = [one for one in self.bills.values() if one.channel == channel and number and one.number == number]
        return found[0] if found else None

    def red_of(self, channel: str, number: str) -> Bill | None:
        """The red bill of a blue one, where there is any."""
        found = [one for one in self.bills.values() if one.channel == channel and one.red_of == number]
        return next((one for one in found if self.present(one).state != "failed"), None)

    def present(self, bill: Bill) -> Bill:
        """Let it become what it is by now."""
        if bill.state == "working" and time.time() >= bill.ready_at:
            bill.state = bill.then
            if bill.state in ("issued", "seal_failed"):
                self._number(bill)
        return bill

    def finish(self, channel: str, request: str) -> None:
        """Whatever is in the queue is done now; what could not be sealed is."""
        bill = self.bills[channel, request]
        bill.ready_at = 0.0
        if self.present(bill).state == "seal_failed":
            bill.state = "issued"

    def agree(self, request: str) -> None:
        """The buyer agrees to a slip."""
        self.slips[request].state = "03"

    def deliver(self, now: float) -> None:
        """Post what is due, each notice once whether it arrives or not."""
        for notice in [one for one in self.notices if one.due <= now]:
            self.notices.remove(notice)
            self.present(notice.bill)
            self.post(notice)

    def post(self, notice: Notice) -> None:
        """One notice on its way."""
        body, headers = message(notice)
        try:
            self.thanked.append(
                requests.post(notice.bill.notify_url, data=body, headers=headers, timeout=5).status_code
            )
        except requests.RequestException:
            self.thanked.append(0)

    def _number(self, bill: Bill) -> None:
        self._issued += 1
        bill.issued_at = DEMO_TIME if bill.request.startswith(DEMO) else local(time.time())
        if bill.channel == "tax":
            bill.number = f"26442{self._issued:015d}"
        else:
            bill.code, bill.number, bill.check = "44010126", f"{self._issued:010d}", f"{self._issued:06x}"


def local(at: float) -> str:
    """``2026-03-02 10:00:00`` in Beijing."""
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def yuan(fen: int) -> str:
    """-8810 → -88.10."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def fen(text: str) -> int:
    """-88.10 → -8810."""
    return int(Decimal(text) * 100)


# --- how the tax side writes --------------------------------------------------------------------------------------

TAX_STATES = {"working": "0", "issued": "1", "failed": "2", "seal_failed": "3"}


def tax_data(bill: Bill, state: str = "") -> dict[str, Any]:
    """A request as the tax side tells it."""
    state = state or bill.state
    told: dict[str, Any] = {"requestNo": bill.request, "status": TAX_STATES[state]}
    if state == "failed":
        return {**told, "failCode": bill.why}
    if state == "working":
        return told
    told |= {"invoiceNo": bill.number, "totalAmount": yuan(bill.amount), "issueTime": bill.issued_at}
    if state == "issued":
        told["files"] = {kind: f"/v1/files/{bill.number}.{kind}" for kind in ("pdf", "ofd")}
    return told


# --- how the finance side writes ----------------------------------------------------------------------------------

FISCAL_STATES = {"working": "1", "issued": "5", "failed": "2", "seal_failed": "4"}


def fiscal_data(bill: Bill, state: str = "") -> dict[str, Any]:
    """A request as the finance side tells it."""
    state = state or bill.state
    told: dict[str, Any] = {"busNo": bill.request, "state": FISCAL_STATES[state]}
    if state == "failed":
        return {**told, "failCode": bill.why}
    if state == "working":
        return told
    return {
        **told,
        "billBatchCode": bill.code,
        "billNo": bill.number,
        "random": bill.check,
        "totalAmt": bill.amount,
        "ivcDateTime": bill.issued_at,
    }


def mac(content: bytes) -> str:
    """HMAC-SM3 under the shared key, as hex."""
    made = HMAC(FISCAL_SECRET, hashes.SM3())
    made.update(content)
    return made.finalize().hex()


def envelope(result: str, content: Any, *, broken: bool = False, at: float | None = None) -> dict[str, str]:
    """A signed envelope around ``content``."""
    made = {
        "result": result,
        "data": base64.b64encode(json.dumps(content, ensure_ascii=False).encode()).decode(),
        "noise": secrets.token_hex(16),
        "timestamp": str(int(time.time() if at is None else at)),
    }
    text = "&".join(f"{name}={made[name]}" for name in sorted(made))
    return {**made, "sign": mac(b"broken" if broken else text.encode())}


def opened(given: Mapping[str, str]) -> dict[str, Any] | None:
    """What a request's envelope holds; None where its signature does not hold or is old."""
    text = "&".join(f"{name}={given[name]}" for name in sorted(given) if name != "sign" and given[name])
    if given.get("sign") != mac(text.encode()) or abs(time.time() - int(given["timestamp"])) > 300:
        return None
    found: dict[str, Any] = json.loads(base64.b64decode(given["data"]))
    return found


def message(notice: Notice) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a notice."""
    bill, kind = notice.bill, {"Content-Type": "application/json; charset=utf-8"}
    if bill.channel == "tax":
        body = json.dumps(tax_data(bill, notice.state), ensure_ascii=False).encode()
        signed = sandbox.sign(TAX_SECRET, "POST", urlsplit(bill.notify_url).path, body, broken=notice.forged)
        return body, {**kind, **signed}
    return json.dumps(envelope("S0000", fiscal_data(bill, notice.state), broken=notice.forged)).encode(), kind


# --- files --------------------------------------------------------------------------------------------------------


def file(bill: Bill, kind: str) -> bytes:
    """The PDF or the OFD of a bill."""
    facts = [("票号", bill.number), ("开票日期", bill.issued_at[:10])]
    if bill.channel == "fiscal":
        facts = [
            ("票据代码", bill.code),
            ("票据号码", bill.number),
            ("校验码", bill.check),
            ("开票日期", bill.issued_at[:10]),
        ]
    facts += [("购买方" if bill.channel == "tax" else "交款人", bill.payer), *bill.facts]
    title = ("红字" if bill.red_of else "") + TITLES[bill.channel]
    items = [(name, yuan(amount)) for name, amount in bill.lines]
    lines = house_papers.sheet(title, facts, items, yuan(bill.amount))
    return house_papers.pdf(lines) if kind == "pdf" else house_papers.ofd(lines)


def bundle(bill: Bill) -> bytes:
    """The zip that the finance side offers."""
    name = f"{bill.code}_{bill.number}"
    return house_papers.packed({f"{name}.pdf": file(bill, "pdf"), f"{name}.ofd": file(bill, "ofd")})
