"""Whatever a profile declares: what is built from lines is read back as the same lines."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._kit.files import compile_profile, match
from connectors._kit.files.kinds import CONTROL, MOMENTS
from connectors._kit.files.profile import Profile

NUMBERS = ("integer", "money")
RESULTS = {
    "0000": {"code": "paid", "outcome": "ok", "text": "成功"},
    "E1": {"code": "closed", "outcome": "failed", "text": "销户"},
}
# Printable ASCII, common and rare Chinese characters (four bytes in GB18030), and all sorts of separators.
ALPHABET = st.sampled_from([*map(chr, range(33, 127)), *"林秋实镕㑇䶮𠮷、￥｜é"])


@st.composite
def fields(draw: st.DrawFn, name: str, fixed: bool, key: bool = False) -> dict[str, Any]:
    kind = "integer" if key else draw(st.sampled_from(["text", "digits", *NUMBERS, *MOMENTS, "result", "constant"]))
    made: dict[str, Any] = {"name": name, "kind": kind, "required": key or draw(st.booleans())}
    if kind in NUMBERS:
        made["signed"] = draw(st.booleans())
        made["align"], made["pad"] = draw(st.sampled_from([("right", "0"), ("right", " "), ("left", " ")]))
    elif kind == "text":
        made["align"], made["pad"] = draw(st.sampled_from(["left", "right"])), draw(st.sampled_from([" ", "*", "0"]))
    if kind == "money":
        made["places"] = draw(st.sampled_from([0, 2]))
    if kind in MOMENTS:
        made["format"] = draw(st.sampled_from(sorted(MOMENTS[kind])))
    if kind == "constant":
        made["value"] = draw(st.sampled_from(["D", "END", "0"]))
    if fixed:
        made["width"] = draw(st.integers(24, 40))
    return made


def value(declared: dict[str, Any]) -> st.SearchStrategy[Any]:
    kind = declared["kind"]
    lowest = -(10**9) if declared.get("signed") else 0
    found: dict[str, st.SearchStrategy[Any]] = {
        "text": st.text(ALPHABET, min_size=1, max_size=5).filter(lambda text: not CONTROL.search(text)),
        "digits": st.text("0123456789", min_size=1, max_size=20),
        "integer": st.integers(lowest, 10**9),
        "money": st.integers(lowest, 10**12),
        "date": st.dates(date(900, 1, 1), date(9999, 12, 31)),
        "time": st.times().map(lambda one: time(one.hour, one.minute, one.second)),
        "moment": st.datetimes(datetime(1900, 1, 1)).map(lambda one: one.replace(microsecond=0, fold=0)),  # noqa: DTZ001
        "result": st.sampled_from(sorted(RESULTS)),
        "constant": st.none(),
    }
    one = found[kind]
    pad = declared.get("pad", " ")
    if kind == "text" and "width" in declared:
        one = one.filter(lambda text: text.strip(pad + " ") == text)
    return one if declared["required"] or kind == "constant" else st.none() | one


@st.composite
def files(draw: st.DrawFn) -> tuple[Profile, list[dict[str, Any]], bytes]:
    fixed = draw(st.booleans())
    names = ["key", *(f"f{number}" for number in range(draw(st.integers(1, 5))))]
    body = [draw(fields(name, fixed, name == "key")) for name in names]
    width = {"width": 20} if fixed else {}
    count = {"name": "count", "kind": "integer", **width}
    place = draw(st.sampled_from(["", "head", "trailer"]))
    declared: dict[str, Any] = {
        "name": "any",
        "title": "任意文件",
        "encoding": draw(st.sampled_from(["gb18030", "utf-8"])),
        "line_end": draw(st.sampled_from(["crlf", "lf", "any"])),
        "last_line_end": draw(st.sampled_from(["always", "never", "may"])),
        "body": body,
        "results": RESULTS,
        "key": ["key"],
    }
    if declared["encoding"] == "utf-8":
        declared["bom"] = draw(st.sampled_from(["never", "always", "may"]))
    if not fixed:
        declared["separator"] = draw(st.sampled_from(["|", ",", "@|$", "\t", "||", "aba"]))
        declared["escape"] = draw(st.sampled_from(["quote", "backslash"]))
        declared["closing_separator"] = draw(st.booleans())
    if place:
        declared[place] = [count]
        declared["totals"] = [{"in": place, "field": "count"}]
    profile = compile_profile(declared)
    lines = [
        {each["name"]: number if each["name"] == "key" else draw(value(each)) for each in body}
        for number in range(draw(st.integers(0, 4)))
    ]
    return profile, lines, b"".join(profile.build(lines))


@given(files(), st.integers(1, 9))
@settings(max_examples=80, deadline=None)
def test_what_is_built_by_any_profile_is_read_back_the_same(
    made: tuple[Profile, list[dict[str, Any]], bytes], size: int
) -> None:
    profile, lines, content = made
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    reader = profile.read(chunks)
    found = list(reader)
    silent = {field.name for field in profile.body.fields if field.kind == "constant"}
    wanted = [
        {name: profile.results.get(given, given) if isinstance(given, str) and name in results(profile) else given
         for name, given in line.items() if name not in silent}
        for line in lines
    ]  # fmt: skip
    assert found == wanted
    assert not any(total.differs for total in reader.totals)
    assert match(wanted, found, key=profile.key, amount="").complete


def results(profile: Profile) -> set[str]:
    return {field.name for field in profile.body.fields if field.kind == "result"}
