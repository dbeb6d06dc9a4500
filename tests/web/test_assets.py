"""The browser side keeps its promises: everything built, nothing from other hosts, nothing inline."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, select_autoescape

from engine.core import idnum

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
VENDOR = WEB / "static" / "vendor"
ENTRIES = {"anju.css", "app.js", "diagram.css", "diagram.js", "form.css", "form.js", "htmx.min.js"} | {
    "pdf.worker.js",
    "viewer.css",
    "viewer.js",
    "map.css",
    "map.js",
}
SOURCES = {".js", ".mjs", ".css", ".html", ".svg"}
NAMESPACES = ("http://www.w3.org/2000/svg",)
INLINE = {
    "script": re.compile(r"<script(?![^>]*(\ssrc=|type=\"application/json\"))", re.I),
    "style element": re.compile(r"<style\b", re.I),
    "style attribute": re.compile(r"\sstyle\s*=", re.I),
    "event attribute": re.compile(r"<[^>{}]*\son[a-z]+\s*=", re.I),
    "javascript address": re.compile(r"javascript:", re.I),
    "evaluated htmx attribute": re.compile(r"\shx-(on|vals=[\"']js:)", re.I),
}


def _own_sources() -> Iterator[Path]:
    for folder in (WEB / "assets", WEB / "static", WEB / "templates"):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and VENDOR not in path.parents and path.suffix in SOURCES:
                yield path


def _node(script: str) -> Any:
    node = shutil.which("node") or shutil.which("node", path=str(ROOT / ".venv" / "bin"))
    if node is None:
        pytest.skip("no node on this machine: browser modules cannot be run")
    command = [node, "--input-type=module", "--no-warnings", "-e", script]
    done = subprocess.run(command, cwd=WEB / "assets", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def manifest() -> dict[str, str]:
    file = VENDOR / "manifest.json"
    if not file.exists():
        pytest.skip("browser assets are not built: make setup")
    names: dict[str, str] = json.loads(file.read_text("utf-8"))
    return names


def test_the_build_lists_every_part_a_page_asks_for(manifest: dict[str, str]) -> None:
    assert set(manifest) == ENTRIES
    for name, file in manifest.items():
        stem, suffix = name.rsplit(".", 1)
        assert re.fullmatch(rf"{re.escape(stem)}-[0-9A-Z]{{8}}\.{suffix}", file)
        assert (VENDOR / file).stat().st_size > (1000 if suffix == "js" else 100)


def test_the_form_part_speaks_chinese(manifest: dict[str, str]) -> None:
    text = (VENDOR / manifest["form.js"]).read_text("utf-8")
    for said in ("添加一项", "没有结果", "年/月/日", "请填写此项"):
        assert said in text
    for english in ('"Add new"', '"No results"', '"All values selected"', '"Remove tag"'):
        assert english not in text


def test_the_maker_of_the_diagram_and_form_parts_stays_named(manifest: dict[str, str]) -> None:
    assert "fjs-powered-by" in (VENDOR / manifest["form.js"]).read_text("utf-8")
    assert "bjs-powered-by" in (VENDOR / manifest["diagram.js"]).read_text("utf-8")
    hidden = re.compile(r"[^{}]*powered-by[^{}]*\{[^}]*(display:\s*none|visibility:\s*hidden|opacity:\s*0)")
    for name in ("form.css", "diagram.css", "anju.css"):
        assert not hidden.search((VENDOR / manifest[name]).read_text("utf-8"))


def test_every_licence_of_the_bundles_is_kept(manifest: dict[str, str]) -> None:
    text = (VENDOR / "LICENSES.txt").read_text("utf-8")
    for package in ("bpmn-js ", "@bpmn-io/form-js-viewer ", "htmx.org ", "preact ", "flatpickr ", "leaflet "):
        assert re.search(rf"^{re.escape(package)}\d", text, re.M)


def test_no_source_asks_another_host() -> None:
    found = []
    for path in _own_sources():
        text = path.read_text("utf-8")
        for known in NAMESPACES:
            text = text.replace(known, "")
        if re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]{2,}", text, re.I):
            found.append(str(path.relative_to(ROOT)))
    assert found == []


def test_no_template_holds_inline_script_or_style() -> None:
    found = []
    for path in sorted((WEB / "templates").rglob("*.html")):
        text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.S)
        found += [f"{path.name}: {what}" for what, pattern in INLINE.items() if pattern.search(text)]
    assert found == []


def test_package_versions_are_exact() -> None:
    package = json.loads((ROOT / "package.json").read_text("utf-8"))
    wanted = package["dependencies"] | package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert not any("resolved" in one for one in locked.values())


def test_amounts_are_read_and_written_in_words_as_on_a_cheque() -> None:
    cases = {
        0: "零元整",
        5: "伍分",
        50: "伍角整",
        1: "壹分",
        105: "壹元零伍分",
        1000: "壹拾元整",
        11860000: "壹拾壹万捌仟陆佰元整",
        100000050: "壹佰万元伍角整",
        1000010: "壹万元壹角整",
        10010000: "壹拾万零壹佰元整",
        100000000000: "壹拾亿元整",
        100001000000: "壹拾亿零壹万元整",
        -9600050: "负玖万陆仟元伍角整",
    }
    script = "import {inWords} from './form/money.js';"
    script += f"console.log(JSON.stringify({json.dumps(list(cases))}.map(inWords)))"
    assert dict(zip(cases, _node(script), strict=True)) == cases


def test_typed_amounts_become_whole_fen() -> None:
    cases = {"118,600.00": 11860000, "96000.5": 9600050, "￥1，234": 123400, "0.01": 1, "": None}
    wrong = ["abc", "1.234", "1e5", "--1", "1.2.3"]
    script = "import {parseYuan, showYuan} from './form/money.js';"
    script += f"console.log(JSON.stringify([{json.dumps(list(cases))}.map(parseYuan),"
    script += f"{json.dumps(wrong)}.map((t) => Number.isNaN(parseYuan(t))), showYuan(123456789), showYuan(-5)]))"
    read, refused, shown, small = _node(script)
    assert read == list(cases.values())
    assert refused == [True] * len(wrong)
    assert (shown, small) == ("1,234,567.89", "-0.05")


def test_page_and_server_agree_on_identity_numbers() -> None:
    first = "11010119860307341"
    sound = first + idnum.check_char(first)
    permit = "81000019860307341"
    numbers = [
        ("resident_id", sound),
        ("resident_id", sound[:-1] + ("0" if sound[-1] != "0" else "1")),
        ("resident_id", "11010119860230341X"),
        ("resident_id", "1101011986030734"),
        ("hkmt_permit", permit + idnum.check_char(permit)),
        ("hkmt_permit", sound),
        ("passport", "E12345678"),
        ("passport", "E-1"),
        ("foreign_permit", "911124198108030024"),
        ("officer", "123"),
    ]
    script = "import {kindOf} from './form/identity.js';"
    script += f"console.log(JSON.stringify({json.dumps(numbers)}.map(([kind, number]) => !kindOf(kind).fault(number))))"
    assert _node(script) == [idnum.check(kind, number) is None for kind, number in numbers]


def test_kinds_of_identity_documents_are_those_of_the_server() -> None:
    names = _node("import {KINDS} from './form/identity.js'; console.log(JSON.stringify(Object.keys(KINDS)))")
    assert set(names) == set(idnum.KINDS)


@pytest.fixture(scope="module")
def pages() -> Environment:
    env = Environment(loader=FileSystemLoader(WEB / "templates"), autoescape=select_autoescape())
    env.globals.update(
        asset=lambda name: f"/static/{name}",
        csrf_token=lambda: "token",
        get_flashed_messages=lambda **_: [("success", "已提交")],
    )
    return env


@pytest.mark.parametrize("layout", ["staff", "portal", "plain"])
@pytest.mark.parametrize("user", [None, {"name": "王敏", "title": "复审岗", "office": "景山街道"}])
def test_each_layout_stands_with_and_without_a_user(
    pages: Environment, layout: str, user: dict[str, str] | None
) -> None:
    page = pages.from_string(f"{{% extends 'base/{layout}.html' %}}{{% block main %}}<p>正文</p>{{% endblock %}}")
    html = page.render(user=user, nav=[{"href": "/inbox", "title": "待办", "current": True}])
    assert '<html lang="zh-CN">' in html
    assert 'id="main"' in html
    assert "正文" in html
    assert 'class="foot"' not in html, "an empty action bar is not drawn"
    assert ("王敏" in html) is (user is not None and layout != "plain")


def test_what_a_form_holds_cannot_break_out_of_its_block(pages: Environment) -> None:
    page = pages.from_string("{% import '_macros/form.html' as forms with context %}{{ forms.island(schema, data) }}")
    html = page.render(schema={"components": []}, data={"name": "</script><script>alert(1)</script>"})
    assert "<script>alert" not in html
    assert html.count("<script") == 3


def test_a_task_row_tells_what_is_late_and_what_waits(pages: Environment) -> None:
    page = pages.from_string("{% import '_macros/ui.html' as ui with context %}{{ ui.due(days, paused) }}")
    assert "超时 2 工作日" in page.render(days=-2, paused=None)
    assert "今日到期" in page.render(days=0, paused=None)
    assert "计时暂停 · 补件" in page.render(days=3, paused="补件")
    assert page.render(days=None, paused=None).strip() == ""
