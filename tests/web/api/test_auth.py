"""Who may call the API, and how it is told that it may not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.commands import dispatch
from engine.commands.accounts import LOGIN_ATTEMPTS
from engine.commands.clients import LOCKED_FOR, NewClient, RevokeClient, VerifyClient
from engine.core import clock, config
from engine.core.actor import SYSTEM
from engine.core.errors import Duplicate, Forbidden, NotFound, Refused
from tests.support.installation import Installation
from tests.web.api.conftest import CLIENT, ROLES, SECRET, Caller, let_in

ME = "/authentication/me"


def test_without_credentials_only_the_status_and_the_licence_are_told(api: Caller) -> None:
    api.auth = None
    assert api("GET", "/status").status_code == 204
    assert api("GET", "/license").status_code == 200
    refused = api("GET", ME)
    assert (refused.status_code, refused.content_type) == (401, "application/problem+json")
    assert "Basic" in refused.headers["WWW-Authenticate"]


def test_a_client_with_its_secret_is_let_in(api: Caller) -> None:
    me = api.ask("GET", ME)
    assert me["displayName"] == CLIENT
    assert me["roles"] == sorted(ROLES)
    assert me["canLogout"] is False


def test_a_wrong_secret_and_an_unknown_client_are_refused_alike(api: Caller) -> None:
    api.auth = (CLIENT, "wrong")
    wrong = api("GET", ME).get_json()
    api.auth = ("nobody", "wrong")
    assert api("GET", ME).get_json() == wrong
    assert wrong["status"] == 401


def test_a_token_of_our_endpoint_opens_the_api(api: Caller) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET, "audience": "anju"}
    token = api.http.post("/v2/oauth/token", data=form).get_json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    answer = api.http.get(f"/v2{ME}", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert answer.get_json()["displayName"] == CLIENT
    cut = api.http.get(f"/v2{ME}", headers={"Authorization": f"Bearer {token['access_token'][:-2]}"})
    assert cut.status_code == 401


def test_the_token_endpoint_refuses_in_words_that_oauth_clients_read(api: Caller) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "wrong"}
    refused = api.http.post("/v2/oauth/token", data=form)
    assert (refused.status_code, refused.get_json()["error"]) == (401, "invalid_client")
    assert api.http.post("/v2/oauth/token", data={**form, "grant_type": "password"}).status_code == 400


def test_a_token_ends_after_an_hour(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    token = api.http.post("/v2/oauth/token", data=form).get_json()["access_token"]
    monkeypatch.setattr("web.api.auth.TOKEN_SECONDS", -1)
    assert api.http.get(f"/v2{ME}", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_revoked_client_is_out_at_once_whatever_it_holds(api: Caller) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    token = api.http.post("/v2/oauth/token", data=form).get_json()["access_token"]
    assert api("GET", ME).status_code == 200
    dispatch(RevokeClient(CLIENT), SYSTEM)
    assert api("GET", ME).status_code == 401
    assert api.http.get(f"/v2{ME}", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_guessing_is_stopped_for_a_while_and_the_right_secret_waits_too(anju: Installation) -> None:
    let_in(anju)
    for _ in range(LOGIN_ATTEMPTS):
        assert not dispatch(VerifyClient(CLIENT, "guess"), SYSTEM)
    assert not dispatch(VerifyClient(CLIENT, SECRET), SYSTEM)
    clock.move_frozen(clock.now() + LOCKED_FOR + timedelta(seconds=1))
    assert dispatch(VerifyClient(CLIENT, SECRET), SYSTEM)


def test_a_secret_that_was_verified_costs_no_second_verification(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert api("GET", ME).status_code == 200

    def never(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr("web.api.auth.dispatch", never)
    assert api("GET", ME).status_code == 200


def test_a_browser_needs_its_form_token_for_what_is_not_a_mere_look(anju: Installation) -> None:
    browser = anju.client(anju.staff("sunqiang"))
    assert browser.get(f"/v2{ME}").status_code == 200
    refused = browser.post("/v2/process-definitions/search", json={})
    assert (refused.status_code, refused.content_type) == (403, "application/problem+json")
    allowed = browser.post("/v2/process-definitions/search", json={}, headers={"X-CSRF-Token": "token"})
    assert allowed.status_code == 200


def test_a_citizens_session_opens_nothing(anju: Installation) -> None:
    assert anju.client(anju.citizen()).get(f"/v2{ME}").status_code == 401


def test_calls_without_credentials_are_for_a_local_demo_alone() -> None:
    assert config.load({"ANJU_DEMO": "1", "ANJU_API_OPEN": "1"}).api_open
    with pytest.raises(Refused, match="演示"):
        config.load({"ANJU_API_OPEN": "1"})


def test_clients_are_made_by_administrators_for_an_office_that_exists(anju: Installation) -> None:
    with pytest.raises(Forbidden):
        dispatch(NewClient("x", "", "330106", ()), anju.staff("liuyang"))
    with pytest.raises(NotFound):
        dispatch(NewClient("x", "", "000000", ()), SYSTEM)
    with pytest.raises(Refused, match="客户端编号"):
        dispatch(NewClient("a:b", "", "330106", ()), SYSTEM)
    assert len(dispatch(NewClient("x", "", "330106", ()), SYSTEM)) >= 40
    with pytest.raises(Duplicate):
        dispatch(NewClient("x", "", "330106", ()), SYSTEM)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing-here", 404),
        ("DELETE", "/topology", 405),
        ("GET", "/process-definitions/abc", 400),
        ("GET", "/process-definitions/12", 404),
    ],
)
def test_every_error_is_a_problem_document(api: Caller, method: str, path: str, status: int) -> None:
    response = api(method, path)
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    problem = response.get_json()
    assert {"type", "title", "status", "detail", "instance"} <= set(problem)
    assert (problem["status"], problem["instance"]) == (status, f"/v2{path}")


def test_a_trailing_slash_is_no_redirect(api: Caller) -> None:
    assert api("GET", "/topology/").status_code == 200


def test_bodies_may_be_empty_but_not_broken(api: Caller) -> None:
    empty = api("POST", "/process-definitions/search", data=b"", content_type="application/json")
    assert empty.status_code == 200
    for broken in (b"{", b"[]", b'"x"', b'{"filter": 3}', b'{"filter": {"name": "\\u0000"}}', b"\xff"):
        refused = api("POST", "/process-definitions/search", data=broken, content_type="application/json")
        assert (refused.status_code, refused.content_type) == (400, "application/problem+json"), broken
