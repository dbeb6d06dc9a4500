"""The wire of the banks: files in an agreed place. The only file that knows where they lie and what they are called."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from connectors._kit import settings
from connectors._kit.depots import Delivered, Depot, Entry, FolderDepot
from connectors._kit.files import Profile, load
from connectors._kit.sftp import Access, sftp_depot
from engine.core.errors import OutsideFault
from engine.core.payment_list import Payment

PROFILES = Path(__file__).parent / "profiles"
TITLES = {"jia": "甲银行", "yi": "乙银行", "bing": "丙银行"}
# Ours → what the banks call the business, in the file and in its name.
KINDS = {"deduction": ("DK", "KK"), "payment": ("DF", "DF")}
ACK, RESULT, MOVEMENTS = "HZ", "JG", "MX"
FLAG = ".ok"


@dataclass(frozen=True)
class Fetched:
    """A file that lay ready. ``kind`` is ``ACK``, ``RESULT`` or ``MOVEMENTS``."""

    bank: str
    kind: str
    name: str
    content: bytes

    @property
    def sha(self) -> str:
        """What the file is, whatever it is called."""
        return hashlib.sha256(self.content).hexdigest()


@cache
def profile(bank: str, kind: str) -> Profile:
    """The bank's format of ``order``, ``ack``, ``result`` or ``movements``."""
    return load(PROFILES / f"{bank}.{kind}.yaml")


def order(bank: str, kind: str, batch: str, day: date, payments: Sequence[Payment]) -> bytes:
    """The file that asks the bank to collect or to pay. Raises ``Refused`` where a value does not fit the format."""
    lines = (
        {
            "number": one.number,
            "account": one.account,
            "holder": one.holder,
            "amount": one.amount_fen,
            "note": one.note,
        }
        for one in payments
    )
    return b"".join(profile(bank, "order").build(lines, {"batch": batch, "kind": KINDS[kind][0], "day": day}))


def send(bank: str, kind: str, batch: str, content: bytes) -> Delivered:
    """Leave the file. The same bytes again are done already. Raises ``Unreachable`` and ``OutsideFault``."""
    with _depot(bank) as depot:
        return depot.put(f"{KINDS[kind][1]}{batch}.txt", content)


def fetch(bank: str) -> Iterator[Fetched]:
    """Every file that lies ready; each is put aside when the next one is asked for, so that none is lost."""
    with _depot(bank) as depot, tempfile.TemporaryDirectory() as folder:
        for kind in (ACK, RESULT, MOVEMENTS):
            for entry in depot.waiting(f"{kind}*.txt"):
                yield _fetched(depot, bank, kind, entry, Path(folder))
                depot.archive(entry.name)


def _fetched(depot: Depot, bank: str, kind: str, entry: Entry, folder: Path) -> Fetched:
    return Fetched(bank, kind, entry.name, depot.fetch(entry.name, folder).read_bytes())


@contextmanager
def _depot(bank: str) -> Iterator[Depot]:
    party = settings.of("bank")
    env = f"ANJU_BANK_{bank.upper()}"
    address, title = party.text(env), TITLES[bank]
    if address.startswith("folder:"):
        folder = Path(address.removeprefix("folder:"))
        if not folder.is_dir():
            raise OutsideFault(f"「{title}」的交换目录不存在，请管理员核对 {env}", code="no_folder")
        yield FolderDepot(folder, title, FLAG)
        return
    parts = urlsplit(address)
    access = Access(
        parts.hostname or "",
        parts.port or 22,
        parts.username or "",
        party.text(f"{env}_HOST_KEY"),
        password=party.text(f"{env}_SECRET"),
        folder=parts.path or ".",
    )
    with sftp_depot(access, title, FLAG) as depot:
        yield depot
