"""A family applies on a phone and is granted its eligibility; the notice can be verified by anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.conftest import POSTGRES
from tests.journeys import site as sites
from tests.journeys.journey import Journey, journey
from tests.journeys.papers import altered, text_of
from tests.journeys.people import OFFICE, Citizen, Clerk, fills_the_family
from tests.support.installation import Postgres

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = "19900000001"
FAMILY = {
    "support_mode": "公租房",
    "marital_status": "已婚",
    "region": ("浙江省", "杭州市", "西湖区"),
    "residence": "本市户籍",
    "co_applicants": [
        ("周雨桐", "配偶", "330106199007251023", False),
        ("林小满", "子女", "330106201505011049", True),
        ("何月英", "父母", "330106196002181069", False),
    ],
    "situation": "与亲属同住",
    "address": "安居市西湖区文二路 100 号 1 幢 301 室",
    "income": "126000",
}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def from_nothing(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Journey]:
    """The demo as ``make run`` starts it on an empty folder, once on each database."""
    if request.param == "sqlite":
        with sites.demo(tmp_path / "data") as site, journey(browser, site) as made:
            yield made
        return
    server = Postgres(POSTGRES["host"], POSTGRES["port"])
    with (
        server.database() as name,
        sites.demo(tmp_path / "data", server.url(name)) as site,
        journey(browser, site) as made,
    ):
        yield made


def test_a_family_applies_on_a_phone_and_gets_a_sealed_notice(
    from_nothing: Journey, photos: dict[str, Path], tmp_path: Path
) -> None:
    citizen = from_nothing.citizen(PHONE)
    form = citizen.opens_the_application_form()
    fills_the_family(form, FAMILY, photos)
    number = citizen.submits()

    clerk = from_nothing.clerk("liuyang")
    clerk.accepts(number)
    from_nothing.clerk("wangmin").reviews("初审", number, "拟准予资格", "情况属实，拟同意")
    from_nothing.clerk("chenhao").reviews("复审", number, "拟准予资格", "同意初审意见")
    approver = from_nothing.clerk("zhaoling")
    approver.reviews("审批", number, "准予资格", "同意")
    _is_shown_in_public_under_masked_names(from_nothing.citizen(), number)

    clerk.moves_the_clock(30)
    approver.opens_the_task("审批", number).tick("确认公示通过")
    approver.hands_in()

    citizen.opens_the_case(number)
    citizen.until_it_says("准予住房保障资格通知书")
    notice = citizen.file("准予住房保障资格通知书")
    code = _says_what_was_decided(notice)
    _anybody_can_verify(from_nothing.citizen(), code, notice, tmp_path)
    _the_case_file_tells_it_all(clerk, number)


def _is_shown_in_public_under_masked_names(visitor: Citizen, number: str) -> None:
    visitor.open("/notices")
    visitor.until_it_says(number)
    visitor.page.get_by_role("link").filter(has_text=number).first.click()
    visitor.page.wait_for_load_state()
    visitor.arrived()
    visitor.sees("林*实", "提出异议", OFFICE)
    visitor.sees_not("林秋实", "330106198803121014", PHONE)


def _says_what_was_decided(notice: bytes) -> str:
    text = text_of(notice)
    for said in (
        "准予住房保障资格通知书",
        "林秋实：",
        "林秋实、周雨桐、林小满、何月英（共4人）",
        "公租房两居室（不超过60平方米）",
        "国办发〔2011〕45号",
        "《公共租赁住房管理办法》第九条",
        "有效期至",
    ):
        assert said in text, f"{said} is missing in: {text}"
    code = re.search(r"核验码([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})", text)
    assert code, text
    return code[1]


def _anybody_can_verify(visitor: Citizen, code: str, notice: bytes, folder: Path) -> None:
    visitor.open("/verify")
    visitor.field("核验码").fill(code.lower().replace("-", ""))
    visitor.press("核验")
    visitor.sees("文书有效", "准予住房保障资格通知书", code)
    visitor.sees_not("林秋实")
    for name, content, verdict in (
        ("original.pdf", notice, "是原件，没有改动"),
        ("altered.pdf", altered(notice), "文件被改动过"),
    ):
        visitor.open(f"/verify/{code}")
        (folder / name).write_bytes(content)
        visitor.page.get_by_label("文书的 PDF 文件").set_input_files(folder / name)
        visitor.press("核验文件")
        visitor.sees(verdict)


def _the_case_file_tells_it_all(clerk: Clerk, number: str) -> None:
    clerk.opens_the_case(number)
    clerk.sees("准予", "办理流程", "公安", "不动产", "税务", "暂停计时（公示）")
