"""Three simulated banks that read and write their files by hand; nothing of our profiles or codec is used here.

What becomes of a line hangs on the account's last two digits (``FATES``). ``House.work`` is what a bank does overnight.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify

from connectors._kit.sandbox import State, every_second
from connectors._kit.sftp_server import SftpServer
from connectors.bank.books import BANKS, Malformed, Order, Outcome

SCENARIOS = {
    "ok": "当日给出结果",
    "refused": "整批拒绝（协议暂停）",
    "late": "结果迟到",
    "twice": "结果给两遍",
    "missing_line": "结果少一行",
    "extra_line": "结果多一行",
    "wrong_total": "结果合计不符",
    "wrong_amount": "结果里一行金额不同",
}
# The last two digits of an account → what the bank finds.
FATES = {
    "01": "insufficient_funds",
    "02": "no_account",
    "03": "name_mismatch",
    "04": "account_closed",
    "05": "no_mandate",
    "06": "over_limit",
}
REVERSED_NEXT_DAY = "09"
OWN_ACCOUNT = "3300100020003000"
PATIENCE = 3
PLACES = Path("var/simulators")


@dataclass
class Held:
    """A result that the bank keeps back for some rounds."""

    name: str
    content: bytes
    rounds: int


@dataclass
class House:
    """One bank: its folder and its books. ``debits``: (batch, line) → 分 taken from the payer, once at most."""

    code: str
    folder: Path
    state: State
    debits: dict[tuple[str, int], int] = field(default_factory=dict)
    repeats: int = 0
    orders: dict[str, Order] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def work(self) -> int:
        """Take every order that lies whole in the folder; gives how many there were."""
        with self.lock:
            for one in list(self.held):
                one.rounds -= 1
                if one.rounds <= 0:
                    self.held.remove(one)
                    self._leave(one.name, one.content)
            taken = 0
            for path in sorted([*self.folder.glob("KK*.txt"), *self.folder.glob("DF*.txt")]):
                flag = path.with_name(path.name + ".ok")
                if flag.exists():
                    self._take(path.read_bytes(), path.stem[2:])
                    (self.folder / "taken").mkdir(exist_ok=True)
                    path.rename(self.folder / "taken" / f"{time.time_ns()}-{path.name}")
                    flag.unlink()
                    taken += 1
            return taken

    def movements(self, day: str) -> None:
        """Write the day's list of movements: what the batches moved, and what is taken back."""
        with self.lock:
            rows = []
            for order in self.orders.values():
                for number, account, holder, fen in order.lines:
                    if (order.batch, number) not in self.debits:
                        continue
                    serial = f"{self.code.upper()}{order.batch[-8:]}{number:08d}"
                    rows.append((serial, "C", fen, holder, account, order.batch, number, "", "批量"))
                    if account.endswith(REVERSED_NEXT_DAY):
                        rows.append((serial + "R", "D", fen, holder, account, order.batch, number, "R", "冲正"))
            self._leave(f"MX{day}.txt", BANKS[self.code].movements(OWN_ACCOUNT, day, rows))

    # --- inside ------------------------------------------------------------------------------------------------

    def _take(self, content: bytes, name: str) -> None:
        bank = BANKS[self.code]
        try:
            order = bank.order(content)
        except Malformed as wrong:
            self._leave(f"HZ{name}.txt", bank.ack(name, "2002", str(wrong)))
            return
        if order.batch in self.orders:
            self.repeats += 1
            self._leave(f"HZ{order.batch}_2.txt", bank.ack(order.batch, "2001", "批次号重复"))
            return
        scenario = self.state.take("bank", order.batch)
        if scenario == "refused":
            self._leave(f"HZ{order.batch}.txt", bank.ack(order.batch, "2003", "代扣协议暂停"))
            return
        self.orders[order.batch] = order
        self._leave(f"HZ{order.batch}.txt", bank.ack(order.batch, "0000", "已受理"))
        self._answer(order, scenario)

    def _answer(self, order: Order, scenario: str) -> None:
        outcomes: list[Outcome] = []
        for number, account, _, fen in order.lines:
            fate = FATES.get(account[-2:], "")
            if not fate:
                self.debits[order.batch, number] = fen
            outcomes.append((number, account, fen, fate, "" if fate else f"{self.code}{number:08d}"))
        result, name = BANKS[self.code].result, f"JG{order.batch}.txt"
        whole = result(order, outcomes, 0)
        if scenario == "late":
            self.held.append(Held(name, whole, PATIENCE))
        elif scenario == "twice":
            self._leave(name, whole)
            self._leave(f"JG{order.batch}_2.txt", whole)
        elif scenario == "missing_line":
            self._leave(name, result(order, outcomes[:-1], 0))
        elif scenario == "extra_line":
            stranger: Outcome = (len(outcomes) + 1, "6222000000009999", 100, "", "stranger")
            self._leave(name, result(order, [*outcomes, stranger], 0))
        elif scenario == "wrong_total":
            self._leave(name, result(order, outcomes, 1))
        elif scenario == "wrong_amount":
            number, account, fen, fate, serial = outcomes[0]
            self._leave(name, result(order, [(number, account, fen + 1, fate, serial), *outcomes[1:]], 0))
        else:
            self._leave(name, whole)

    def _leave(self, name: str, content: bytes) -> None:
        part = self.folder / (name + ".part")
        part.write_bytes(content)
        part.rename(self.folder / name)
        (self.folder / (name + ".ok")).write_bytes(b"")


@dataclass
class Street:
    """The banks of one ``state``, and the servers before two of them."""

    houses: dict[str, House]
    servers: dict[str, SftpServer] = field(default_factory=dict)


_streets: dict[int, tuple[State, Street]] = {}


def street(state: State) -> Street:
    """The banks of this ``state``, in folders of their own."""
    if id(state) not in _streets:
        base = Path(tempfile.mkdtemp(prefix="anju-banks-"))
        atexit.register(shutil.rmtree, base, ignore_errors=True)
        _streets[id(state)] = (state, Street(_houses(base, state)))
    return _streets[id(state)][1]


def _houses(base: Path, state: State) -> dict[str, House]:
    houses = {code: House(code, base / f"bank_{code}", state) for code in BANKS}
    for house in houses.values():
        house.folder.mkdir(parents=True, exist_ok=True)
    return houses


def create(state: State) -> Callable[..., Any]:
    """What the banks hold, for whoever looks: they are reached by files only."""
    app = Flask(__name__)

    @app.get("/")
    def told() -> Response:
        houses = _streets[id(state)][1].houses if id(state) in _streets else {}
        return jsonify({code: {"orders": len(one.orders), "debits": len(one.debits)} for code, one in houses.items()})

    return app


def settings(state: State, url: str) -> dict[str, str]:
    """Two banks behind SFTP, one a folder; they begin to serve when they are first asked for."""
    found = street(state)
    made = {"ANJU_BANK_BING": f"folder:{found.houses['bing'].folder}"}
    for code in ("jia", "yi"):
        if code not in found.servers:
            found.servers[code] = serve(found.houses[code])
        server = found.servers[code]
        made[f"ANJU_BANK_{code.upper()}"] = f"sftp://anju@127.0.0.1:{server.port}/"
        made[f"ANJU_BANK_{code.upper()}_HOST_KEY"] = server.host_key.fingerprint
    return made


def serve(house: House) -> SftpServer:
    """An SFTP server before a bank's folder, until the process ends."""
    server = SftpServer(house.folder, "anju", f"demo-bank-{house.code}")
    threading.Thread(target=server.run, daemon=True).start()
    atexit.register(server.stop)
    return server


def listen(state: State) -> None:
    """The demo's banks: folders where the manifest's defaults say, looked into every second."""
    houses = _houses(PLACES, state)
    _streets[id(state)] = (state, Street(houses))

    def look() -> None:
        for house in houses.values():
            house.work()

    every_second(look)
