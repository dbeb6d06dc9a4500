"""Lays the answers out along the form: one entry per field and row, with what was sent and what stood before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from engine.catalog.form_own import fits_mask, is_masked
from engine.catalog.form_tree import MAX_DEPTH, MAX_ROWS, PERSONAL, Field, at, count_of, truth, whole
from engine.catalog.form_values import BLANKS, decimal_of
from engine.core.errors import InvalidAnswers

MAX_ENTRIES = 20_000
NOTHING: Any = object()
Place = tuple[str | int, ...]


@dataclasses.dataclass
class Entry:
    """One field in one row (or in the form itself).

    ``place`` is the way to the value, ``scope`` to the row that holds it, ``rows`` the row numbers from 0. ``answer``
    is what was sent (``NOTHING`` where empty), ``stands`` what the data holds. ``hidden``, ``kept`` (read-only) and
    ``computed`` are settled by FEEL. ``faults`` are found while reading, by error key.
    """

    field: Field
    place: Place
    scope: Place
    rows: tuple[int, ...]
    inside: Entry | None
    answer: Any = NOTHING
    stands: Any = NOTHING
    hidden: bool = False
    kept: bool = False
    computed: Any = None
    faults: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key of its messages: the field's id, in a list followed by the row numbers: ``phone.0``."""
        return ".".join([self.field.id, *map(str, self.rows)])

    @property
    def live(self) -> bool:
        """Whether the answer counts: shown, not read-only, and so are the lists around it."""
        return not (self.hidden or self.kept) and (self.inside is None or self.inside.live)

    @property
    def gone(self) -> bool:
        """Whether it or a list around it is hidden."""
        return self.hidden or (self.inside is not None and self.inside.gone)

    @property
    def covered(self) -> bool:
        """Whether a list around it is hidden or read-only, so that the list's own value decides."""
        return self.inside is not None and not self.inside.live

    @property
    def before(self) -> Any:
        """What the field holds without the answers: the data, else the form's default, else ``NOTHING``."""
        if self.stands is not NOTHING:
            return self.stands
        return self.field.raw.get("defaultValue", NOTHING)


class Entries:
    """All entries of one form for one set of answers, in the order of the form."""

    def __init__(self, answers: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self.answers, self.data = answers, data
        self.all: list[Entry] = []

    def gather(self, fields: tuple[Field, ...], scope: Place = (), inside: Entry | None = None, row: int = 0) -> None:
        """Lay out ``fields`` in one row, and the rows of the lists among them.

        Raises ``InvalidAnswers`` past the limits.
        """
        rows = (*inside.rows, row) if inside else ()
        for one in fields:
            if len(self.all) >= MAX_ENTRIES:
                raise refusal("填写的内容过多，请减少行数后再提交")
            entry = Entry(one, (*scope, *one.steps), scope, rows, inside)
            entry.answer = tidy(one, at(self.answers, entry.place), entry)
            entry.stands = _present(self.data, entry.place)
            entry.kept = one.type != "expression" and _may_be_kept(one)
            self.all.append(entry)
            if one.is_list:
                self.gather_rows(entry)

    def gather_rows(self, entry: Entry) -> None:
        sent = [] if entry.answer is NOTHING else entry.answer
        for number, row in enumerate(sent):
            if not isinstance(row, Mapping | None):
                entry.faults[f"{entry.key}.{number}"] = "这一行的内容无法识别，请删去后重新填写"
            self.gather(entry.field.rows, (*entry.place, number), entry, number)

    def earlier(self, entry: Entry) -> Iterator[Any]:
        """What the data holds for this field, in every row of the innermost list."""
        if not entry.rows:
            yield entry.stands
            return
        held = at(self.data, entry.scope[:-1])
        for number in range(len(held) if isinstance(held, list) else 0):
            yield at(self.data, (*entry.scope[:-1], number, *entry.field.steps))


def tidy(one: Field, answer: Any, entry: Entry) -> Any:
    """The answer, ``NOTHING`` where it is empty in form-js' sense or cannot be read at all (then with a fault)."""
    if one.type == "expression" or _empty(one, answer):
        return NOTHING
    if one.is_list:
        return _rows_of(answer, entry)
    if _too_deep(answer, MAX_DEPTH):
        entry.faults[entry.key] = "内容嵌套过深，无法保存，请重新填写"
        return NOTHING
    return answer


def refusal(text: str) -> InvalidAnswers:
    """The answers as a whole are refused: the sentence stands under the empty key and as the message."""
    return InvalidAnswers({"": [text]}, text)


def count_fault(entry: Entry) -> str | None:
    """Too few or too many rows: ``properties.min`` and ``max``, and a list that may not grow or shrink."""
    one = entry.field
    count = 0 if entry.answer is NOTHING else len(entry.answer)
    least = count_of(one.properties, "min") or (1 if one.required else 0)
    most = count_of(one.properties, "max")
    if one.raw.get("allowAddRemove") is False:
        usual = whole(one.raw.get("defaultRepetitions"))
        fixed = len(entry.stands) if isinstance(entry.stands, list) else 1 if usual is None else usual
        if count != fixed:
            return f"这里固定为 {fixed} 行，不能增减，请刷新页面后重新填写"
    if count < least:
        return one.ask if count == 0 else f"至少填写 {least} 行"
    if most is not None and count > most:
        return f"最多填写 {most} 行，请删去多余的"
    return None


def unmask(entry: Entry, entries: Entries) -> Any:
    """The number behind a mask the browser sent back untouched, ``NOTHING`` where the answer is no mask.

    A mask must fit one earlier value and one only: after a row was removed its number alone proves nothing.
    """
    if not entry.field.personal or not is_masked(entry.answer):
        return NOTHING
    held = [value for value in entries.earlier(entry) if isinstance(value, str) and value]
    fitting = {value for value in held if fits_mask(entry.answer, value)}
    if not fitting and not entry.rows and held and held[0].startswith("enc:") and "*" in entry.answer:
        fitting = {held[0]}
    if len(fitting) == 1:
        return fitting.pop()
    if entry.field.type in PERSONAL:
        entry.faults[entry.key] = f"请重新填写完整的{entry.field.label or '号码'}"
    return NOTHING


def for_feel(entry: Entry) -> Any:
    """The answer as FEEL sees it: numbers as numbers, emptiness as form-js holds it."""
    if entry.answer is NOTHING:
        return entry.field.empty
    if entry.field.type in ("number", "aj-amount"):
        return decimal_of(entry.answer)
    return entry.answer


def _rows_of(answer: Any, entry: Entry) -> Any:
    if not isinstance(answer, list):
        entry.faults[entry.key] = "列表的内容无法识别，请重新填写"
        return NOTHING
    if len(answer) > MAX_ROWS:
        entry.faults[entry.key] = f"最多填写 {MAX_ROWS} 行，请删去多余的"
        return NOTHING
    return answer


def _may_be_kept(one: Field) -> bool:
    """Read-only for certain, or by an expression that is still to be asked."""
    return truth(one.raw.get("disabled")) or truth(one.raw.get("readonly")) or "readonly" in one.feel


def _present(data: Any, place: Place) -> Any:
    holder = at(data, place[:-1])
    return holder[place[-1]] if isinstance(holder, Mapping) and place[-1] in holder else NOTHING


def _empty(one: Field, answer: Any) -> bool:
    if isinstance(answer, str):
        return not answer.strip(BLANKS)
    if one.type == "checkbox":
        return answer is None or (answer is False and one.required)
    return answer is None or answer == []


def _too_deep(value: Any, left: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_too_deep(one, left - 1) for one in inner)
