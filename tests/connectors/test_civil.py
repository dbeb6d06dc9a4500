"""Marriage, hardship and cremation: what a register tells of a day, and what its silence does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from engine.core.errors import Declined
from engine.core.operations import Answer

from .conftest import World

WIRE = Path("connectors/civil/wire")
HAIQING = {"name": "陈思远", "id_number": "330106198604161136"}


def ask(world: World, operation: str, key: str = "key-1", **inputs: object) -> Answer:
    answer = world.run(f"civil.{operation}", key=key, **inputs)
    assert isinstance(answer, Answer)
    return answer


def same(one: bytes, other: bytes) -> bool:
    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
    bodies = (etree.fromstring(each, parser)[0] for each in (one, other))
    return (
        len({etree.canonicalize(etree.tostring(body, encoding="unicode"), rewrite_prefixes=True) for body in bodies})
        == 1
    )


def test_the_state_is_that_of_the_day_asked_about(world: World) -> None:
    before = ask(world, "marriage", "k1", consent=True, day="2015-01-01", **HAIQING).variables
    after = ask(world, "marriage", "k2", consent=True, day="2021-06-01", **HAIQING).variables
    assert (before["state"], before["spouse_name"]) == ("married", "何青青")
    assert (after["state"], after["since"], after["spouse_name"]) == ("divorced", "2021-06-01", None)
    assert [entry["event"] for entry in after["history"]] == ["结婚登记", "离婚登记"]


def test_before_the_first_entry_nothing_is_known_and_nobody_is_called_single(world: World) -> None:
    answer = ask(world, "marriage", consent=True, day="2010-01-01", **HAIQING)
    assert (answer.verdict, answer.variables["state"]) == ("unknown", None)
    never = ask(world, "marriage", "k2", consent=True, name="孙伯年", id_number="330106196511091117")
    assert (never.verdict, never.variables["state"]) == ("unknown", None)
    assert "1995-01-01" in never.variables["summary"]


def test_a_certificate_issued_anew_changes_nothing(world: World) -> None:
    found = ask(world, "marriage", consent="SQ-1", name="郑海宁", id_number="330106197906301152").variables
    assert (found["state"], found["since"]) == ("married", "2008-08-08")
    assert found["history"][-1]["event"] == "补领证件"


def test_an_aid_that_ended_does_not_make_a_household_poor_today(world: World) -> None:
    one = {"name": "孙伯年", "id_number": "330106196511091117", "consent": True}
    assert ask(world, "hardship", "k1", day="2023-12-31", **one).variables["aids"] == ["最低生活保障"]
    now = ask(world, "hardship", "k2", day="2026-01-05", **one).variables
    assert now["aids"] == ["低收入家庭"]
    assert len(now["benefits"]) == 2
    none = ask(world, "hardship", "k3", name="林秋实", id_number="330106198803121014", consent=True)
    assert (none.verdict, none.variables["in_hardship"]) == ("pass", False)


def test_a_cremation_is_a_fact_and_none_is_not(world: World) -> None:
    dead = ask(world, "cremation", name="冯广田", id_number="440802194807201257")
    assert (dead.verdict, dead.variables["cremated_on"]) == ("fail", "2024-11-02")
    alive = ask(world, "cremation", "k2", name="林秋实", id_number="330106198803121014")
    assert (alive.verdict, alive.variables["deceased"]) == ("unknown", None)


def test_nobody_is_asked_about_without_consent(world: World) -> None:
    for operation in ("marriage", "hardship"):
        with pytest.raises(Declined) as raised:
            ask(world, operation, consent=False, **HAIQING)
        assert raised.value.code == "consent_missing"
    assert world.state.log("civil") == []


def test_both_sides_write_what_the_interface_says(world: World) -> None:
    answer = ask(
        world,
        "marriage",
        "golden-0001",
        consent="BZSQ-2026-000001",
        name="郑海宁",
        id_number="330106197906301152",
        day="2026-01-05",
    )
    assert answer.evidence is not None
    assert same(answer.evidence.request, (WIRE / "marriage.request.xml").read_bytes())
    assert same(answer.evidence.response, (WIRE / "marriage.answer.xml").read_bytes())


def test_a_difference_of_one_character_would_be_noticed() -> None:
    golden = (WIRE / "marriage.request.xml").read_bytes()
    assert not same(golden, golden.replace(b"golden-0001", b"golden-0002"))
