"""What the platform hands out is judged by us: signed files, and signatures over an opinion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyhanko.sign.validation import SignatureCoverageLevel

from connectors._kit import papers, settings
from connectors._kit.signatures import wire_time
from connectors.esign.client import WINDOW_SECONDS
from engine.core import clock
from engine.core.errors import OutsideFault

NO_CERTIFICATE = "签约平台的根证书读不懂，请管理员核对 ANJU_ESIGN_ROOT"


@dataclass(frozen=True)
class Found:
    """One signature: by whom, with which certificate, when; ``holds``: intact, in its time, from the agreed root."""

    signer: str
    serial: str
    at: datetime | None
    holds: bool


@dataclass(frozen=True)
class Opinion:
    """A signature over a text. ``fits``: over this very text; ``problem``: why it does not count, or empty."""

    fits: bool
    serial: str
    at: datetime | None
    problem: str


def read_pdf(pdf: bytes) -> list[Found]:
    """The signatures in a file, the first made first. They hold only if nothing but signatures came after them."""
    found = papers.in_pdf(pdf, [_root()], clock.now())
    whole = bool(found) and found[-1].coverage == SignatureCoverageLevel.ENTIRE_FILE
    return [Found(_name(one), _serial(one), one.signer_reported_dt, bool(whole and one.bottom_line)) for one in found]


def check_signed(pdf: bytes, serials: Sequence[str]) -> list[Found]:
    """A downloaded file carries a sound signature of each certificate. Raises ``OutsideFault`` (``bad_document``)."""
    found = read_pdf(pdf)
    if not found or not all(one.holds for one in found) or not set(serials) <= {one.serial for one in found}:
        raise OutsideFault("签约平台交付的文件签名核验不通过，请勿使用，并与平台核实", code="bad_document")
    return found


def judge(text: bytes, signature: bytes, account: str, name: str, *, fresh: bool) -> Opinion:
    """Hold a signature against the text and the person. ``fresh``: made just now, not kept for years."""
    root = _root()
    first = papers.detached(text, signature, [root], clock.now())
    if first is None:
        return Opinion(False, "", None, "签名数据读不懂")
    at, serial = first.signer_reported_dt, _serial(first)
    if not (first.intact and first.valid):
        return Opinion(False, serial, at, "签名与意见不符")
    if at is None or (fresh and abs(wire_time() - at.timestamp()) > WINDOW_SECONDS):
        return Opinion(True, serial, at, "签名时间不可信")
    subject = first.signing_cert.subject.native
    if (subject.get("common_name"), subject.get("serial_number")) != (name, account):
        return Opinion(True, serial, at, "证书不是本人的")
    # Valid when it was signed: a certificate may have ended since.
    then = papers.detached(text, signature, [root], at)
    if then is None or not then.bottom_line:
        return Opinion(True, serial, at, "签名时证书已过期，或不是由约定的机构签发")
    return Opinion(True, serial, at, "")


def _root() -> Any:
    try:
        return papers.certificate(settings.of("esign").text("ANJU_ESIGN_ROOT"))
    except ValueError as error:
        raise OutsideFault(NO_CERTIFICATE, code="not_configured") from error


def _name(one: Any) -> str:
    return str(one.signing_cert.subject.native.get("common_name", ""))


def _serial(one: Any) -> str:
    return f"{one.signing_cert.serial_number:X}"
