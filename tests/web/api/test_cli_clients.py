"""`anju client …` lets programs in and shuts them out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.core import clock, db
from tests.support.installation import START
from web.cli import cli


def run(*words: str) -> str:
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_client_is_made_listed_and_revoked_on_the_command_line(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    monkeypatch.setenv("ANJU_DATA", str(tmp_path / "data"))
    with clock.frozen(START):
        told = run("client", "new", "erp", "--office", "330106", "--role", "integrator", "--role", "acceptance")
        assert len(told.splitlines()[-1]) >= 40
        assert "erp" in run("client", "list")
        assert "可用" in next(line for line in run("client", "list").splitlines() if line.startswith("erp"))
        run("client", "revoke", "erp")
        assert "已停用" in next(line for line in run("client", "list").splitlines() if line.startswith("erp"))
        db.engine().dispose()
