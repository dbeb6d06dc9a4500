"""The integrator's story in connectors/README.md, run line by line; recording and replaying; parties from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path

import pytest

import connectors
from connectors import load_all, manifests
from connectors._kit import rehearsal, tape, workbench
from engine.core.errors import Refused

README = Path(connectors.__file__).parent / "README.md"
OWN_LINES = 120


def shell(lines: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "ANJU_CONNECTORS": str(folder), "W": str(folder / "waterworks")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def story() -> list[str]:
    """The lines of the block, a continued line as one."""
    found = re.search(r"## Write one\n.*?```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return [line for line in found[1].replace("\\\n", " ").splitlines() if line.strip()]


def texts(folder: Path) -> dict[str, list[str]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in (".py", ".json", ".yaml")]
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8").splitlines() for path in files}


def test_the_story_works_as_it_is_told(tmp_path: Path) -> None:
    lines = story()
    made = shell(lines[0], tmp_path)
    assert "anju connector rehearse waterworks" in made
    before = texts(tmp_path / "waterworks")
    told = shell("\n".join(lines[1:]), tmp_path)
    assert told.count("通过  waterworks.arrears") == 20
    assert "不符" not in told
    assert '"verdict": "pass"' in told
    after = texts(tmp_path / "waterworks")
    written = [
        line
        for name in after
        for line in unified_diff(before[name], after[name], lineterm="")
        if line.startswith("+") and not line.startswith("+++")
    ]
    assert 0 < len(written) < OWN_LINES
    assert sum(len(each) for name, each in after.items() if name.endswith(".py")) < 200
    request = json.loads("\n".join(after["wire/arrears.request.json"]))
    assert request == {"acctNo": "1001"}
    template = json.loads((tmp_path / "templates" / "anju.waterworks.arrears.json").read_text(encoding="utf-8"))
    assert template["name"] == "查询欠费"
    assert template["category"] == {"id": "waterworks", "name": "水务集团"}
    labels = [one.get("label", "") for one in template["properties"]]
    assert "户号" in labels
    assert any(label.startswith("欠费（分）") for label in labels)


def test_a_folder_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    new(tmp_path)
    with pytest.raises(Refused, match="已存在"):
        new(tmp_path)


@pytest.mark.parametrize("wrong", ["account", "Account=户号", "account=户号:text", "=户号"])
def test_an_input_is_written_as_told_or_refused(wrong: str) -> None:
    with pytest.raises(Refused) as raised:
        workbench.named(wrong)
    assert raised.value.code == "bad_name"


def new(into: Path) -> None:
    words = {"title": "煤气公司", "operation": "bill", "operation_title": "查询账单", "owner": "信息中心"}
    workbench.new("gasworks", into, [workbench.named("meter=表号")], [workbench.named("due_fen=应缴:integer")], **words)


def test_what_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    new(tmp_path)
    folder = tmp_path / "gasworks"
    manifest = folder / "connector.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("draft", "rehearsed"), encoding="utf-8")
    (folder / "scenarios.yaml").write_text("{}", encoding="utf-8")
    (folder / "wire" / "bill.answer.json").unlink()
    found = [one for one in manifests({"ANJU_CONNECTORS": str(tmp_path)}) if one.party == "gasworks"]
    assert any("没有演练样例" in problem for problem in rehearsal.problems(found))
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("level: rehearsed", "level: live"), "utf-8")
    with pytest.raises(ValueError, match=r"gasworks/connector\.yaml.*agreed_by"):
        manifests({"ANJU_CONNECTORS": str(tmp_path)})


def test_a_recording_holds_no_person_and_answers_in_place_of_the_party(tmp_path: Path) -> None:
    chosen = [one for one in manifests({}) if one.party in ("police", "tax")]
    path = tmp_path / "heard.jsonl"
    first = list(rehearsal.rehearse(chosen, connectors.load, {}, record=path, replay=None))
    assert all(one.ok for one in first)
    text = path.read_text(encoding="utf-8")
    for hidden in ("林秋实", "周雨桐", "330106198803121014", "demo-police-key", "demo-tax-key", "西湖区"):
        assert hidden not in text
    again = list(rehearsal.rehearse(chosen, connectors.load, {}, record=None, replay=path))
    assert [one.operation for one in again] == ["police.household", "tax.income"]
    assert again[0].ok, again[0].message


def test_a_recording_that_is_over_is_no_answer() -> None:
    load_all({})
    party = connectors._kit.settings.of("police")
    with pytest.raises(Exception, match="重新录制") as raised:
        tape.Tape(playing=True).play(party, party.url("ANJU_POLICE_URL", "/v1/household"), b"")
    assert getattr(raised.value, "code", "") == "tape_over"
