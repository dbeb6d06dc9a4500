"""The seal's picture: a round red stamp, 42 mm across as an office's seal is, drawn as vectors."""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from html import escape
from pathlib import Path

import weasyprint

SIZE_MM = 42
SIZE_POINTS = SIZE_MM / 25.4 * 72
RED = "#d0021b"
# Degrees that the office's name spans along the upper rim.
ARC = 230


def stamp_file(folder: Path, office: str) -> Path:
    """The stamp of ``office`` as a one-page PDF in ``folder``; drawn once."""
    path = folder / f"stamp-{hashlib.sha256(office.encode()).hexdigest()[:16]}.pdf"
    if not path.exists():
        drawn = weasyprint.HTML(string=_page(office)).write_pdf()
        folder.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=folder, prefix=".drawing-")
        with os.fdopen(handle, "wb") as file:
            file.write(drawn)
        os.replace(draft, path)
    return path


def _page(office: str) -> str:
    return (
        f'<html lang="zh-CN"><style>@page {{ size: {SIZE_MM}mm {SIZE_MM}mm; margin: 0 }} body {{ margin: 0 }}'
        f" svg {{ display: block; width: {SIZE_MM}mm; height: {SIZE_MM}mm }}</style><body>{_svg(office)}</body></html>"
    )


def _svg(office: str) -> str:
    family = 'font-family="Noto Serif CJK SC, SimSun, serif" font-weight="bold" text-anchor="middle"'
    step = ARC / max(len(office), 1)
    size = min(13.0, 1.15 * math.radians(step) * 36)
    letters = "".join(
        f'<text transform="translate(60 60) rotate({-ARC / 2 + step * (index + 0.5):.2f}) translate(0 -40)"'
        f' font-size="{size:.2f}" {family}>{escape(letter)}</text>'
        for index, letter in enumerate(office)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120" fill="{RED}">'
        f'<circle cx="60" cy="60" r="57" fill="none" stroke="{RED}" stroke-width="3"/>{letters}'
        f'<polygon points="{_star(60, 60, 18)}"/>'
        f'<text x="60" y="97" font-size="11" {family}>演示专用</text></svg>'
    )


def _star(x: float, y: float, radius: float) -> str:
    points = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.382
        turn = math.radians(36 * corner)
        points.append(f"{x + reach * math.sin(turn):.2f},{y - reach * math.cos(turn):.2f}")
    return " ".join(points)
