"""What is done on the page of a case: identity in clear, versions of materials, the phone, the zip, field rights."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from engine.cases.case import Case
from engine.cases.documents import Attachment
from engine.cases.phone_links import PhoneLink
from engine.cases.record import JournalEntry, verify
from engine.catalog import releases
from engine.commands import dispatch
from engine.commands.cases import WithdrawCase
from engine.core import clock
from engine.core.actor import Actor
from engine.core.db import reading, transaction
from engine.registers.offices import StaffUser
from engine.workers import housekeeping
from tests.support.installation import Installation, picture

CLEAR = ("330106198803121014", "330106199007251023", "19900000001", "林秋实", "周雨桐")
REASON = "与公安户籍系统核对"


@pytest.fixture
def case_id(anju: Installation) -> int:
    """A case that waits for its first review."""
    started = anju.apply()
    anju.do(started.case_id, "accept", "liuyang", {"accept_result": "accepted", "accept_opinion": "材料齐全"})
    return started.case_id


@pytest.fixture
def rights(anju: Installation, case_id: int) -> Iterator[list[dict[str, object]]]:
    """The lines of ``fields`` of the item of the case, to be filled by the test."""
    with reading() as session:
        raw = releases.view(session, session.get_one(Case, case_id).release_id).item.raw
    lines: list[dict[str, object]] = []
    raw["fields"] = lines
    yield lines
    del raw["fields"]


def text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:400]
    return answer.get_data(as_text=True)


def post(client: FlaskClient, path: str, *files: tuple[bytes, str], **fields: str) -> TestResponse:
    data = {"csrf_token": "token", **fields, "file": [(io.BytesIO(content), name) for content, name in files]}
    return client.post(path, data=data)


def material(case_id: int, code: str) -> list[Attachment]:
    with reading() as session:
        query = select(Attachment).where(Attachment.case_id == case_id, Attachment.code == code)
        return list(session.scalars(query.order_by(Attachment.id)))


def lines(case_id: int, kind: str) -> list[JournalEntry]:
    with reading() as session:
        assert verify(session, case_id) is None
        return list(
            session.scalars(select(JournalEntry).where(JournalEntry.case_id == case_id, JournalEntry.kind == kind))
        )


# --- identity data ---


def test_identity_data_is_shown_for_a_minute_to_whoever_gave_a_reason_and_to_nobody_else(
    anju: Installation, case_id: int
) -> None:
    mine, other = anju.client(anju.staff("wangmin")), anju.client(anju.staff("chenhao"))
    page = f"/cases/{case_id}"
    assert not any(one in text(mine, page) for one in CLEAR)
    assert post(mine, f"{page}/reveal", reason=REASON).status_code == 303
    shown = text(mine, page)
    assert all(one in shown for one in CLEAR)
    assert not any(one in text(other, page) for one in CLEAR)
    clock.move_frozen(clock.now() + timedelta(seconds=61))
    assert not any(one in text(mine, page) for one in CLEAR)
    assert "查看时间已到" in text(mine, f"{page}/identity")


def test_a_look_is_in_the_record_and_supervisors_see_why(anju: Installation, case_id: int) -> None:
    post(anju.client(anju.staff("wangmin")), f"/cases/{case_id}/reveal", reason=REASON)
    (line,) = lines(case_id, "revealed")
    assert (line.actor_name, line.payload) == ("王敏", {"reason": REASON})
    assert anju.client(anju.staff("wangmin")).get("/reveals").status_code == 403
    told = text(anju.client(supervisor(anju)), "/reveals")
    assert REASON in told
    assert "王敏" in told


@pytest.mark.parametrize("reason", ["", "   ", "看看", "长" * 201])
def test_without_a_reason_nothing_is_shown(anju: Installation, case_id: int, reason: str) -> None:
    client = anju.client(anju.staff("wangmin"))
    assert post(client, f"/cases/{case_id}/reveal", reason=reason).status_code == 422
    assert not any(one in text(client, f"/cases/{case_id}") for one in CLEAR)
    assert not lines(case_id, "revealed")


def test_another_office_cannot_look(anju: Installation, case_id: int) -> None:
    assert post(anju.client(anju.staff("zhoujie")), f"/cases/{case_id}/reveal", reason=REASON).status_code == 404


def supervisor(anju: Installation) -> Actor:
    """Somebody of the office who supervises."""
    with reading() as session:
        logins = session.scalars(select(StaffUser.login).where(StaffUser.active.is_(True)))
        found = [anju.staff(login) for login in logins]
    return next(one for one in found if one.has("supervisor") and anju.office() in one.offices)


# --- materials ---


def test_a_newer_version_stands_in_the_place_of_the_old_which_stays_to_be_looked_at(
    anju: Installation, case_id: int
) -> None:
    client = anju.client(anju.staff("liuyang"))
    (first,) = material(case_id, "income_proof")
    path = f"/cases/{case_id}/materials/income_proof"
    assert post(client, path, (picture("red"), "新证明.png"), replaces=str(first.id)).status_code == 303
    first, second = material(case_id, "income_proof")
    assert (second.replaces, second.via) == (first.id, "desk")
    shown = text(client, f"/cases/{case_id}")
    assert "历史版本 1" in shown
    assert "新证明.png" in shown
    again = post(client, path, (picture("blue"), "又一份.png"), replaces=str(first.id))
    assert again.status_code == 422, "only the newest version can be replaced"
    assert len(lines(case_id, "material")) == 1


def test_shared_data_stands_for_a_paper_and_a_missing_one_is_said(anju: Installation, case_id: int) -> None:
    with transaction() as session:
        for row in session.scalars(select(Attachment).where(Attachment.case_id == case_id)):
            if row.code in ("income_proof", "id_card"):
                row.case_id = None
    shown = text(anju.client(anju.staff("wangmin")), f"/cases/{case_id}")
    assert "共享获取" in shown
    assert "数据共享：" in shown


def test_only_who_works_on_the_case_adds_to_it_and_only_what_the_item_asks_for(
    anju: Installation, case_id: int
) -> None:
    given = (picture("red"), "新.png")
    assert post(anju.client(anju.staff("zhaoling")), f"/cases/{case_id}/materials/id_card", given).status_code == 403
    assert post(anju.client(anju.staff("wangmin")), f"/cases/{case_id}/materials/id_card", given).status_code == 303
    assert post(anju.client(anju.staff("wangmin")), f"/cases/{case_id}/materials/nothing", given).status_code == 404
    assert post(anju.client(anju.staff("wangmin")), f"/cases/{case_id}/materials/id_card").status_code == 422
    bad = (b"<script>", "x.png")
    assert post(anju.client(anju.staff("wangmin")), f"/cases/{case_id}/materials/id_card", bad).status_code == 415


# --- the phone ---


def link_of(anju: Installation, case_id: int, code: str = "marriage_proof") -> tuple[str, str]:
    """The page at the desk and the address for the phone."""
    client = anju.client(anju.staff("liuyang"))
    desk = post(client, f"/cases/{case_id}/materials/{code}/phone").headers["Location"]
    found = re.search(r"/hand-in/[\w.-]+", text(client, desk))
    assert found
    return desk, found[0]


def test_a_phone_hands_in_once_without_signing_in_and_the_desk_sees_it(anju: Installation, case_id: int) -> None:
    desk, address = link_of(anju, case_id)
    before = len(material(case_id, "marriage_proof"))
    phone = anju.client()
    assert "婚姻状况证明" in text(phone, address)
    assert post(phone, address, (picture("red"), "一.png"), (picture("blue"), "二.png")).status_code == 200
    came = material(case_id, "marriage_proof")[before:]
    assert [(one.via, one.owner) for one in came] == [("phone", anju.staff("liuyang").key)] * 2
    state = anju.client(anju.staff("liuyang")).get(desk, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "已收到" in state
    assert "一.png" in state
    assert post(phone, address, (picture("red"), "三.png")).status_code == 404
    assert phone.get(address).status_code == 404
    assert phone.get(f"/files/{came[0].id}").status_code in (302, 401)


def test_a_link_is_over_after_a_quarter_of_an_hour_and_cannot_be_made_up(anju: Installation, case_id: int) -> None:
    _, address = link_of(anju, case_id)
    phone = anju.client()
    forged = address[:-1] + ("a" if address[-1] != "a" else "b")
    assert phone.get(forged).status_code == 404
    clock.move_frozen(clock.now() + timedelta(minutes=15))
    assert phone.get(address).status_code == 404
    assert post(phone, address, (picture("red"), "一.png")).status_code == 404
    housekeeping.forget_expired()
    with reading() as session:
        assert session.scalar(select(PhoneLink.id)) is None


def test_what_a_phone_sends_needs_the_pages_token_and_must_be_a_picture(anju: Installation, case_id: int) -> None:
    _, address = link_of(anju, case_id)
    phone = anju.client()
    stranger = phone.post(address, data={"file": [(io.BytesIO(picture("red")), "一.png")]})
    assert stranger.status_code == 400
    assert post(phone, address, (b"MZ program", "一.png")).status_code == 415
    assert post(phone, address, (picture("red"), "一.png")).status_code == 200, "a refused file does not use it up"


# --- the zip ---


@pytest.mark.parametrize("anju_both", ["sqlite", "postgres"], indirect=True)
def test_the_whole_file_is_made_by_the_worker_with_hashes_and_without_personal_data(anju_both: Installation) -> None:
    anju = anju_both
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted", "accept_opinion": "材料齐全"})
    client = anju.client(anju.staff("wangmin"))
    assert client.get(f"/cases/{case_id}/file.zip").status_code == 404
    assert post(client, f"/cases/{case_id}/zip").status_code == 303
    assert "正在生成" in text(client, f"/cases/{case_id}/zip")
    anju.drain()
    assert "下载整卷" in text(client, f"/cases/{case_id}/zip")
    assert anju.client(anju.staff("chenhao")).get(f"/cases/{case_id}/file.zip").status_code == 404, "each their own"
    with zipfile.ZipFile(io.BytesIO(client.get(f"/cases/{case_id}/file.zip").get_data())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        read = {name: archive.read(name) for name in names}
    assert read["index.pdf"].startswith(b"%PDF-")
    journal = orjson.loads(read["journal.json"])
    assert journal["whole"]
    assert [one["seq"] for one in journal["lines"]] == list(range(1, len(journal["lines"]) + 1))
    assert all(len(one["hash"]) == 64 for one in journal["lines"])
    assert sum(name.startswith("materials/") for name in names) == 4
    assert any(name.startswith("evidence/") for name in names)
    for name, content in read.items():
        if name.endswith((".html", ".json")):
            assert not any(one.encode() in content for one in CLEAR), name


# --- who sees which field ---


def test_a_hidden_field_is_nowhere_page_task_zip_or_file(
    anju: Installation, case_id: int, rights: list[dict[str, object]]
) -> None:
    rights.append({"path": "housing.address", "roles": ["first_review"], "access": "hidden"})
    rights.append({"path": "material_income_proof", "roles": ["first_review"], "access": "hidden"})
    task = anju.tasks(case_id)["first_review"]
    reviewer, counter = anju.client(anju.staff("wangmin")), anju.client(anju.staff("liuyang"))
    (proof,) = material(case_id, "income_proof")
    for path in (f"/cases/{case_id}", f"/tasks/{task.id}"):
        shown = text(reviewer, path)
        assert "现住地址" not in shown, path
        assert "收入证明" not in shown, path
    assert "现住地址" in text(counter, f"/cases/{case_id}")
    for path in (f"/files/{proof.id}", f"/files/{proof.id}/view", f"/files/{proof.id}/thumbnail.png"):
        assert reviewer.get(path).status_code == 404
        assert counter.get(path).status_code == 200
    post(reviewer, f"/cases/{case_id}/zip")
    anju.drain()
    with zipfile.ZipFile(io.BytesIO(reviewer.get(f"/cases/{case_id}/file.zip").get_data())) as archive:
        assert not any("收入证明" in name for name in archive.namelist())
        assert "现住地址" not in archive.read("index.html").decode()


def test_a_field_that_may_only_be_read_keeps_its_answer_and_a_hidden_one_is_not_kept_in_a_draft(
    anju: Installation, case_id: int, rights: list[dict[str, object]]
) -> None:
    rights.append({"path": "review_opinion", "steps": ["first_review"], "access": "hidden"})
    task = anju.tasks(case_id)["first_review"]
    client = anju.client(anju.staff("wangmin"))
    typed = {"answers": {"review_result": "pass", "review_opinion": "不该写的"}}
    kept = client.post(f"/tasks/{task.id}/draft", json=typed, headers={"X-CSRF-Token": "token"})
    assert kept.status_code == 200
    shown = text(client, f"/tasks/{task.id}")
    assert "不该写的" not in shown
    assert '"review_opinion"' not in shown
    anju.do(case_id, "first_review", "wangmin", typed["answers"])
    assert not any("review_opinion" in (one.payload or {}) for one in lines(case_id, "completed"))


# --- other cases ---


def test_cases_of_the_same_people_are_shown_within_ones_own_offices_only(anju: Installation, case_id: int) -> None:
    anju.do(case_id, "first_review", "wangmin", {"review_result": "pass", "review_opinion": "同意"})
    dispatch(WithdrawCase(case_id), anju.citizen())
    anju.drain()
    again = anju.apply().case_id
    number = anju.case(case_id).number
    page = text(anju.client(anju.staff("wangmin")), f"/cases/{again}")
    assert "相关办件" in page
    assert "同一家庭成员" in page
    assert number in page
    with transaction() as session:
        session.get_one(Case, case_id).office_id = anju.office("330105")
    assert number not in text(anju.client(anju.staff("wangmin")), f"/cases/{again}")
