"""What every simulator stands on: seeded people, switchable scenarios, and a book of the calls that came in.

Only simulators use this; a connector's client never does. Nothing here knows how our side writes a message.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from flask import Request, Response

PEOPLE = Path(__file__).parents[1] / "people.yaml"
EVERYBODY = "*"
House = TypeVar("House")

# What any party can suffer; a party adds its own.
COMMON = {
    "ok": "正常应答",
    "business_error": "业务拒绝",
    "http_500": "内部错误（500）",
    "timeout": "已受理但不应答（超时）",
    "slow": "应答缓慢",
    "changed_schema": "应答字段改名",
    "garbage": "应答不是约定格式",
    "outage": "停机（503）",
    "recovery": "恢复正常",
}


class Refusal(Exception):
    """The simulated party says no; nothing is booked. ``content`` is what the party's codec writes."""

    def __init__(self, **content: Any) -> None:
        super().__init__("refused")
        self.content = content


@dataclass
class Timing:
    """Seconds. ``answer_within`` is what a late party promises, ``callback_pauses`` the pauses before each try."""

    slow: float = 1.5
    timeout: float = 8.0
    late: float = 2.0
    answer_within: int = 30
    callback_pauses: tuple[float, ...] = (0.0, 1.0, 3.0, 10.0)


@dataclass
class Switch:
    """A scenario in force; ``left`` None means until it is switched again."""

    scenario: str
    left: int | None = None


@dataclass
class Booking:
    """One piece of work the party did, however often it was asked for under the same request id."""

    party: str
    request_id: str
    operation: str
    subject: str
    scenario: str
    at: float
    content: dict[str, Any] = field(repr=False)
    calls: int = 1


@cache
def _seeded() -> list[dict[str, Any]]:
    """The seeded households, read once."""
    households: list[dict[str, Any]] = yaml.safe_load(PEOPLE.read_text(encoding="utf-8"))["households"]
    return households


class State:
    """All that the simulated parties remember. Safe for threads; gone when the process ends."""

    def __init__(self, timing: Timing | None = None) -> None:
        self.timing = timing or Timing()
        self.lock = threading.RLock()
        self.parties: dict[str, tuple[str, Mapping[str, str]]] = {}
        self.households = copy.deepcopy(_seeded())
        self.people: dict[str, dict[str, Any]] = {
            person["id_number"]: {**person, "household": household}
            for household in self.households
            for person in household["members"]
        }
        self._switches: dict[tuple[str, str], Switch] = {}
        self._bookings: dict[tuple[str, str, str], Booking] = {}
        self._shelves: dict[str, list[dict[str, Any]]] = {}
        self._houses: dict[str, Any] = {}

    def reset(self) -> None:
        """Forget bookings, switches and what the parties put aside; the people stay."""
        with self.lock:
            self._switches.clear()
            self._bookings.clear()
            self._shelves.clear()
            self._houses.clear()

    def shelf(self, party: str) -> list[dict[str, Any]]:
        """A list of a party's own; to be used under ``lock``."""
        return self._shelves.setdefault(party, [])

    def house(self, party: str, make: Callable[[], House]) -> House:
        """A party's own books, which ``make`` opens when they are first asked for."""
        with self.lock:
            if party not in self._houses:
                self._houses[party] = make()
            found: House = self._houses[party]
            return found

    # --- scenarios ------------------------------------------------------------------------------------------

    def switch(self, party: str, subject: str, scenario: str, times: int | None = None) -> None:
        """Put ``scenario`` in force for one subject (ID number or phone) or for everybody. Raises ``ValueError``."""
        if party not in self.parties or scenario not in self.parties[party][1]:
            raise ValueError(f"unknown party or scenario: {party} {scenario}")
        with self.lock:
            if scenario == "recovery":
                self._switches.pop((party, subject), None)
                if self._in_force(party, subject)[1] != "ok" and subject != EVERYBODY:
                    # The person's own story is trouble; to recover is to leave it.
                    self._switches[(party, subject)] = Switch("ok")
            else:
                self._switches[(party, subject)] = Switch(scenario, times)

    def shown(self, party: str, subject: str) -> str:
        """The scenario in force, without using it up: a party-wide outage, the subject's, everybody's, the story's."""
        with self.lock:
            return self._in_force(party, subject)[1]

    def take(self, party: str, subject: str) -> str:
        """The scenario for the call that is being served; counts down a limited one."""
        with self.lock:
            key, scenario = self._in_force(party, subject)
            switch = self._switches.get(key) if key else None
            if switch is not None and switch.left is not None:
                switch.left -= 1
                if switch.left <= 0 and key is not None:
                    del self._switches[key]
            return scenario

    def _in_force(self, party: str, subject: str) -> tuple[tuple[str, str] | None, str]:
        everybody, own = (party, EVERYBODY), (party, subject)
        if everybody in self._switches and self._switches[everybody].scenario == "outage":
            return everybody, "outage"
        for key in (own, everybody):
            if key in self._switches:
                return key, self._switches[key].scenario
        return None, self.people.get(subject, {}).get("scenarios", {}).get(party, "ok")

    # --- the book -------------------------------------------------------------------------------------------

    def book(
        self,
        party: str,
        request_id: str,
        operation: str,
        subject: str,
        scenario: str,
        work: Callable[[], Mapping[str, Any]],
    ) -> dict[str, Any]:
        """Do ``work`` once per request id; a repeat gets the same content. ``Refusal`` passes through unbooked."""
        with self.lock:
            booked = self._bookings.get((party, operation, request_id))
            if booked is not None:
                booked.calls += 1
                return copy.deepcopy(booked.content)
            content = dict(work())
            self._bookings[(party, operation, request_id)] = Booking(
                party, request_id, operation, hidden(subject), scenario, time.time(), content
            )
            return copy.deepcopy(content)

    def booked(self, party: str, operation: str, request_id: str) -> dict[str, Any] | None:
        """The content once given under that request id."""
        with self.lock:
            found = self._bookings.get((party, operation, request_id))
            return copy.deepcopy(found.content) if found else None

    def log(self, party: str = "") -> list[dict[str, Any]]:
        """The bookings in order, without what was said about the person."""
        with self.lock:
            return [
                {key: value for key, value in vars(booking).items() if key != "content"}
                for booking in self._bookings.values()
                if party in ("", booking.party)
            ]


def serve(
    state: State,
    request: Request,
    party: str,
    operation: str,
    subject: str,
    work: Callable[[str], Mapping[str, Any]],
    encode: Callable[[Mapping[str, Any], str], Response],
    *,
    once: bool = True,
) -> Response:
    """One call: suffer the scenario in force, do the work once per ``X-Request-Id``, write the answer.

    ``work`` takes the scenario and returns content or raises ``Refusal``; ``encode`` writes content for the wire. A
    question about the state of earlier work is asked anew each time: ``once`` False.
    """
    request_id = request.headers.get("X-Request-Id", "")
    if not request_id:
        return Response("X-Request-Id is missing", 400, content_type="text/plain")
    scenario = state.take(party, subject)
    if scenario == "outage":
        return Response("maintenance", 503, content_type="text/html")
    if scenario == "http_500":
        return Response("<h1>Internal Server Error</h1>", 500, content_type="text/html")
    try:
        content: Mapping[str, Any] = (
            state.book(party, request_id, operation, subject, scenario, lambda: work(scenario))
            if once
            else work(scenario)
        )
    except Refusal as refusal:
        content = refusal.content
    if scenario in ("slow", "timeout"):
        time.sleep(state.timing.slow if scenario == "slow" else state.timing.timeout)
    if scenario == "garbage":
        return Response(b'{"code": "0", \x00<html>', 200, content_type="application/json")
    return encode(content, scenario)


def every_second(work: Callable[[], object]) -> None:
    """Do ``work`` day and night, in a thread that ends with the process: what goes out by itself in the demo."""

    def day_and_night() -> None:
        while True:
            work()
            time.sleep(1)

    threading.Thread(target=day_and_night, daemon=True).start()


def hidden(subject: str) -> str:
    """An ID number or phone with its middle hidden."""
    return subject[:3] + "*" * (len(subject) - 5) + subject[-2:] if len(subject) > 5 else subject


def sign(secret: str, verb: str, path: str, body: bytes, *, broken: bool = False) -> dict[str, str]:
    """The party's own signature headers; ``broken`` makes one that does not hold."""
    timestamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    digest.update("\n".join((verb, path, timestamp, "")).encode())
    digest.update(b"broken" if broken else body)
    return {"X-Timestamp": timestamp, "X-Signature": digest.hexdigest()}


def signature_holds(secret: str, request: Request, path: str, window: int = 300) -> bool:
    """Whether a request to ``path`` carries a fresh signature made with ``secret``."""
    timestamp = request.headers.get("X-Timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > window:
        return False
    digest = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    digest.update("\n".join((request.method, path, timestamp, "")).encode())
    digest.update(request.get_data())
    return hmac.compare_digest(digest.hexdigest().encode(), request.headers.get("X-Signature", "").encode())
