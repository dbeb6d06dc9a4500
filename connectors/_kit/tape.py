"""Record what goes over the wire, without a person in it, and play it back: a rehearsal with real answers.

One tape may run in a process at a time, put in by ``running``; ``http.post`` asks it first and tells it afterwards.
Headers are not kept but for the answer's type: they hold tokens and signatures. An answer that was signed by our
shared key is signed again when it is played.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from connectors._kit.settings import PartySettings
from connectors._kit.signatures import signed
from engine.core.errors import Unreachable

# GB 11643 numbers, mobile phones, and bank cards as they stand in a text.
_NUMBERS = (
    (re.compile(rb"(?<!\d)[1-8]\d{5}(?:19|20)\d{9}[\dXx](?!\d)"), b"110101190001010007"),
    (re.compile(rb"(?<!\d)1[3-9]\d{9}(?!\d)"), b"19900000000"),
    (re.compile(rb"(?<!\d)62\d{14,17}(?!\d)"), b"6200000000000000"),
)
STAND_IN = "某人"
# Fields that hold a person's words in clear, wherever they stand in JSON or XML.
_PERSONAL = r"(?:\w*name|address|\w*certnumber|unitnumber|phone|mobile|email)"
# Whatever opens a door, by whoever gave it.
_OPENS = re.compile(r'("\w*(?:token|secret|password)"\s*:\s*)"[^"]*"', re.IGNORECASE)
HIDDEN = "***"
_JSON = re.compile(rf'("{_PERSONAL}"\s*:\s*)"[^"]*"', re.IGNORECASE)
_XML = re.compile(rf"(<(?:\w+:)?{_PERSONAL}>)[^<]*(?=</)", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One exchange as it is kept: no person, no secret. ``was_signed``: the answer carried a signature of our key."""

    party: str
    path: str
    status: int
    media_type: str
    was_signed: bool
    request: bytes = field(repr=False)
    response: bytes = field(repr=False)


@dataclass
class Tape:
    """Exchanges in their order. ``playing``: they answer instead of the party, each once, by path."""

    entries: list[Entry] = field(default_factory=list)
    playing: bool = False
    known: Mapping[str, str] = field(default_factory=dict)

    def keep(self, party: PartySettings, url: str, status: int, headers: Mapping[str, str], sent: Any) -> None:
        """Note an exchange; ``sent`` is (request, response)."""
        request, response = (scrub(body, {**self.known, **own(party)}) for body in sent)
        lower = {name.lower(): value for name, value in headers.items()}
        kept = (urlsplit(url).path, status, lower.get("content-type", ""), "x-signature" in lower)
        self.entries.append(Entry(party.party, *kept, request, response))

    def play(self, party: PartySettings, url: str, body: bytes) -> tuple[int, dict[str, str], bytes, bytes]:
        """Status, headers, ``body`` and the next answer kept for that address. Raises ``Unreachable`` at its end."""
        path = urlsplit(url).path
        found = next((one for one in self.entries if (one.party, one.path) == (party.party, path)), None)
        if found is None:
            raise Unreachable(f"录制的往来中没有「{party.title}」{path} 的下一次应答，请重新录制", code="tape_over")
        self.entries.remove(found)
        headers = {"Content-Type": found.media_type}
        if found.was_signed:
            secret = next(env for env in party.values if env.endswith("_SECRET"))
            headers.update(signed(party.secret(secret), "ANSWER", url, found.response))
        return found.status, headers, body, found.response

    def save(self, path: Path) -> None:
        """Write the tape as JSON lines."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(orjson.dumps(_plain(one)) + b"\n" for one in self.entries))


def load(path: Path) -> Tape:
    """A tape to be played."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    return Tape([Entry(**{**one, **_bytes(one)}) for one in lines], playing=True)


_running: Tape | None = None


@contextmanager
def running(tape: Tape) -> Iterator[Tape]:
    """Put ``tape`` in for the whole process while the block runs: a rehearsal makes its calls from several threads."""
    global _running
    before, _running = _running, tape
    try:
        yield tape
    finally:
        _running = before


def current() -> Tape | None:
    """The tape that runs, if any."""
    return _running


def own(party: PartySettings) -> dict[str, str]:
    """What of our settings a tape must not show, for ``scrub``."""
    return {value: HIDDEN for value in party.values.values() if len(value) > 5 and "://" not in value}


def scrub(body: bytes, known: Mapping[str, str]) -> bytes:
    """``body`` without the texts ``known`` to be personal, and without what looks like an identity or a phone."""
    for clear in sorted(known, key=len, reverse=True):
        body = body.replace(clear.encode(), known[clear].encode())
    for pattern, stand_in in _NUMBERS:
        body = pattern.sub(stand_in, body)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    text = _OPENS.sub(rf'\1"{HIDDEN}"', text)
    text = _JSON.sub(rf'\1"{STAND_IN}"', text)
    return _XML.sub(rf"\1{STAND_IN}", text).encode()


def _plain(one: Entry) -> dict[str, Any]:
    bodies = {name: _text(getattr(one, name)) for name in ("request", "response")}
    return {**vars(one), **bodies}


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(body).decode()


def _bytes(one: Mapping[str, Any]) -> dict[str, bytes]:
    found = {}
    for name in ("request", "response"):
        text = str(one[name])
        found[name] = base64.b64decode(text[7:]) if text.startswith("base64:") else text.encode()
    return found
