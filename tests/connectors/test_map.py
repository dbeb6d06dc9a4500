"""The map is asked with the signature it prescribes and answers in our datum."""

from __future__ import annotations

import pytest

from connectors.map import client, simulator
from engine.core.errors import OutsideFault
from engine.core.geo import Point, metres
from engine.core.operations import Answer

from .conftest import World

ADDRESS = "安居市蓬江区惠民里3幢"


def test_a_query_is_signed_as_the_service_shows_it() -> None:
    parameters = {"address": "百度大厦", "output": "json", "ak": "yourak"}
    expected = "7de5a22212ffaa9e326444c75a58f9a0"
    assert simulator.sn("/geocoder/v2/?address=百度大厦&output=json&ak=yourak", "yoursk") == expected
    assert client.signed_query("/geocoder/v2/", parameters, "yoursk").endswith(f"&sn={expected}")


def test_what_separates_parameters_does_not_come_from_an_address() -> None:
    query = client.signed_query("/g/", {"address": "甲&ak=mine#1", "ak": "yourak"}, "yoursk")
    assert query.count("ak=") == 1
    assert "#" not in query


def test_an_address_and_its_place_lead_to_each_other(world: World) -> None:
    found = world.run("map.geocode", address=ADDRESS)
    assert isinstance(found, Answer)
    here = Point(found.variables["longitude"], found.variables["latitude"])
    # The map's own coordinates are about a kilometre off: they are of another datum.
    assert 700 < metres(here, Point(*simulator.KNOWN[ADDRESS][:2])) < 1500
    back = world.run("map.reverse", longitude=here.longitude, latitude=here.latitude)
    assert isinstance(back, Answer)
    assert (back.variables["address"], back.variables["region"]) == (ADDRESS, "440703")


def test_a_guess_of_the_map_is_not_taken_for_a_place(world: World) -> None:
    world.state.switch("map", "*", "vague")
    found = world.run("map.geocode", address=ADDRESS)
    assert isinstance(found, Answer)
    assert (found.verdict, found.variables["precise"]) == ("unknown", False)
    assert "20 分" in found.variables["summary"]


def test_the_key_to_our_account_is_no_evidence(world: World) -> None:
    found = world.run("map.geocode", address=ADDRESS)
    assert isinstance(found, Answer)
    assert found.evidence is not None
    assert b"demo-map-ak" not in found.evidence.request
    assert b"address=" in found.evidence.request


def test_a_wrong_key_is_for_the_administrator(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "SK", "another")
    with pytest.raises(OutsideFault) as raised:
        world.run("map.geocode", address=ADDRESS)
    assert raised.value.code == "unauthorised"
