"""A place on the map as an answer: degrees in range, how and when it was found, and the fence it lies in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.catalog.form_point import within
from engine.catalog.forms import compile_form
from engine.core import clock
from engine.core.errors import InvalidAnswers, ModelFault
from engine.core.geo import Point

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HERE = {"longitude": 120.135721, "latitude": 30.28431}
SITE = {"longitude": 120.1357, "latitude": 30.2843, "radius_m": 200}
CORNERS = {
    "corners": [
        {"longitude": 120.13, "latitude": 30.28},
        {"longitude": 120.14, "latitude": 30.28},
        {"longitude": 120.135, "latitude": 30.29},
    ]
}


def outcome(value: Any, data: dict[str, Any] | None = None, required: bool = False, **properties: Any) -> Any:
    """The cleaned place, or what is said at the field."""
    field = {"id": "x", "key": "x", "type": "aj-point", "label": "位置", "properties": properties}
    form = compile_form({"id": "f", "components": [{**field, "validate": {"required": required}}]})
    with clock.frozen(NOW):
        try:
            return form.clean({"x": value}, data)["x"]
        except InvalidAnswers as error:
            return error.errors["x"][0]


def test_a_place_is_kept_with_how_and_when_it_was_found() -> None:
    sent = {**HERE, "address": " 文二路 100 号 ", "source": "device", "accuracy_m": 12.34, "at": "2026-03-02T00:59:30Z"}
    assert outcome(sent) == {
        **HERE,
        "address": "文二路 100 号",
        "source": "device",
        "accuracy_m": 12.3,
        "at": "2026-03-02T00:59:30+00:00",
    }


def test_what_was_not_said_is_filled_in_by_our_own_clock() -> None:
    kept = {**HERE, "address": "", "source": "map", "accuracy_m": None, "at": "2026-03-02T01:00:00+00:00"}
    assert outcome(HERE) == kept
    later = (NOW + timedelta(minutes=6)).isoformat()
    for at in (later, "gestern", "2026-03-02T00:00:00", 7, "9999-12-31T23:59:59-23:00", "1" * 4000):
        assert outcome({**HERE, "at": at}) == kept
    assert outcome(kept) == kept


def test_an_error_is_kept_of_a_device_alone() -> None:
    assert outcome({**HERE, "source": "typed", "accuracy_m": 5})["accuracy_m"] is None
    for wrong in (None, -1, "much", 10**9):
        assert "定位误差" in outcome({**HERE, "source": "device", "accuracy_m": wrong})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"longitude": 180.1}, "经度应为 -180 到 180"),
        ({"latitude": -90.5}, "纬度应为 -90 到 90"),
        ({"latitude": None}, "纬度应为"),
        ({"longitude": float("nan")}, "经度应为"),
        ({"longitude": True}, "经度应为"),
        ({"source": "guess"}, "来源无法识别"),
        ({"source": ["map"]}, "来源无法识别"),
        ({"address": "长" * 201}, "地址过长"),
        ({"address": "坏\x00字"}, "无法保存的字符"),
    ],
)
def test_rubbish_is_refused_at_the_field(change: dict[str, Any], said: str) -> None:
    assert said in outcome({**HERE, **change})


def test_a_place_may_be_left_out_unless_it_is_asked_for() -> None:
    assert outcome(None) is None
    assert outcome(None, required=True) == "请选择“位置”"
    assert outcome("120,30") == "请选择“位置”"
    assert outcome([1, 2]) == "请选择“位置”"


@pytest.mark.parametrize("fence", [SITE, CORNERS])
def test_a_place_outside_of_the_fence_is_refused(fence: dict[str, Any]) -> None:
    away = {"longitude": 120.15, "latitude": 30.2843}
    assert outcome(HERE, {"site": fence}, fence="=site")["longitude"] == HERE["longitude"]
    assert "不在规定的范围内" in outcome(away, {"site": fence}, fence="=site")
    assert outcome(away, {"site": None}, fence="=site")["longitude"] == 120.15


def test_each_office_has_its_own_fence() -> None:
    data = {"fences": [{"office": "330106", "fence": SITE}], "office_code": "330106"}
    rule = "=fences[office = office_code][1].fence"
    assert outcome(HERE, data, fence=rule)["latitude"] == HERE["latitude"]
    assert "不在规定的范围内" in outcome({"longitude": 121, "latitude": 30}, data, fence=rule)
    assert (
        outcome({"longitude": 121, "latitude": 30}, {**data, "office_code": "330105"}, fence=rule)["longitude"] == 121
    )


@pytest.mark.parametrize(
    "fence",
    [
        "here",
        {},
        {"longitude": 120, "latitude": 30},
        {**SITE, "radius_m": -5},
        {**SITE, "radius_m": float("inf")},
        {**SITE, "longitude": 720},
        {"corners": []},
        {"corners": [[120, 30], [121, 30], [121, 31]]},
        {"corners": None},
    ],
)
def test_a_fence_that_is_none_holds_nothing_and_is_said_to_the_administrator(fence: Any) -> None:
    assert within(Point(120.1357, 30.2843), fence) is None
    if fence != {**SITE, "radius_m": float("inf")}:
        assert "电子围栏设置有误" in outcome(HERE, {"site": fence}, fence="=site")


def test_on_the_spot_a_place_comes_from_the_device_and_is_known_well_enough() -> None:
    device = {**HERE, "source": "device", "accuracy_m": 30}
    assert "请在现场用「定位」" in outcome({**HERE, "source": "map"}, device=True)
    assert outcome(device, device="true", maxAccuracy="50")["accuracy_m"] == 30
    assert outcome({**device, "accuracy_m": 51}, maxAccuracy=50) == "定位误差约 51 米，超过 50 米，请到开阔处重新定位"


def test_a_slip_in_the_form_is_found_when_it_is_published() -> None:
    for properties, said in (
        ({"fence": "site"}, "fence 要以 = 开头"),
        ({"fence": "=site["}, "fence"),
        ({"personal": True}, "不能标为个人信息"),
    ):
        field = {"id": "x", "key": "x", "type": "aj-point", "properties": properties}
        with pytest.raises(ModelFault, match=said):
            compile_form({"id": "f", "components": [field]})


def test_people_read_a_place_in_words() -> None:
    field = {"id": "x", "key": "x", "type": "aj-point", "label": "位置"}
    form = compile_form({"id": "f", "components": [field]})
    device = {**HERE, "address": "文二路", "source": "device", "accuracy_m": 12.3}
    assert form.changed({}, {"x": device}) == [
        ("位置", "（空）", "文二路，经度 120.135721°，纬度 30.284310°（设备定位，误差约 12 米）")
    ]
    assert form.changed({"x": {"x": 1}}, {})[0][1] == "位置无法识别"
