"""File profiles: golden files by hand from a description, faults by place, differences of a match."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._kit.files import FileFault, Profile, Reader, compile_profile, match
from connectors._kit.files.bench import measure
from engine.core.errors import Refused

HERE = Path(__file__).parent / "files"

SENT = [
    {"number": 1, "account": "6222021001", "name": "林秋实", "amount": 45000},
    {"number": 2, "account": "6222021002", "name": "欧阳镕", "amount": 120},
    {"number": 3, "account": "6222021003", "name": "A|B", "amount": 5},
]
# By the description in fixed.yaml: 4 + 12 + 10 + 9 bytes; a Chinese character takes two in GB18030.
FIXED = (
    b"H20261105BATCH001" + b"\r\n"
    b"00016222021001  " + "林秋实".encode("gb18030") + b"    " + b"000045000\r\n"
    b"00026222021002  " + "欧阳镕".encode("gb18030") + b"    " + b"000000120\r\n"
    b"00036222021003  A|B       000000005\r\n"
    b"T0003000000045125\r\n"
)


def profile(name: str, **changes: Any) -> Profile:
    declared = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return compile_profile({**declared, **changes}, name)


def read(profile: Profile, content: bytes) -> list[dict[str, Any]]:
    return list(profile.read(content, "a.txt"))


def test_a_file_of_fixed_bytes_is_written_as_described() -> None:
    built = profile("fixed.yaml").build(SENT, {"day": date(2026, 11, 5), "batch": "BATCH001"})
    assert b"".join(built) == FIXED


def test_a_file_of_fixed_bytes_is_read_as_described() -> None:
    reader = profile("fixed.yaml").read(FIXED)
    assert list(reader) == SENT
    assert reader.head == {"day": date(2026, 11, 5), "batch": "BATCH001"}
    assert reader.trailer == {"count": 3, "amount": 45125}
    assert not any(total.differs for total in reader.totals)


def test_chunks_of_any_size_give_the_same_lines() -> None:
    for size in (1, 2, 7):
        chunks = (FIXED[at : at + size] for at in range(0, len(FIXED), size))
        assert list(profile("fixed.yaml").read(chunks)) == SENT


# By the description in separated.yaml: three characters between columns, a first line that begins with a mark.
SEPARATED = (
    "$2@|$200.00@|$1@|$150.00\n"
    "1@|$6222021001@|$林秋实@|$150.00@|$0000@|$\n"
    "2@|$6222021002@|$孙|年@|$50.00@|$E014@|$余额不足\n"
).encode("gb18030")


def separated() -> Profile:
    return profile("separated.yaml")


def test_a_result_file_carries_our_meaning_of_the_banks_codes() -> None:
    lines = read(separated(), SEPARATED)
    assert [line["result"].outcome for line in lines] == ["ok", "failed"]
    assert [line["result"].code for line in lines] == ["paid", "insufficient_funds"]
    assert [line["amount"] for line in lines] == [15000, 5000]
    assert lines[1]["name"] == "孙|年"


def test_a_code_that_nobody_mapped_is_never_a_success() -> None:
    content = SEPARATED.replace(b"0000", b"9999")
    reader = separated().read(content)
    result = next(iter(reader))["result"]
    assert (result.outcome, result.bank_code) == ("unknown", "9999")


def test_a_total_of_the_successes_alone_is_counted_and_compared() -> None:
    reader = separated().read(SEPARATED.replace(b"$1@|$150.00\n1", b"$2@|$150.00\n1"))
    list(reader)
    assert [(total.field, total.declared, total.counted) for total in reader.totals if total.differs] == [
        ("ok_count", 2, 1)
    ]


def test_a_second_byte_that_looks_like_the_separator_separates_nothing() -> None:
    """«瞸» is b2 7c in GB18030: its second byte is a vertical bar."""
    name = b"\xb2\x7c".decode("gb18030")
    bars = compile_profile(
        {
            "name": "bars",
            "title": "竖线",
            "encoding": "gb18030",
            "separator": "|",
            "body": [{"name": "name", "kind": "text"}, {"name": "note", "kind": "text"}],
        }
    )
    content = b"".join(bars.build([{"name": name, "note": "b"}]))
    assert content == b"\xb2\x7c|b\r\n"
    assert read(bars, content) == [{"name": name, "note": "b"}]


@pytest.mark.parametrize(
    ("content", "line", "column", "field"),
    [
        (FIXED.replace(b"000000120", b"00000012"), 3, 0, ""),
        (FIXED.replace(b"000000120", b"0000001 0"), 3, 27, "金额"),
        (FIXED.replace(b"000000120", b"00000_120"), 3, 27, "金额"),
        (FIXED.replace(b"6222021002", b"62220210\xef\xbc"), 3, 5, "账号"),
        (FIXED.replace("欧阳镕".encode("gb18030"), b"\xc5\xb7\xd1\xf4\xc8 "), 3, 17, "户名"),
        (FIXED.replace(b"A|B", b"A\x00B"), 4, 18, ""),
        (FIXED.replace(b"A|B", b"A\nB"), 4, 18, ""),
        (FIXED.replace(b"H2026", b"X2026"), 1, 1, "标记"),
        (FIXED.replace(b"20261105", b"20261305"), 1, 2, "日期"),
        (FIXED.replace(b"T0003000000045125\r\n", b""), 4, 0, ""),
        (FIXED[:-2], 5, 0, ""),
        (FIXED[:17] + b"\r\n", 2, 0, ""),
        (b"\xef\xbb\xbf" + FIXED, 1, 1, ""),
        (b"", 1, 0, ""),
    ],
    ids=[
        "too short",
        "a space in a number",
        "an underscore in a number",
        "half a character",
        "a torn character",
        "a null",
        "a line end inside",
        "no head",
        "no such day",
        "no trailer",
        "cut off",
        "only a head",
        "a BOM",
        "empty",
    ],
)
def test_a_line_that_does_not_hold_is_a_fault_with_its_place(
    content: bytes, line: int, column: int, field: str
) -> None:
    with pytest.raises(FileFault) as caught:
        read(profile("fixed.yaml"), content)
    assert (caught.value.line, caught.value.column, caught.value.field) == (line, column, field)
    assert "「a.txt」" in caught.value.message
    assert "欧阳" not in caught.value.message


@given(st.sampled_from(["fixed", "separated"]), st.integers(0, 200), st.binary(min_size=1, max_size=4), st.booleans())
@settings(max_examples=100, deadline=None)
def test_whatever_is_in_a_file_it_is_read_or_faulted_by_place(kind: str, at: int, noise: bytes, cut: bool) -> None:
    content = FIXED if kind == "fixed" else SEPARATED
    spoilt = content[:at] + noise + (b"" if cut else content[at + len(noise) :])
    whole = profile(f"{kind}.yaml").read(spoilt, "a.txt")
    bytewise = profile(f"{kind}.yaml").read((spoilt[one : one + 1] for one in range(len(spoilt))), "a.txt")
    assert said(whole) == said(bytewise)


def said(reader: Reader) -> object:
    """The lines of a file, or what is wrong and where."""
    try:
        return list(reader)
    except FileFault as fault:
        return fault.message


@pytest.mark.parametrize("day", ["202611 5", "2026-1-1", "２０２６１１０５".encode("gb18030").decode("latin-1")])
def test_a_day_is_written_as_agreed_or_it_is_none(day: str) -> None:
    with pytest.raises(FileFault):
        read(profile("fixed.yaml"), FIXED.replace(b"20261105", day.encode("latin-1")))


def test_a_number_with_thousands_of_digits_is_a_fault() -> None:
    for digits in (b"9" * 5_000 + b".00", b"9" * 5_000):
        with pytest.raises(FileFault):
            read(
                separated(),
                SEPARATED.replace(b"150.00@|$0000", digits + b"@|$0000").replace(b"1@|$622", digits + b"@|$622"),
            )


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    endless = (b"9" * 1_000 for _ in range(1_000_000))
    with pytest.raises(FileFault, match="一行超过"):
        list(profile("fixed.yaml", max_line_bytes=4_096).read(endless))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"name": "欧阳" * 3}, "超过 10 字节"),
        ({"name": "a\nb"}, "控制字符"),
        ({"name": " a"}, "填充字符"),
        ({"name": ""}, "不能为空"),
        ({"amount": -1}, "不能为负数"),
        ({"amount": 1.5}, "应为整数"),
        ({"amount": True}, "应为整数"),
        ({"amount": 10**9}, "超过 9 字节"),
        ({"account": "６２２２"}, "应为数字"),
    ],
)
def test_a_value_that_would_not_come_back_is_refused(values: dict[str, Any], reason: str) -> None:
    head = {"day": date(2026, 11, 5), "batch": "BATCH001"}
    with pytest.raises(Refused, match=reason) as caught:
        b"".join(profile("fixed.yaml").build([{**SENT[0], **values}], head))
    assert "第 2 行" in caught.value.message


def test_a_given_total_that_does_not_hold_is_refused() -> None:
    head = {"day": date(2026, 11, 5), "batch": "B"}
    with pytest.raises(Refused, match="合计 amount"):
        b"".join(profile("fixed.yaml").build(SENT, head, {"amount": 1}))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"totals": [{"in": "trailer", "field": "sum"}]}, "sum is no number"),
        ({"key": ["nobody"]}, "nobody"),
        ({"encoding": "latin-1"}, "encoding"),
        ({"bom": "always"}, "BOM"),
        ({"separator": "|"}, "no width"),
        ({"body": [{"name": "a", "kind": "date", "width": 8}]}, "YYYYMMDD"),
        ({"results": {0: {"code": "paid", "outcome": "ok", "text": "成功"}}}, "quotes"),
        ({"body": [{"name": "a", "kind": "integer", "width": 8, "align": "left", "pad": "0"}]}, "zeros behind"),
    ],
)
def test_a_profile_that_cannot_work_is_told_when_it_is_read(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        profile("fixed.yaml", **changes)


def test_each_kind_of_difference_is_listed_and_nothing_doubtful_is_paired() -> None:
    received = [
        SENT[0],
        SENT[0],  # the same again
        {**SENT[1], "amount": 12000},  # another amount
        {**SENT[2], "number": 9},  # never sent; and line 3 is missing
    ]
    found = match(SENT, received, key=("number",), same=("account",))
    assert found.pairs == [(SENT[0], SENT[0])]
    assert [(each.kind, each.key, each.line) for each in found.differences] == [
        ("duplicate", "1", 2),
        ("amount", "2", 3),
        ("unknown", "9", 4),
        ("missing", "3", 0),
    ]
    assert (found.differences[1].expected, found.differences[1].found) == (120, 12000)
    assert not found.complete


def test_two_results_of_one_line_that_differ_leave_it_to_a_person() -> None:
    once, twice = {**SENT[0], "result": "ok"}, {**SENT[0], "result": "failed"}
    found = match(SENT[:1], [once, twice], key=("number",))
    assert not found.pairs
    assert [each.kind for each in found.differences] == ["contradiction"]


def test_a_wrong_total_of_a_file_is_a_difference_with_its_line() -> None:
    content = FIXED.replace(b"000000045125", b"000000045126")
    found = match(SENT, profile("fixed.yaml").read(content), key=("number",))
    assert len(found.pairs) == 3
    assert [str(each) for each in found.differences] == [
        "第 5 行文件申报的合计与各行不符（amount）：应为 45125，实为 45126"
    ]


def test_lines_of_a_file_are_named_by_their_place_in_it() -> None:
    content = FIXED.replace(b"000045000", b"000045001").replace(b"45125", b"45126")
    found = match(SENT, profile("fixed.yaml").read(content), key=("number",))
    assert [(each.kind, each.line) for each in found.differences] == [("amount", 2)]


def test_one_key_sent_twice_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="share a key"):
        match([SENT[0], SENT[0]], [], key=("number",))


def test_the_measure_names_every_figure() -> None:
    found = measure(200)
    assert set(found) == {f"{kind}.{what}" for kind in ("fixed", "separated") for what in ("build", "parse", "match")}
    assert min(found.values()) > 0
