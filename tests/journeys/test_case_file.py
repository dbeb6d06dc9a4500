"""The page of a case as people use it: looked through, talked about, added to by phone, taken along as a whole."""

from __future__ import annotations

import io
import os
import re
import zipfile
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from weasyprint import HTML

from engine.commands import dispatch
from engine.commands.case_file import AddMaterial
from engine.files import uploads
from tests.journeys.conftest import Prepare
from tests.journeys.journey import Journey
from tests.journeys.people import Clerk
from tests.journeys.window import HEIGHTS, PHONE, Window
from tests.support.installation import Installation, picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CLEAR = "330106198803121014"
SHOTS = os.environ.get("CASE_SHOTS", "")


def at_first_review(anju: Installation) -> tuple[str, int]:
    """A case that waits for its first review, after one like it was decided; with a PDF among its materials."""
    case = anju.apply()
    anju.do(case.case_id, "accept", "liuyang", {"accept_result": "accepted", "accept_opinion": "材料齐全"})
    content = HTML(string="<h1>Income proof</h1><p>Two pages.</p><p style='break-before: page'>Second.</p>").write_pdf()
    upload = uploads.inspect(content, "收入证明.pdf")
    sha = anju.parts.store.put(content)
    dispatch(AddMaterial(case.case_id, "income_proof", ((sha, upload),)), anju.staff("liuyang"))
    return case.number, case.case_id


def shot(window: Window, name: str, width: int = 0) -> None:
    """A picture for the one who looks at them; only where a folder is named."""
    if not SHOTS:
        return
    window.page.set_viewport_size({"width": width or window.width, "height": HEIGHTS[width or window.width]})
    window.page.wait_for_timeout(600)
    window.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))
    window.page.set_viewport_size({"width": window.width, "height": HEIGHTS[window.width]})


def test_a_case_is_looked_through_added_to_and_taken_along(given: Prepare[tuple[str, int]], tmp_path: Path) -> None:
    made, (_, case_id) = given(at_first_review)
    clerk = made.clerk("liuyang")
    clerk.open(f"/cases/{case_id}")
    clerk.sees("接下来", "初审", "复审", "可能", "各环节填写内容", "材料")
    expect(clerk.page.locator("[data-anju-diagram][data-ready]")).to_be_visible()
    expect(clerk.page.locator(".dg-maybe").first).to_be_attached()
    shot(clerk, "case-1440")
    shot(clerk, "case-390", PHONE)
    _filters(clerk)
    _sees_identity(clerk, case_id)
    _talks(clerk, case_id)
    _views(clerk, case_id)
    _hands_in_by_phone(made, clerk, case_id, tmp_path)
    _takes_it_along(clerk, case_id)


def _filters(clerk: Clerk) -> None:
    timeline = clerk.page.locator("#timeline")
    before = timeline.locator("ol.line > li").count()
    clerk.leave_by(timeline.get_by_role("link", name=re.compile("^计时|^办理")).first)
    after = clerk.page.locator("#timeline ol.line > li").count()
    assert 0 < after < before


def _sees_identity(clerk: Clerk, case_id: int) -> None:
    clerk.open(f"/cases/{case_id}")
    assert CLEAR not in clerk.text()
    clerk.page.get_by_role("button", name="查看身份信息").click()
    dialog, beside = clerk.page.locator("#ask-identity"), (5, 5)
    clerk.page.mouse.click(*beside)
    expect(dialog).to_be_hidden()
    clerk.page.get_by_role("button", name="查看身份信息").click()
    clerk.page.get_by_label("查看理由").fill("与公安户籍系统核对证件号码")
    # What was typed is not lost by a slip of the mouse.
    clerk.page.mouse.click(*beside)
    expect(dialog).to_be_visible()
    clerk.press("查看 1 分钟")
    clerk.sees(CLEAR, "林秋实")
    shot(clerk, "case-identity-1440")
    # The page takes it away by itself when its time is over.
    assert int(clerk.page.locator("[data-gone-after]").get_attribute("data-gone-after") or 99) <= 60
    clerk.page.clock.install()
    clerk.reload()
    clerk.page.clock.fast_forward(61_000)
    expect(clerk.page.get_by_text("查看时间已到")).to_be_visible()
    assert CLEAR not in clerk.text()


def _talks(clerk: Clerk, case_id: int) -> None:
    clerk.open(f"/cases/{case_id}")
    clerk.page.get_by_label("会商内容").fill("@王敏 请留意母亲的住房情况")
    clerk.press("发送")
    clerk.sees("请留意母亲的住房情况", "会商（请 王敏 参与）")


def _views(clerk: Clerk, case_id: int) -> None:
    materials = clerk.page.locator("#part-materials")
    clerk.leave_by(materials.get_by_role("link", name="id_card.png").first)
    viewer = clerk.page.locator("[data-viewer=picture][data-ready]")
    expect(viewer).to_be_visible()
    clerk.page.get_by_role("button", name="放大").click()
    clerk.page.get_by_role("button", name="向右旋转").click()
    expect(viewer).to_have_attribute("data-zoom", "1.25")
    expect(viewer).to_have_attribute("data-turn", "90")
    clerk.open(f"/cases/{case_id}")
    clerk.leave_by(clerk.page.locator("#part-materials").get_by_role("link", name="收入证明.pdf").first)
    pages = clerk.page.locator("[data-viewer=pdf][data-ready]")
    expect(pages).to_be_visible(timeout=20_000)
    expect(pages.locator("canvas")).to_have_count(2)
    drawn = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(b => b < 128)"
    assert pages.locator("canvas").first.evaluate(drawn), "the first page is white"
    clerk.page.keyboard.press("Tab")
    clerk.page.get_by_role("button", name="向左旋转").click()
    expect(pages).to_have_attribute("data-turn", "270")
    shot(clerk, "case-pdf-1440")


def _hands_in_by_phone(made: Journey, clerk: Clerk, case_id: int, folder: Path) -> None:
    clerk.open(f"/cases/{case_id}")
    row = clerk.page.locator("#part-materials li", has=clerk.page.get_by_text("婚姻状况证明", exact=True)).first
    row.get_by_text("补充或替换").click()
    clerk.leave_by(row.get_by_role("button", name="用手机拍照"))
    clerk.sees("用手机扫码", "等待手机上传")
    shot(clerk, "case-phone-1440")
    address = urlsplit(clerk.page.locator("code.wrap").inner_text()).path
    phone = made.citizen(width=PHONE)
    phone.open(address)
    phone.sees("补拍：婚姻状况证明")
    shot(phone, "hand-in-390")
    photo = folder / "结婚证.png"
    photo.write_bytes(picture("red"))
    phone.page.locator("input[type=file]").set_input_files(str(photo))
    phone.press("送到窗口")
    phone.sees("已送到窗口")
    expect(clerk.page.get_by_text("已收到")).to_be_visible(timeout=10_000)
    assert phone.status(address) == 404, "a link is good for once"
    phone.open(f"/cases/{case_id}")
    assert phone.path == "/login", "the link opens nothing else"
    clerk.open(f"/cases/{case_id}")
    clerk.sees("手机补拍")


def _takes_it_along(clerk: Clerk, case_id: int) -> None:
    clerk.press("导出整卷（zip）")
    expect(clerk.page.get_by_role("link", name=re.compile("下载整卷"))).to_be_visible(timeout=30_000)
    with zipfile.ZipFile(io.BytesIO(clerk.fetch(f"/cases/{case_id}/file.zip"))) as archive:
        names = archive.namelist()
        sums = dict(reversed(line.split("  ", 1)) for line in archive.read("SHA256SUMS").decode().splitlines())
        assert all(sha256(archive.read(name)).hexdigest() == total for name, total in sums.items())
        page = archive.read("index.html").decode()
    assert {"index.html", "index.pdf", "journal.json", "SHA256SUMS"} <= set(names)
    assert set(names) == {*sums, "SHA256SUMS"}
    assert any(name.startswith("documents/") and "受理通知书" in name for name in names)
    assert any("结婚证" in name for name in names)
    assert "各环节填写内容" in page
    assert CLEAR not in page
