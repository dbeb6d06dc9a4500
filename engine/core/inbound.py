"""What another party may bring in: plain events, read by its connector, turned into commands by the engine.

A reader gets body and headers, checks signature and replay window, and raises ``Refused`` where they do not hold. Each
event carries the party's ``message_id``: the same one has no second effect. How the party wants to be thanked or
refused is the connector's business too (``reply``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import orjson

from engine.core.errors import AnjuError
from engine.core.operations import LateAnswer

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class MessageCame:
    """A message for whichever case waits for ``name`` under ``key``; kept until one does."""

    party: str
    message_id: str
    name: str
    key: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AwaitedFile:
    """A file the party will let us have. ``ref``: its number there; ``code``: of the material it is."""

    ref: str
    code: str
    name: str
    sha256: str


@dataclass(frozen=True)
class CaseCame:
    """A case handed down by a platform: ``answers`` of the item's start form. ``region``: code of the office's area.

    The platform's own number of the case (``reference``) is a good ``message_id``: pushed twice, it is one case.
    ``files`` come later, each as ``FileCame``.
    """

    party: str
    message_id: str
    item: str
    answers: Mapping[str, Any]
    region: str
    channel: str = "platform"
    reference: str = ""
    files: tuple[AwaitedFile, ...] = ()


@dataclass(frozen=True)
class FileCame:
    """A file of a handed-down case: ``reference`` is the platform's number of the case, ``message_id`` the file's.

    ``done`` tells the party that we have it; one that was refused is offered again, as it may have overtaken its case.
    """

    party: str
    message_id: str
    reference: str
    name: str
    content: bytes = field(repr=False)
    done: Callable[[], None] = field(repr=False)


@dataclass(frozen=True)
class NoticeCame:
    """Anything else: ``kind`` names who takes it (``@takes("payment")``), ``content`` what it says, checked there."""

    party: str
    message_id: str
    kind: str
    content: Mapping[str, Any]


InboundEvent = LateAnswer | MessageCame | CaseCame | NoticeCame
# A file needs the store, which a round has at hand and a post to us has not.
Collected = InboundEvent | FileCame


@dataclass(frozen=True)
class Taken:
    """What came of a call: ``result`` as the engine gives it, or the ``error``. ``repeated``: it came before."""

    result: Mapping[str, Any] = field(default_factory=dict)
    repeated: bool = False
    error: AnjuError | None = None


@dataclass(frozen=True)
class Reply:
    """What the party is told. A status below 300 tells most parties not to come again."""

    body: bytes
    status: int = 200
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


Read = Callable[[bytes, Mapping[str, str]], InboundEvent | Sequence[InboundEvent]]
Write = Callable[[Taken], Reply]


def plain(taken: Taken) -> Reply:
    """``{"received": true, "repeated": …}``; an error is left to the web's own table."""
    if taken.error is not None:
        raise taken.error
    return Reply(orjson.dumps({"received": True, "repeated": taken.repeated, **taken.result}))


@dataclass(frozen=True)
class Reader:
    """How one address (``/inbound/<name>``) is read and answered."""

    read: Read
    reply: Write


_readers: dict[str, Reader] = {}


def inbound(name: str, reply: Write = plain) -> Callable[[Read], Read]:
    """Name the function that reads what comes to ``/inbound/<name>``; ``name`` is the party, or ``party/what``."""

    def add(read: Read) -> Read:
        _readers[name] = Reader(read, reply)
        return read

    return add


def reader(name: str) -> Reader | None:
    """The reader of an address, or None."""
    return _readers.get(name)


# --- what we fetch ourselves, at set times ----------------------------------------------------------------------


@dataclass(frozen=True)
class Reconciliation:
    """``theirs`` gives the party's rows of a day by key, to be held against the house's rows ``against``."""

    name: str
    party: str
    title: str
    against: str
    theirs: Callable[[date], Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Collection:
    """``fetch`` gives the events that lie ready at the party (files, queues); called again after ``every``."""

    party: str
    every: timedelta
    fetch: Callable[[], Iterable[Collected]]


_reconciliations: dict[str, Reconciliation] = {}
_collections: dict[str, Collection] = {}


def reconciliation(
    party: str, *, title: str, against: str
) -> Callable[[Callable[[date], Mapping[str, Mapping[str, Any]]]], Callable[[date], Mapping[str, Mapping[str, Any]]]]:
    """Name a daily comparison. ``theirs(day)`` raises ``Unreachable`` while their list is not there yet."""

    def add(theirs: Callable[[date], Mapping[str, Mapping[str, Any]]]) -> Any:
        name = f"{party}.{against}"
        _reconciliations[name] = Reconciliation(name, party, title, against, theirs)
        return theirs

    return add


def collection(party: str, *, every: timedelta) -> Callable[[Callable[[], Iterable[Collected]]], Any]:
    """Name the function that fetches what lies ready at a party that does not push."""

    def add(fetch: Callable[[], Iterable[Collected]]) -> Any:
        _collections[party] = Collection(party, every, fetch)
        return fetch

    return add


def reconciliations() -> dict[str, Reconciliation]:
    """Every comparison by name."""
    return dict(sorted(_reconciliations.items()))


def collections() -> dict[str, Collection]:
    """Every collection by party."""
    return dict(sorted(_collections.items()))
