"""Anybody reads the public notices; whoever signs in may object, once, while they run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.core import clock
from engine.core.db import reading
from engine.queries import notices
from engine.registers.notices import Notice, Objection
from tests.support.installation import Installation
from tests.web.portal_kit import NEIGHBOUR, post, published, text_of

REASON = "该户在拱墅区另有一套自有住房，常年出租。"


@pytest.fixture
def notice_id(anju: Installation) -> int:
    """A notice that runs."""
    case_id = published(anju)
    with reading() as session:
        return session.scalars(select(Notice.id).where(Notice.case_id == case_id)).one()


def object_to(anju: Installation, notice_id: int, reason: str = REASON) -> tuple[int, str]:
    answer = post(anju.client(anju.citizen(NEIGHBOUR)), f"/portal/objections/new/{notice_id}", reason=reason)
    return answer.status_code, text_of(answer)


def test_without_notices_the_list_says_so(anju: Installation) -> None:
    assert "目前没有公示" in text_of(anju.client().get("/notices"))


def test_an_unknown_notice_is_not_found(anju: Installation) -> None:
    assert anju.client().get("/notices/7").status_code == 404


def test_names_are_masked_and_no_number_of_a_person_is_shown(anju: Installation, notice_id: int) -> None:
    page = anju.client().get(f"/notices/{notice_id}")
    words = text_of(page)
    for masked in ("林*实", "周*桐", "林*满", "何*英", "西湖区住房保障所", "怎样提出异议"):
        assert masked in words
    for hidden in ("林秋实", "周雨桐", "330106198803121014", "19900000001"):
        assert hidden not in page.get_data(as_text=True)


def test_the_days_left_are_working_days_and_the_last_day_is_called_so(anju: Installation, notice_id: int) -> None:
    with reading() as session:
        first = notices.notice(session, notice_id)
    assert f"剩 {first.days_left} 个工作日" in text_of(anju.client().get("/notices"))
    clock.move_frozen(first.ends_at - timedelta(hours=2))
    page = text_of(anju.client().get(f"/notices/{notice_id}"))
    assert "今日截止" in page
    assert "24 时" in page


def test_objecting_needs_a_sign_in_and_comes_back_to_the_form(anju: Installation, notice_id: int) -> None:
    path = f"/portal/objections/new/{notice_id}"
    assert anju.client().get(path).location == f"/portal/sign-in?next={path}"
    assert "孙*年" in text_of(anju.client(anju.citizen(NEIGHBOUR)).get(path))


def test_a_reason_too_short_comes_back_with_what_was_typed(anju: Installation, notice_id: int) -> None:
    answer = post(anju.client(anju.citizen(NEIGHBOUR)), f"/portal/objections/new/{notice_id}", reason="有房")
    assert answer.status_code == 422
    assert "现为 2 字" in text_of(answer)
    assert ">有房</textarea>" in answer.get_data(as_text=True)


def test_an_objection_pauses_the_notice_and_is_followed_by_who_filed_it(anju: Installation, notice_id: int) -> None:
    assert object_to(anju, notice_id)[0] == 303
    neighbour = anju.client(anju.citizen(NEIGHBOUR))
    mine = text_of(neighbour.get("/portal/objections"))
    assert "正在调查" in mine
    assert REASON in mine
    public = text_of(anju.client().get(f"/notices/{notice_id}"))
    assert "公示暂时中止" in public
    assert REASON not in public
    assert "还没" not in text_of(anju.client(anju.citizen()).get("/portal/objections"))
    assert REASON not in text_of(anju.client(anju.citizen()).get("/portal/objections"))


def test_the_answer_reaches_who_objected(anju: Installation, notice_id: int) -> None:
    object_to(anju, notice_id)
    with reading() as session:
        case_id = session.get_one(Notice, notice_id).case_id
    found = {"investigation_finding": "dismissed", "investigation_reply": "经核实，该房屋不属于公示家庭成员。"}
    anju.do(case_id, "investigate", "zhaoling", found)
    client = anju.client(anju.citizen(NEIGHBOUR))
    mine = text_of(client.get("/portal/objections"))
    assert "异议不成立" in mine
    assert "该房屋不属于公示家庭成员" in mine
    assert "异议处理答复" in text_of(client.get("/portal/messages"))
    assert "提出异议" in text_of(client.get(f"/notices/{notice_id}"))


def test_one_person_objects_once(anju: Installation, notice_id: int) -> None:
    assert [object_to(anju, notice_id)[0] for _ in range(2)].count(303) >= 1
    with reading() as session:
        assert len(session.scalars(select(Objection)).all()) == 1
    page = text_of(anju.client(anju.citizen(NEIGHBOUR)).get(f"/portal/objections/new/{notice_id}"))
    assert "您已对这份公示提出过异议" in page


def test_after_the_end_nobody_objects_and_the_words_are_kept(anju: Installation, notice_id: int) -> None:
    with reading() as session:
        clock.move_frozen(session.get_one(Notice, notice_id).ends_at + timedelta(minutes=1))
    status, page = object_to(anju, notice_id)
    assert status == 422
    assert "公示期已过" in page
    assert REASON in page
    assert "公示期满" in text_of(anju.client().get("/notices"))
