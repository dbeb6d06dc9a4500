"""Files: judged when they come in, given out to whoever may see them."""

from __future__ import annotations

import io
import json

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from engine.files.uploads import MAX_BYTES
from tests.support.installation import Installation, picture

HEADERS = {"X-CSRF-Token": "token"}


def send(client: FlaskClient, content: bytes, name: str = "身份证.png") -> TestResponse:
    data = {"field": "material_id_card", "file": (io.BytesIO(content), name)}
    answer = client.post("/files", data=data, headers=HEADERS)
    answer.request.environ["wsgi.input"].close()  # the test client spools a large body to disk and leaves it open
    return answer


@pytest.fixture
def citizen(anju: Installation) -> FlaskClient:
    """The applicant's browser."""
    return anju.client(anju.citizen())


def test_a_picture_comes_in_and_goes_out_as_it_was(citizen: FlaskClient) -> None:
    content = picture("red")
    answer = send(citizen, content)
    told = answer.get_json()
    assert answer.status_code == 201
    assert told == {"id": told["id"], "name": "身份证.png", "size": len(content)}
    assert isinstance(told["id"], str), "a browser cannot count to 63 bits"
    given = citizen.get(f"/files/{told['id']}")
    assert given.get_data() == content
    assert given.headers["Content-Type"] == "image/png"
    assert given.headers["Content-Disposition"].startswith("inline")
    assert given.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_is_judged_by_what_it_holds_not_by_its_name(citizen: FlaskClient) -> None:
    answer = send(citizen, b"<script>alert(1)</script>", "身份证.png")
    assert answer.status_code == 415
    assert "按文件内容判断" in answer.get_json()["message"]


def test_a_file_too_large_is_refused_with_the_limit(citizen: FlaskClient) -> None:
    answer = send(citizen, b"%PDF-1.7\n" + b"0" * MAX_BYTES, "大文件.pdf")
    assert answer.status_code == 413
    assert "20 MB" in answer.get_json()["message"]


def test_a_request_without_a_file_says_so(citizen: FlaskClient) -> None:
    answer = citizen.post("/files", data={"field": "x"}, headers=HEADERS)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "file_missing")


def test_an_upload_after_the_session_ended_asks_to_sign_in(anju: Installation) -> None:
    answer = send(anju.client(), picture())
    assert (answer.status_code, answer.get_json()["code"]) == (401, "sign_in_needed")
    assert anju.client().get("/files/1").status_code == 302


def test_nobody_else_reads_a_file_before_it_is_handed_in(anju: Installation, citizen: FlaskClient) -> None:
    file_id = send(citizen, picture()).get_json()["id"]
    assert anju.client(anju.citizen("19900000005")).get(f"/files/{file_id}").status_code == 404
    assert anju.client(anju.staff("liuyang")).get(f"/files/{file_id}").status_code == 404
    assert citizen.get("/files/12345").status_code == 404


def test_once_handed_in_the_office_reads_it_and_others_do_not(anju: Installation, citizen: FlaskClient) -> None:
    file_id = send(citizen, picture("blue")).get_json()["id"]
    kept = [{"id": file_id, "name": "身份证.png", "size": 1}]
    started = anju.apply(anju.citizen(), material_id_card=kept)
    clerk = anju.client(anju.staff("liuyang"))
    assert clerk.get(f"/files/{file_id}").status_code == 200
    assert anju.client(anju.staff("zhoujie")).get(f"/files/{file_id}").status_code == 404
    assert anju.client(anju.citizen("19900000005")).get(f"/files/{file_id}").status_code == 404
    task_id = anju.tasks(started.case_id)["accept"].id
    told = clerk.get(f"/tasks/{task_id}").get_data(as_text=True)
    assert f"/files/{file_id}/thumbnail.png" in told
    assert "身份证明" in told


def test_a_thumbnail_is_a_small_picture(citizen: FlaskClient) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1600, 900), "green").save(buffer, "JPEG")
    file_id = send(citizen, buffer.getvalue(), "照片.jpg").get_json()["id"]
    small = citizen.get(f"/files/{file_id}/thumbnail.png")
    assert Image.open(io.BytesIO(small.get_data())).size == (320, 180)


def test_divisions_are_a_tree_down_to_the_district(anju: Installation) -> None:
    client = anju.client()
    answer = client.get("/regions.json")
    tree = json.loads(answer.get_data())
    provinces = {node["code"]: node for node in tree}
    districts = {
        code: sum(len(city.get("children", [])) for city in provinces[code]["children"])
        for code in ("110000", "330000", "440000")
    }
    assert districts == {"110000": 16, "330000": 90, "440000": 122}
    again = client.get("/regions.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
