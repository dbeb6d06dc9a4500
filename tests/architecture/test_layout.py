"""The shape of the project: names at the top, sizes, READMEs, declaring folders without code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files, findings, made_here

ACTING = ["engine", "connectors", "web"]
DECLARING = ["processes", "forms", "rules"]
DOMAINS = {"rental", "talent", "construction", "rural", "fund", "shared"}
FOLDERS = {*ACTING, *DECLARING, "migrations", "tests", ".ci"}
FILES = {
    *("README.md", "README.zh-CN.md", "Makefile", "setup.cfg", "pyproject.toml", ".ruff.toml"),
    *("package.json", "package-lock.json", ".npmrc", ".gitignore"),
}
SOFT_LINES, HARD_LINES, README_LINES = 300, 400, 80


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def documented_folders() -> list[Path]:
    top = [ROOT / name for name in sorted(FOLDERS - {".ci"})]
    floors = [each for each in sorted((ROOT / "engine").iterdir()) if not made_here(each)]
    return [each for each in top + floors if each.is_dir()]


def test_the_top_of_the_project_holds_only_the_agreed_names() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in files()}
    assert found <= FOLDERS | FILES


def test_only_engine_connectors_and_web_are_packages_at_the_top() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set(ACTING)


def test_every_domain_of_the_declaring_folders_is_a_known_one() -> None:
    found = {path.name for name in DECLARING for path in (ROOT / name).iterdir() if path.is_dir()}
    assert found <= DOMAINS


@pytest.mark.parametrize("folder", DECLARING)
def test_a_declaring_folder_holds_no_program(folder: str) -> None:
    programs = [path for path in files(ROOT / folder) if path.suffix in {".py", ".js", ".mjs", ".sh"}]
    assert not programs, findings([str(path) for path in programs])


def test_no_python_file_is_longer_than_the_hard_stop() -> None:
    # A migration is a record of the schema, written once by a generator and read from top to bottom.
    written = [path for path in files() if path.suffix == ".py" and path.parent.name != "versions"]
    sizes = {path.relative_to(ROOT).as_posix(): length(path) for path in written}
    long = [f"{name}: {lines} lines" for name, lines in sizes.items() if lines > SOFT_LINES]
    print(f"over the budget of {SOFT_LINES} lines:", *long or ["none"], sep="\n  ")
    too_long = [name for name, lines in sizes.items() if lines > HARD_LINES]
    assert not too_long, findings(too_long)


def test_every_folder_says_on_one_page_what_it_is() -> None:
    readmes = [each / "README.md" for each in documented_folders()]
    sizes = {each.relative_to(ROOT): length(each) if each.is_file() else 0 for each in readmes}
    bad = [f"{name}: {lines} lines" for name, lines in sizes.items() if not 3 <= lines <= README_LINES]
    assert not bad, findings(bad)
