"""Settings: what is known is read, what is not known stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core import config
from engine.core.errors import Refused


def test_without_settings_everything_lies_in_var_on_sqlite() -> None:
    found = config.load({})
    assert found.port == 8000
    assert found.data == Path("var").resolve()
    assert found.sqlite
    assert found.database_url.endswith("/var/anju.db")
    assert found.public_url == "http://127.0.0.1:8000"
    assert not found.demo


def test_a_misspelt_setting_refuses_to_start_and_says_what_was_meant() -> None:
    with pytest.raises(Refused) as refused:
        config.load({"ANJU_DATABSE_URL": "sqlite://"})
    assert refused.value.code == "unknown_setting"
    assert "是否想写 ANJU_DATABASE_URL" in refused.value.message


def test_a_setting_like_no_other_is_refused_without_a_guess() -> None:
    with pytest.raises(Refused) as refused:
        config.load({"ANJU_ZZ": "1"})
    assert "是否想写" not in refused.value.message


def test_a_connectors_own_setting_is_known_when_it_says_so() -> None:
    assert config.load({"ANJU_POLICE_URL": "http://x"}, also_known=["ANJU_POLICE_URL"]).environ["ANJU_POLICE_URL"]


def test_settings_of_other_programs_are_left_alone() -> None:
    assert config.load({"PATH": "/bin", "LANG": "C"}).port == 8000


@pytest.mark.parametrize("port", ["0", "65535", "80a", "", "-1", "８０"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(Refused) as refused:
        config.load({"ANJU_PORT": port})
    assert refused.value.code == "bad_setting"


def test_a_switch_is_on_or_off_and_nothing_else() -> None:
    assert config.load({"ANJU_DEMO": "1"}).demo
    with pytest.raises(Refused):
        config.load({"ANJU_DEMO": "yes"})
