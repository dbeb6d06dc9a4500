"""Posts and firms: who is a legal person, and whether a unit is what it says it is."""

from __future__ import annotations

import pytest

from engine.core.errors import Declined, ModelFault
from engine.core.operations import Answer

from .conftest import World

TRADING, STUDIO = "91330106MA2B0001XN", "91330106MA2CC20248"


def posts(world: World, name: str, id_number: str, **more: object) -> Answer:
    answer = world.run("market.posts", name=name, id_number=id_number, **{"consent": True, **more})
    assert isinstance(answer, Answer)
    return answer


def firm(world: World, uscc: str, name: str = "") -> Answer:
    answer = world.run("market.firm", uscc=uscc, firm_name=name)
    assert isinstance(answer, Answer)
    return answer


def test_the_head_of_a_living_firm_is_a_legal_person(world: World) -> None:
    found = posts(world, "陈思远", "330106198604161136").variables
    assert found["legal_person"] is True
    assert [(post["role"], post["state"], post["is_head"]) for post in found["posts"]] == [
        ("法定代表人", "存续", True),
        ("监事", "存续", False),
    ]
    assert "安居市思远商贸有限公司" in found["summary"]


@pytest.mark.parametrize(
    ("name", "id_number", "state"),
    [("郑海宁", "330106197906301152", "吊销，未注销"), ("冯广田", "440802194807201257", "注销")],
)
def test_the_head_of_a_firm_that_is_gone_is_none_any_more(world: World, name: str, id_number: str, state: str) -> None:
    found = posts(world, name, id_number).variables
    assert found["legal_person"] is False
    assert [post["state"] for post in found["posts"]] == [state]


def test_a_shareholder_is_not_a_legal_person(world: World) -> None:
    found = posts(world, "林秋实", "330106198803121014").variables
    assert found["legal_person"] is False
    assert found["posts"][0]["share"] == "0.5"


def test_having_no_post_is_an_answer_not_being_known_is_none(world: World) -> None:
    nothing = posts(world, "孙伯年", "330106196511091117")
    assert (nothing.verdict, nothing.variables["legal_person"]) == ("pass", False)
    unknown = posts(world, "王五", "330106200001011232", key="key-2")
    assert (unknown.verdict, unknown.variables["legal_person"]) == ("unknown", None)


def test_nobody_is_asked_about_without_consent(world: World) -> None:
    with pytest.raises(Declined) as raised:
        posts(world, "林秋实", "330106198803121014", consent=False)
    assert raised.value.code == "consent_missing"
    assert world.state.log("market") == []


def test_a_firm_on_the_register_under_its_name_passes(world: World) -> None:
    answer = firm(world, TRADING, "安居市思远商贸有限公司")
    assert answer.verdict == "pass"
    assert answer.variables["founded"] == "2018-05-11"
    assert answer.variables["legal_person"] == "陈思远"


def test_another_name_or_a_revoked_licence_fails(world: World) -> None:
    assert firm(world, TRADING, "安居市思源商贸有限公司").verdict == "fail"
    revoked = world.run("market.firm", key="key-2", uscc=STUDIO, firm_name="")
    assert isinstance(revoked, Answer)
    assert revoked.verdict == "fail"
    assert "吊销" in revoked.variables["summary"]


def test_a_code_whose_check_character_is_wrong_is_never_sent(world: World) -> None:
    with pytest.raises(ModelFault, match="统一社会信用代码"):
        firm(world, "91330106MA2B0001X0")
    assert world.state.log("market") == []
