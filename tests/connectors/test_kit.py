"""The shared transports, settings and simulator machinery under bad weather."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

import connectors
from connectors import load_all, manifests
from connectors._kit import http, settings
from connectors._kit.evidence import masked
from connectors._kit.manifest import read
from connectors._kit.pace import wait_for_turn
from connectors._kit.settings import PartySettings
from connectors._kit.simulation import create_all
from connectors._kit.soap import parse_xml
from engine.core.errors import OutsideFault, Refused, Unreachable
from engine.core.idnum import check_resident_id
from engine.core.operations import Answer
from engine.core.parties import RateLimit

from .conftest import PATIENCE, World, served

Start = Callable[..., Any]
QUICK = PartySettings("quick", "某平台", PATIENCE, RateLimit(1000, 1.0), {})


def app(status: str, headers: list[tuple[str, str]], body: Iterable[bytes]) -> Callable[[Any, Start], Iterable[bytes]]:
    def run(environ: Any, start: Start) -> Iterable[bytes]:
        start(status, headers)
        return body

    return run


JSON = [("Content-Type", "application/json")]


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        ("200 OK", JSON, [b'{"code": "', b"0" * http.MAX_BYTES, b'"}']),
        ("200 OK", JSON, [b"[1, 2]"]),
        ("200 OK", JSON, [b'{"code": "0"']),
        ("200 OK", [("Content-Type", "text/html")], [b'{"code": "0"}']),
        ("502 Bad Gateway", JSON, [b'{"code": "0"}']),
        ("500 Error", JSON, [b'{"code": "0"}']),
        ("429 Too Many", JSON, [b'{"code": "0"}']),
    ],
    ids=["too-large", "no-object", "cut-off", "wrong-type", "bad-gateway", "internal", "too-many"],
)
def test_no_usable_answer_is_unreachable(status: str, headers: list[tuple[str, str]], body: list[bytes]) -> None:
    with served(app(status, headers, body)) as url, pytest.raises(Unreachable, match="某平台"):
        http.post_json(QUICK, url, {}, key="k")


def test_a_redirect_is_not_followed() -> None:
    seen: list[str] = []

    def elsewhere(environ: Any, start: Start) -> Iterable[bytes]:
        seen.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/other":
            start("200 OK", JSON)
            return [b'{"code": "0"}']
        start("307 Temporary Redirect", [("Location", "/other")])
        return [b""]

    with served(elsewhere) as url, pytest.raises(Unreachable) as raised:
        http.post_json(QUICK, f"{url}/here", {}, key="k")
    assert raised.value.code == "unexpected_answer"
    assert seen == ["/here"]


def test_a_drip_of_bytes_does_not_outlive_the_time_allowed() -> None:
    def drip() -> Iterable[bytes]:
        for _ in range(60):
            time.sleep(0.05)
            yield b" "

    began = time.monotonic()
    with served(app("200 OK", JSON, drip())) as url, pytest.raises(Unreachable, match="1 秒内没有应答"):
        http.post_json(QUICK, url, {}, key="k")
    assert time.monotonic() - began < 2.5


def test_a_party_that_does_not_listen_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="连不上"):
        http.post_json(QUICK, "http://127.0.0.1:9/", {}, key="k")


def test_the_machines_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with served(app("200 OK", JSON, [b'{"ok": true}'])) as url:
        assert http.post_json(QUICK, url, {}, key="k").data == {"ok": True}


def test_a_refused_credential_is_no_matter_of_trying_again() -> None:
    with served(app("403 Forbidden", JSON, [b"{}"])) as url, pytest.raises(OutsideFault) as raised:
        http.post_json(QUICK, url, {}, key="k")
    assert type(raised.value) is OutsideFault
    assert raised.value.code == "unauthorised"


def test_xml_with_a_doctype_is_not_read() -> None:
    with pytest.raises(Unreachable):
        parse_xml(QUICK, b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>')


def test_the_party_is_never_called_more_often_than_agreed() -> None:
    slow = PartySettings("paced", "某平台", 5.0, RateLimit(2, 0.1), {})
    began = time.monotonic()
    for _ in range(5):
        wait_for_turn(slow)
    assert 0.2 <= time.monotonic() - began < 4.0
    impatient = PartySettings("paced-2", "某平台", 0.05, RateLimit(1, 60.0), {})
    wait_for_turn(impatient)
    with pytest.raises(Unreachable) as raised:
        wait_for_turn(impatient)
    assert raised.value.code == "rate_limit"


@pytest.mark.parametrize(
    ("env", "value"),
    [
        ("ANJU_POLICE_URL", "ftp://x"),
        ("ANJU_TAX_TIMEOUT", "soon"),
        ("ANJU_TAX_TIMEOUT", "0"),
        ("ANJU_SMS_TIMEOUT", "nan"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_start(env: str, value: str) -> None:
    with pytest.raises(Refused, match=env) as raised:
        load_all({env: value})
    assert raised.value.code == "bad_setting"


def test_settings_do_not_show_their_secrets() -> None:
    load_all({"ANJU_SMS_SECRET": "very-secret"})
    assert settings.of("sms").secret("ANJU_SMS_SECRET") == b"very-secret"
    assert "very-secret" not in repr(settings.of("sms"))


def test_every_party_that_is_called_has_a_setting_for_its_patience() -> None:
    for connector in manifests():
        names = {setting.env for setting in connector.settings}
        assert (connector.timeout_env in names) == (connector.transport != "local")


def test_a_manifest_with_a_slip_names_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "post" / "connector.yaml"
    path.parent.mkdir()
    path.write_text("party: post\ntitle: 邮政\ntransport: pigeon\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"post/connector\.yaml.*transport"):
        read(path)


def test_a_party_that_is_called_needs_a_time_out(tmp_path: Path) -> None:
    path = tmp_path / "tax" / "connector.yaml"
    path.parent.mkdir()
    original = Path(connectors.__file__).parent / "tax" / "connector.yaml"
    path.write_text(original.read_text(encoding="utf-8").replace("timeout_seconds: 3\n", ""), encoding="utf-8")
    with pytest.raises(ValueError, match="timeout_seconds"):
        read(path)


def test_masking_leaves_the_family_name_and_five_characters() -> None:
    assert masked("欧阳明月", "330106198803121014") == "欧***（330*************14）"
    assert masked("林", "123") == "林*（*****）"


# --- the simulators' machinery ----------------------------------------------------------------------------------


def test_the_seeded_people_have_numbers_that_hold() -> None:
    people = create_all().state.people
    assert len(people) >= 16
    for number, person in people.items():
        assert check_resident_id(number) is None
        assert number[:6] in ("330106", "440802")
        assert person["story"]
    assert {len(household["members"]) for household in create_all().state.households} == {1, 2, 3, 4}


def police(world: World, key: str) -> str | None:
    person = {"name": "孙伯年", "id_kind": "resident_id", "id_number": "330106196511091117", "consent": True}
    answer = world.run("police.household", key=key, **person)
    assert isinstance(answer, Answer)
    return answer.verdict


def test_a_switch_over_the_api_lasts_for_the_calls_asked(world: World) -> None:
    switch = {"party": "police", "id_number": "330106196511091117", "scenario": "mismatch", "times": 1}
    assert requests.post(f"{world.url}/_scenarios", json=switch, timeout=2).json() == {"ok": True}
    assert [police(world, f"k{number}") for number in range(2)] == ["fail", "pass"]


def test_a_switch_on_the_page_shows_at_once(world: World) -> None:
    form = {"party": "police", "id_number": "330106196511091117", "scenario": "empty"}
    page = requests.post(f"{world.url}/_scenarios", data=form, timeout=2)
    assert page.status_code == 200
    assert "孙伯年" in page.text
    assert '<option value="empty" selected>查无此号</option>' in page.text
    assert police(world, "k1") == "unknown"


def test_recovery_ends_a_persons_story_and_a_reset_begins_it_again(world: World) -> None:
    troubled = "44080219890927149X"
    assert world.state.shown("tax", troubled) == "http_500"
    world.state.switch("tax", troubled, "recovery")
    assert world.state.shown("tax", troubled) == "ok"
    page = requests.post(f"{world.url}/_reset", data={"all": "1"}, timeout=2)
    assert "蒋安平" in page.text
    assert world.state.shown("tax", troubled) == "http_500"


def test_an_outage_of_a_party_leaves_the_stories_as_they_were(world: World) -> None:
    world.state.switch("tax", "*", "outage")
    assert world.state.shown("tax", "44080219870823131X") == "outage"
    world.state.switch("tax", "*", "recovery")
    assert world.state.shown("tax", "44080219870823131X") == "slow"


def test_an_unknown_scenario_is_refused(world: World) -> None:
    for wrong in ({"party": "police", "scenario": "nonsense"}, {"party": "nobody", "scenario": "ok"}):
        assert requests.post(f"{world.url}/_scenarios", json=wrong, timeout=2).status_code == 400


def test_the_log_lists_each_piece_of_work_once_and_hides_the_person(world: World) -> None:
    police(world, "k1")
    police(world, "k1")
    police(world, "k2")
    entries = requests.get(f"{world.url}/_log?party=police", timeout=2).json()
    assert [(entry["request_id"], entry["calls"]) for entry in entries] == [("k1", 2), ("k2", 1)]
    assert {entry["subject"] for entry in entries} == {"330*************17"}
    assert requests.post(f"{world.url}/_reset", timeout=2).ok
    assert requests.get(f"{world.url}/_log", timeout=2).json() == []


def test_many_at_once_with_one_key_are_booked_once(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: police(world, "same"), range(16))) == {"pass"}
    entries = world.state.log("police")
    assert [entry["calls"] for entry in entries] == [16]
