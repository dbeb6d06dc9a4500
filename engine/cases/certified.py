"""Opinions signed with a person's own certificate: what is signed, and whether a signature still fits what is kept.

The signature is a line of the record of its own (``KIND``), the next after the opinion it belongs to. What it covers
can be made again from the opinion's line at any time: whoever alters that line alters the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from engine.cases.record import JournalEntry
from engine.core import clock, operations, secrets
from engine.core.errors import AnjuError
from engine.core.operations import Answer, Call

KIND = "ca_signed"
SAID = ("completed", "opinion")
SIGN, CHECK = "esign.opinion", "esign.opinion_check"
DIFFERS = "签名与意见不符"


@dataclass(frozen=True)
class Certificate:
    """A signature as it is shown. ``problem``: why it does not count; empty where it was checked and holds."""

    name: str
    serial: str
    at: str
    problem: str = ""


def canonical(number: str, task_id: int, element_id: str, account: str, said: Mapping[str, Any]) -> str:
    """The text of an opinion: JSON, keys sorted, personal data in clear; ``said`` is what the record keeps."""
    whole = {
        "form": "anju-opinion-1",
        "case": number,
        "task": str(task_id),
        "step": element_id,
        "account": account,
        "said": secrets.unseal_tree(dict(said)),
    }
    return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS).decode()


def check(text: str, signature: str, account: str, name: str) -> Mapping[str, Any]:
    """What the connector finds: ``valid``, ``serial``, ``signed_at``, ``problem``. Asks nobody outside."""
    given = {"text": text, "signature": signature, "account": account, "name": name}
    operation = operations.find(CHECK)
    found = operation.run(Call(0, "", "", 0, "", "", "check", operation.load_inputs(given, {})))
    assert isinstance(found, Answer)
    return operation.check_outputs(found.variables)


def by_opinion(number: str, lines: Iterable[JournalEntry]) -> dict[int, Certificate]:
    """The signatures among ``lines`` of one case, in their order, by the number of the opinion each stands behind."""
    found: dict[int, Certificate] = {}
    said: JournalEntry | None = None
    for one in lines:
        if one.kind == KIND and said is not None and said.seq == one.seq - 1:
            found[said.seq] = _judged(number, said, one.payload or {})
        said = one if one.kind in SAID else None
    return found


def _judged(number: str, said: JournalEntry, kept: Mapping[str, Any]) -> Certificate:
    name, account, serial = (str(kept.get(part, "")) for part in ("name", "account", "serial"))
    at = str(kept.get("signed_at", ""))
    shown = clock.local(datetime.fromisoformat(at)).strftime("%Y-%m-%d %H:%M") if at else ""
    if said.payload is None:
        return Certificate(name, serial, shown, "意见已按规定删除，不能再核验")
    text = canonical(number, said.task_id or 0, said.element_id, account, said.payload)
    try:
        found = check(text, str(kept.get("signature", "")), account, name)
    except AnjuError as error:
        return Certificate(name, serial, shown, error.message)
    return Certificate(name, serial, shown, str(found["problem"]))
