"""Personal data at rest: sealed, found again by a hash, lost without its key."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import secrets
from engine.core.secrets import KeyMissing, Keys

NUMBER = "330106198803121014"


@pytest.fixture(autouse=True)
def ring() -> Iterator[Keys]:
    before = secrets._keys
    keys = Keys({"k2": b"2" * 32, "k1": b"1" * 32, "hash": b"h" * 32})
    secrets.use(keys)
    yield keys
    secrets._keys = before


def test_a_sealed_number_shows_nothing_of_itself_and_comes_back_whole() -> None:
    sealed = secrets.seal(NUMBER)
    assert sealed.startswith("enc:v1:k2:")
    assert NUMBER not in sealed
    assert secrets.unseal(sealed) == NUMBER


def test_the_same_number_is_sealed_differently_each_time_but_found_by_one_hash() -> None:
    assert secrets.seal(NUMBER) != secrets.seal(NUMBER)
    assert secrets.digest(NUMBER) == secrets.digest(NUMBER)
    assert secrets.digest(NUMBER) != secrets.digest(NUMBER[:-1] + "5")


@given(st.text())
def test_any_text_survives_sealing(text: str) -> None:
    assert secrets.unseal(secrets.seal(text)) == text or text.startswith(secrets.PREFIX)


def test_a_sealed_text_is_not_sealed_again() -> None:
    sealed = secrets.seal(NUMBER)
    assert secrets.seal(sealed) == sealed


def test_a_tree_is_unsealed_to_its_leaves() -> None:
    tree = {"people": [{"id": secrets.seal(NUMBER), "age": 38}], "kept": "公开"}
    assert secrets.unseal_tree(tree) == {"people": [{"id": NUMBER, "age": 38}], "kept": "公开"}


def test_after_a_change_of_keys_old_values_can_still_be_read() -> None:
    secrets.use(Keys({"k1": b"1" * 32, "hash": b"h" * 32}))
    old = secrets.seal(NUMBER)
    secrets.use(Keys({"k2": b"2" * 32, "k1": b"1" * 32, "hash": b"h" * 32}))
    assert secrets.unseal(old) == NUMBER
    assert secrets.seal(NUMBER).startswith("enc:v1:k2:")


def test_without_its_key_a_value_stays_closed() -> None:
    sealed = secrets.seal(NUMBER)
    secrets.use(Keys({"k1": b"1" * 32, "hash": b"h" * 32}))
    with pytest.raises(KeyMissing) as missing:
        secrets.unseal(sealed)
    assert "缺少解密所需的密钥" in missing.value.message


@pytest.mark.parametrize("place", [-1, -20, 15])
def test_one_changed_byte_is_noticed(ring: Keys, place: int) -> None:
    sealed = bytearray(ring.seal_bytes(NUMBER.encode()))
    sealed[place] ^= 1
    with pytest.raises(KeyMissing):
        ring.unseal_bytes(bytes(sealed))


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(KeyMissing):
        Keys({"k1": b"short", "hash": b"h" * 32})
    with pytest.raises(KeyMissing):
        Keys({"k1": b"1" * 32})


def test_keys_are_made_once_and_belong_to_the_owner_alone(tmp_path: Path) -> None:
    first, second = secrets.load_or_make("", tmp_path / "data"), secrets.load_or_make("", tmp_path / "data")
    path = tmp_path / "data" / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(json.loads(path.read_text())) == {"k1", "hash"}
    assert second.unseal_bytes(first.seal_bytes(b"x")) == b"x"
    assert os.listdir(path.parent) == ["keys.json"]


def test_keys_from_the_environment_leave_no_file(tmp_path: Path) -> None:
    text = ",".join(f"{name}:{base64.b64encode(name.encode() * 8).decode()}" for name in ("mine", "hash"))
    keys = secrets.load_or_make(text, tmp_path)
    assert keys.current == "mine"
    assert not list(tmp_path.iterdir())
