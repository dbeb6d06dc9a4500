"""Identity and household checks, story by story."""

from __future__ import annotations

import pytest

from engine.core.errors import Declined, ModelFault
from engine.core.operations import Answer

from .conftest import World


def check(world: World, name: str, id_number: str, **more: object) -> Answer:
    inputs = {"name": name, "id_kind": "resident_id", "id_number": id_number, "consent": True, **more}
    answer = world.run("police.household", **inputs)
    assert isinstance(answer, Answer)
    return answer


def test_a_family_of_four_passes_and_all_are_listed(world: World) -> None:
    answer = check(world, "林秋实", "330106198803121014")
    assert answer.verdict == "pass"
    assert answer.variables["facts"]["household_size"] == 4
    assert [member["relation"] for member in answer.variables["facts"]["members"]] == ["户主", "配偶", "女儿", "母亲"]


def test_a_name_that_differs_from_the_register_fails(world: World) -> None:
    answer = check(world, "沈小雯", "440802199302141220")
    assert answer.verdict == "fail"
    assert answer.variables["facts"]["name_matches"] is False
    assert check(world, "沈晓雯", "440802199302141220", consent="SQ-2").verdict == "fail", "one key, one answer"


def test_a_deceased_person_fails_though_the_name_fits(world: World) -> None:
    answer = check(world, "冯广田", "440802194807201257")
    assert answer.verdict == "fail"
    assert answer.variables["facts"]["alive"] is False
    assert answer.variables["facts"]["name_matches"] is True
    assert answer.variables["summary"] == "公安人口库显示该人员已死亡"


def test_a_number_that_the_police_do_not_hold_is_unknown_and_never_fails(world: World) -> None:
    for number in ("440802199101031279", "330106200001011232"):
        answer = check(world, "谢南山", number)
        assert answer.verdict == "unknown"
        assert answer.variables["facts"] == {
            "household_number": None,
            "members": [],
            "alive": None,
            "name_matches": None,
            "household_size": 0,
        }


def test_another_kind_of_document_goes_to_a_person(world: World) -> None:
    answer = check(world, "SMITH", "P1234567", id_kind="passport")
    assert answer.verdict == "unknown"
    assert answer.variables["summary"] == "公安人口库不受理该证件类型，需人工核对"


@pytest.mark.parametrize("consent", [False, None, ""])
def test_without_consent_nobody_is_asked(world: World, consent: object) -> None:
    with pytest.raises(Declined) as raised:
        check(world, "林秋实", "330106198803121014", consent=consent)
    assert raised.value.code == "consent_missing"
    assert world.state.log("police") == []


def test_a_model_that_forgets_the_consent_is_told_so(world: World) -> None:
    with pytest.raises(ModelFault) as raised:
        world.run("police.household", name="林秋实", id_kind="resident_id", id_number="330106198803121014")
    assert "consent" in str(raised.value)


def test_the_evidence_holds_both_messages_and_shows_the_person_masked(world: World) -> None:
    kept = check(world, "林秋实", "330106198803121014").evidence
    assert kept is not None
    assert kept.subject == "林**（330*************14）"
    assert b"330106198803121014" in kept.request
    assert b"HZ330106001" in kept.response
    assert b"demo-police-key" not in kept.request


def test_an_answer_signed_by_somebody_else_is_not_taken(world: World) -> None:
    world.state.switch("police", "330106198803121014", "bad_signature")
    with pytest.raises(Exception, match="签名不正确") as raised:
        check(world, "林秋实", "330106198803121014")
    assert getattr(raised.value, "code", "") == "bad_signature"
