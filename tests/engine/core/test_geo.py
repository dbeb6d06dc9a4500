"""Datums agree with points known elsewhere, there and back is the same place, and a fence holds what lies in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.geo import Datum, Point, convert, in_circle, in_polygon, metres

PLACES = st.builds(Point, st.floats(74, 134), st.floats(19, 53))
SQUARE = [Point(113.08, 22.58), Point(113.10, 22.58), Point(113.10, 22.60), Point(113.08, 22.60)]


@pytest.mark.parametrize(
    ("of", "to", "expected"),
    [
        ("wgs84", "gcj02", (116.41024449916938, 39.91640428150164)),
        ("gcj02", "bd09", (116.41036949371029, 39.92133699351021)),
        ("bd09", "gcj02", (116.39762729119315, 39.90865673957631)),
        ("gcj02", "wgs84", (116.39775550083061, 39.91359571849836)),
    ],
)
def test_a_point_known_elsewhere_comes_out_the_same(of: Datum, to: Datum, expected: tuple[float, float]) -> None:
    # Others go back by a formula that is a metre off; ours is mended until it fits.
    assert metres(convert(Point(116.404, 39.915), of, to), Point(*expected)) < 2.0


@pytest.mark.parametrize(("of", "to"), [("wgs84", "gcj02"), ("gcj02", "bd09")])
def test_the_published_formulas_hold_to_the_last_digit(of: Datum, to: Datum) -> None:
    expected = {"gcj02": (116.41024449916938, 39.91640428150164), "bd09": (116.41036949371029, 39.92133699351021)}
    found = convert(Point(116.404, 39.915), of, to)
    assert (found.longitude, found.latitude) == pytest.approx(expected[to], abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(PLACES, st.sampled_from(["gcj02", "bd09"]))
def test_there_and_back_is_the_same_place(point: Point, other: Datum) -> None:
    assert metres(convert(convert(point, "wgs84", other), other, "wgs84"), point) < 0.01


@settings(max_examples=60, deadline=None)
@given(PLACES)
def test_the_shift_is_some_hundreds_of_metres_and_none_abroad(point: Point) -> None:
    assert 20 < metres(convert(point, "wgs84", "gcj02"), point) < 1500
    for abroad in (Point(2.35, 48.85), Point(180, 85), Point(-180, -85)):
        assert convert(abroad, "wgs84", "gcj02") == convert(abroad, "wgs84", "bd09") == abroad


def test_a_round_fence_holds_what_is_near() -> None:
    centre = Point(113.09, 22.59)
    assert metres(centre, Point(113.09, 22.6)) == pytest.approx(1112, abs=1)
    assert in_circle(Point(113.09, 22.599), centre, 1112)
    assert not in_circle(Point(113.09, 22.601), centre, 1112)


def test_a_fence_of_corners_holds_what_is_inside_whichever_way_round() -> None:
    for corners in (SQUARE, SQUARE[::-1], SQUARE[2:] + SQUARE[:2]):
        assert in_polygon(Point(113.09, 22.59), corners)
        assert in_polygon(Point(113.08, 22.59), corners)
        assert in_polygon(SQUARE[0], corners)
        assert not in_polygon(Point(113.11, 22.59), corners)
        assert not in_polygon(Point(113.07, 22.60), corners)


def test_a_fence_with_a_bay_does_not_hold_the_bay() -> None:
    bay = [*SQUARE[:2], Point(113.10, 22.60), Point(113.09, 22.585), Point(113.08, 22.60)]
    assert not in_polygon(Point(113.09, 22.595), bay)
    assert in_polygon(Point(113.09, 22.583), bay)
    with pytest.raises(ValueError, match="three corners"):
        in_polygon(SQUARE[0], SQUARE[:2])
    with pytest.raises(ValueError, match="no such place"):
        Point(200, 0)
