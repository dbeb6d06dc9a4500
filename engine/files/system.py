"""What this machine must have for PDF, found out cheaply at start."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
from dataclasses import dataclass

_TIMEOUT = 10  # seconds; a first run may build fontconfig's cache
_FONTS = "fontconfig fonts-noto-cjk"


@dataclass(frozen=True)
class Library:
    """A shared library, the file names it goes by, and the Debian packages that bring it."""

    title: str
    names: tuple[str, ...]
    packages: str
    blocking: bool = True


LIBRARIES = (
    Library(
        "Pango 排版库",
        ("libpango-1.0.so.0", "libpango-1.0.dylib", "libpango-1.0-0.dll"),
        "libpango-1.0-0",
    ),
    Library(
        "Pango 字体库",
        ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib", "libpangoft2-1.0-0.dll"),
        "libpangoft2-1.0-0",
    ),
    Library(
        "HarfBuzz 字体裁剪库",
        ("libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib", "libharfbuzz-subset-0.dll"),
        "libharfbuzz-subset0",
        blocking=False,
    ),
)


def check() -> list[str]:
    """One Chinese sentence for each thing that is missing, with the line that installs it; empty where all is there."""
    return [sentence for _, sentence in _findings()]


def blocking() -> list[str]:
    """Those of ``check`` without which no PDF can be made; the others only cost time."""
    return [sentence for blocks, sentence in _findings() if blocks]


@functools.cache
def _findings() -> tuple[tuple[bool, str], ...]:
    found = [(library.blocking, _sentence(library)) for library in LIBRARIES if not has_library(library.names)]
    if shutil.which("fc-list") is None:
        found.append((True, "缺少 fontconfig，找不到中文字体，不能生成 PDF 文书。" + _install(_FONTS)))
    elif not has_chinese_font():
        found.append((True, "没有中文字体，PDF 文书里的汉字会变成方框。" + _install(_FONTS)))
    return tuple(found)


def has_library(names: tuple[str, ...]) -> bool:
    """Whether the loader finds a library under one of these names."""
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def has_chinese_font() -> bool:
    """Whether fontconfig knows a font that covers simplified Chinese."""
    command = ["fc-list", ":lang=zh-cn", "family"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return False
    return bool(answer.stdout.strip())


def _sentence(library: Library) -> str:
    effect = "不能生成 PDF 文书。" if library.blocking else "生成 PDF 会慢几十倍。"
    return f"缺少{library.title}，{effect}" + _install(library.packages)


def _install(packages: str) -> str:
    return f"请执行：apt-get install -y {packages}"
