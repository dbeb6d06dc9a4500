"""Vehicles of a person: what counts, what it cost, what is not known."""

from __future__ import annotations

import pytest

from connectors.vehicles.operations import hidden_plate
from engine.core.errors import Declined
from engine.core.operations import Answer

from .conftest import World


def owned(world: World, name: str, id_number: str, **more: object) -> Answer:
    answer = world.run("vehicles.owned", name=name, id_number=id_number, **{"consent": True, **more})
    assert isinstance(answer, Answer)
    return answer


def test_a_car_in_use_counts_with_its_price(world: World) -> None:
    found = owned(world, "陈思远", "330106198604161136").variables
    assert (found["count"], found["private_count"], found["price_fen"]) == (1, 1, 28_600_000)
    assert found["vehicles"][0]["plate"] == "浙A**882"


def test_a_car_struck_off_is_shown_but_does_not_count_and_an_unknown_price_stays_unknown(world: World) -> None:
    found = owned(world, "郑海宁", "330106197906301152").variables
    assert [(one["state"], one["counts"]) for one in found["vehicles"]] == [("注销", False), ("正常", True)]
    assert (found["count"], found["private_count"], found["price_fen"]) == (1, 0, None)


def test_no_car_is_an_answer_and_an_unknown_person_is_none(world: World) -> None:
    nothing = owned(world, "孙伯年", "330106196511091117")
    assert (nothing.verdict, nothing.variables["count"], nothing.variables["price_fen"]) == ("pass", 0, 0)
    unknown = owned(world, "王五", "330106200001011232", key="key-2")
    assert (unknown.verdict, unknown.variables["count"]) == ("unknown", None)


def test_nobody_is_asked_about_without_consent(world: World) -> None:
    with pytest.raises(Declined) as raised:
        owned(world, "陈思远", "330106198604161136", consent=None)
    assert raised.value.code == "consent_missing"
    assert world.state.log("vehicles") == []


def test_a_used_up_quota_is_told_as_such(world: World) -> None:
    world.state.switch("vehicles", "330106198604161136", "quota")
    with pytest.raises(Declined, match="次数") as raised:
        owned(world, "陈思远", "330106198604161136")
    assert raised.value.code == "vehicles_quota"


@pytest.mark.parametrize(("plate", "shown"), [("浙A6K882", "浙A**882"), ("浙AD12087", "浙A***087"), ("粤Z1", "***")])
def test_a_plate_is_never_shown_whole(plate: str, shown: str) -> None:
    assert hidden_plate(plate) == shown
