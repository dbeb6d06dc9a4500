"""The files of the project, as a reader of a fresh checkout would see them; no Git needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE_HERE = {
    *(".git", ".venv", "node_modules", "var", "build", "vendor", "__pycache__"),
    *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache"),
}
TEXT = {
    *(".bpmn", ".cfg", ".css", ".csv", ".dmn", ".form", ".html", ".in", ".js", ".json", ".lock", ".mako", ".md"),
    *(".mjs", ".py", ".sh", ".sql", ".svg", ".toml", ".txt", ".wsdl", ".xml", ".xsd", ".yaml", ".yml", ""),
}


def made_here(path: Path) -> bool:
    """Whether something was installed, built or cached (what .gitignore names)."""
    return path.name in MADE_HERE or path.name.endswith(".egg-info")


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file that belongs to the project."""
    for path in sorted(folder.iterdir()):
        if made_here(path):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def texts() -> Iterator[tuple[str, str]]:
    """Relative path and text of every text file."""
    for path in files():
        if path.suffix in TEXT:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


@cache
def _parsed() -> tuple[tuple[str, ast.Module], ...]:
    return tuple((name, ast.parse(text, name)) for name, text in texts() if name.endswith(".py"))


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Relative path and syntax tree of the Python files below ``folders`` (none named: all)."""
    for name, module in _parsed():
        if not folders or name.split("/")[0] in folders:
            yield name, module


def calls(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and written name (``a.b.c``) of everything a module calls; an unnamed owner is written ``?``."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func)


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def findings(found: list[str]) -> str:
    """A message for ``assert not found`` that a person can click through."""
    return "\n".join(["", *found])
