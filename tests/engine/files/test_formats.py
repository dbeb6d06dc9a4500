from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from engine.files.formats import cn_amount, cn_date, yuan


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角"),
        (1005, "壹拾元零伍分"),
        (1000050, "壹万元零伍角"),
        (10001000100, "壹亿零壹万零壹元整"),
        # The examples of the regulation itself.
        (140950, "壹仟肆佰零玖元伍角"),
        (600714, "陆仟零柒元壹角肆分"),
        (168032, "壹仟陆佰捌拾元零叁角贰分"),
        (10700053, "壹拾万柒仟元零伍角叁分"),
        (1640902, "壹万陆仟肆佰零玖元零贰分"),
        (32504, "叁佰贰拾伍元零肆分"),
        # Whole empty sections.
        (10000500000, "壹亿零伍仟元整"),
        (100000000000000, "壹万亿元整"),
        (100000000500000, "壹万亿零伍仟元整"),
        (10001000000000000, "壹佰万零壹佰亿元整"),
        (-12300, "负壹佰贰拾叁元整"),
    ],
)
def test_an_amount_in_capitals_follows_the_banking_rules(fen: int, text: str) -> None:
    assert cn_amount(fen) == "人民币" + text


@pytest.mark.parametrize("value", [1.5, "100", True, None, Decimal(3)])
def test_an_amount_that_is_no_whole_number_of_fen_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="整数"):
        cn_amount(value)
    with pytest.raises(TypeError, match="整数"):
        yuan(value)


def test_an_amount_beyond_words_is_refused() -> None:
    assert cn_amount(10**18 - 1).endswith("玖元玖角玖分")
    with pytest.raises(ValueError, match="过大"):
        cn_amount(10**18)


@pytest.mark.parametrize(
    ("fen", "text"), [(123400, "1,234.00"), (5, "0.05"), (-5, "-0.05"), (-123456789, "-1,234,567.89"), (0, "0.00")]
)
def test_yuan_shows_two_decimals_and_separators(fen: int, text: str) -> None:
    assert yuan(fen) == text


@pytest.mark.parametrize(
    "value",
    [
        date(2026, 11, 22),
        "2026-11-22",
        "2026-11-22T09:30:00+08:00",
        "2026-11-21T16:00:00Z",
        datetime(2026, 11, 21, 16, 0, tzinfo=UTC),
    ],
)
def test_a_date_is_the_day_in_china(value: date | str) -> None:
    assert cn_date(value) == "2026年11月22日"
