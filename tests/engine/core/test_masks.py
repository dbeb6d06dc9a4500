import pytest

from engine.core.masks import mask_id, mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张建国", "张*国"),
        ("张三", "张*"),
        ("欧阳建国", "欧**国"),
        ("张", "*"),
        ("", ""),
        (" 李四 ", "李*"),
        ("艾力·买买提", "艾****提"),
    ],
)
def test_a_name_keeps_its_ends_only(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("440802199001011234", "4408**********1234"),
        ("44080219900101123X", "4408**********123X"),
        ("E12345678", "E1*****78"),
        ("1234567", "*******"),
        ("", ""),
    ],
)
def test_an_identity_number_hides_the_day_of_birth(number: str, masked: str) -> None:
    assert mask_id(number) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("13812345678", "138****5678"), ("0759-1234567", "075*****4567"), ("12345678", "****5678"), ("12345", "*****")],
)
def test_a_phone_keeps_its_last_four_digits(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked
