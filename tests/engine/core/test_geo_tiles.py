"""Squares of the map: where a point lies in them, and which there are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.geo import TILE, Point, at_pixel, is_tile, metres, pixel


def test_a_place_lies_in_the_square_that_everybody_numbers_alike() -> None:
    # 13 levels deep, as the numbering's own description shows for 51.51202, 0.02435.
    assert [int(side // TILE) for side in pixel(Point(0.02435, 51.51202), 17)] == [65544, 43582]
    assert pixel(Point(0, 0), 0) == pytest.approx((128, 128))
    assert pixel(Point(-180, 85.0511287798066), 3) == pytest.approx((0, 0), abs=1e-6)


@settings(max_examples=80, deadline=None)
@given(st.floats(-179.9, 179.9), st.floats(-84, 84), st.integers(0, 19))
def test_from_a_point_to_its_pixel_and_back_is_the_same_place(longitude: float, latitude: float, zoom: int) -> None:
    point = Point(longitude, latitude)
    assert metres(at_pixel(*pixel(point, zoom), zoom), point) < 0.01


def test_a_level_holds_four_times_the_squares_of_the_one_above() -> None:
    assert is_tile(0, 0, 0)
    assert not is_tile(0, 1, 0)
    assert is_tile(19, 2**19 - 1, 2**19 - 1)
    assert not is_tile(19, 2**19, 0)
    assert not is_tile(20, 0, 0)
    assert not is_tile(-1, 0, 0)
    assert not is_tile(3, -1, 2)
