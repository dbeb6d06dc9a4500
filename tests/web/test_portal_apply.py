"""A citizen reads the guide, fills the form in several goes, and applies once."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import func, select

from engine.cases.case import Case
from engine.core.db import reading
from tests.support.installation import FAMILY, ITEM, Installation
from tests.web.portal_kit import NEIGHBOUR, block, post, text_of


def form_path(anju: Installation) -> str:
    return f"/portal/apply-form/{anju.office()}/{ITEM}"


def submit(anju: Installation, client: Any, answers: dict[str, Any]) -> Any:
    return post(client, form_path(anju), answers=json.dumps(answers))


def test_anybody_may_read_what_can_be_applied_for_and_what_it_takes(anju: Installation) -> None:
    home, guide = anju.client().get("/portal"), anju.client().get(f"/portal/apply/{ITEM}")
    assert "保障资格申请" in text_of(home)
    for word in ("承诺时限 10 个工作日", "法定时限 20 个工作日", "户口簿", "公共租赁住房管理办法", "西湖区住房保障所"):
        assert word in text_of(guide)
    assert "安居市住房保障中心" not in text_of(guide)


def test_an_item_that_is_not_offered_is_not_found(anju: Installation) -> None:
    assert anju.client().get("/portal/apply/rental/nothing").status_code == 404


def test_the_form_needs_a_sign_in_and_comes_back_to_itself(anju: Installation) -> None:
    chosen = anju.client().get(f"/portal/apply/{ITEM}?office={anju.office()}")
    assert chosen.location == form_path(anju)
    asked = anju.client().get(chosen.location)
    assert asked.location == f"/portal/sign-in?next={form_path(anju)}"


def test_the_form_opens_with_the_person_of_the_account(anju: Installation) -> None:
    page = anju.client(anju.citizen()).get(form_path(anju))
    applicant = block(page, "data")["applicant"]
    assert applicant == {
        "name": "林秋实",
        "id_kind": "resident_id",
        "id_number": "330106198803121014",
        "phone": "19900000001",
    }
    assert "受理机构：西湖区住房保障所" in text_of(page)


def test_an_unknown_office_is_not_found(anju: Installation) -> None:
    client = anju.client(anju.citizen())
    assert client.get(f"/portal/apply-form/7/{ITEM}").status_code == 404
    # The centre above the offices takes no applications itself.
    assert client.get(f"/portal/apply-form/{anju.office('330000')}/{ITEM}").status_code == 404
    assert client.get(f"/portal/apply/{ITEM}?office=abc").status_code == 404


def test_a_draft_is_kept_as_it_was_typed_and_is_nobody_elses(anju: Installation) -> None:
    client = anju.client(anju.citizen())
    typed = {"answers": {"applicant": {"name": "林秋", "id_number": "3301"}, "declared_income_fen": "一十二万"}}
    kept = client.post(f"/portal/drafts/apply/{ITEM}", json=typed, headers={"X-CSRF-Token": "token"})
    assert kept.status_code == 200
    assert kept.get_json()["saved_at"].startswith("2026-03-02T09:00")
    data = block(client.get(form_path(anju)), "data")
    assert data["applicant"] == {"name": "林秋", "id_number": "3301"}
    assert data["declared_income_fen"] == "一十二万"
    assert "您有没写完的申请" in text_of(client.get(f"/portal/apply/{ITEM}"))
    other = anju.client(anju.citizen(NEIGHBOUR))
    assert block(other.get(form_path(anju)), "data")["applicant"]["name"] == "孙伯年"


def test_a_draft_of_no_item_or_of_no_object_is_refused(anju: Installation) -> None:
    client = anju.client(anju.citizen())
    token = {"X-CSRF-Token": "token"}
    assert client.post("/portal/drafts/apply/rental/nothing", json={"answers": {}}, headers=token).status_code == 404
    for body in ({"answers": [1]}, ["answers"], {}):
        assert client.post(f"/portal/drafts/apply/{ITEM}", json=body, headers=token).status_code == 422


def test_wrong_answers_come_back_with_their_messages_and_everything_typed(anju: Installation) -> None:
    citizen = anju.citizen()
    answers = anju.family(citizen)
    answers["applicant"]["id_number"] = "330106198803121015"
    answers["co_applicants"][1]["id_number"] = "330106201505011040"
    page = submit(anju, anju.client(citizen), answers)
    assert page.status_code == 422
    errors = block(page, "errors")
    assert any("校验位" in messages[0] for messages in errors.values())
    assert any(name.endswith(".1") for name in errors), "the second co-applicant's row is named by number"
    assert block(page, "data")["co_applicants"][1]["id_number"] == "330106201505011040"
    assert block(page, "data")["material_id_card"][0]["name"] == "id_card.png"


def test_an_application_gives_a_number_and_says_what_comes_next(anju: Installation) -> None:
    citizen = anju.citizen()
    client = anju.client(citizen)
    done = submit(anju, client, anju.family(citizen))
    assert done.status_code == 303
    page = text_of(client.get(done.location))
    for word in ("申请已提交", "BZSQ-2026-000001", "西湖区住房保障所", "接下来", "10 个工作日"):
        assert word in page


def test_a_double_submit_makes_one_case_and_leads_to_it(anju: Installation) -> None:
    citizen = anju.citizen()
    client, answers = anju.client(citizen), anju.family(citizen)
    first = submit(anju, client, answers)
    second = submit(anju, client, answers)
    assert second.status_code == 303
    assert f"{second.location}/submitted" == first.location
    assert "没有重复提交" in text_of(client.get(second.location))
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 1


def test_a_household_with_a_case_of_somebody_else_is_told_on_the_form(anju: Installation) -> None:
    anju.apply()
    neighbour = anju.citizen(NEIGHBOUR)
    page = submit(anju, anju.client(neighbour), anju.family(neighbour))
    assert page.status_code == 409
    assert "已有在办的申请" in block(page, "errors")[""][0]
    assert block(page, "data")["applicant"]["name"] == FAMILY["applicant"]["name"]


def test_with_a_live_case_the_guide_leads_there_instead_of_offering_a_second(anju: Installation) -> None:
    case_id = anju.apply().case_id
    page = anju.client(anju.citizen()).get(f"/portal/apply/{ITEM}")
    assert f"/portal/cases/{case_id}" in page.get_data(as_text=True)
    assert "开始申请" not in text_of(page)


def test_what_is_no_form_is_refused_in_words(anju: Installation) -> None:
    client = anju.client(anju.citizen())
    for answers in ("", "[]", "{", '"text"'):
        answer = post(client, form_path(anju), answers=answers)
        assert answer.status_code == 422
        assert "无法识别" in text_of(answer)
