"""What must come from Debian: the libraries and fonts of the PDF layout, and a browser for the tests.

Installed where we are root and apt-get is there; otherwise the answer is one sentence that names them.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence

LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_chinese_font() -> bool:
    """WeasyPrint prints empty boxes, without a word, where no font knows Chinese."""
    listed = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True)
    return listed.returncode == 0 and bool(listed.stdout.strip())


def missing_for_pdf() -> list[str]:
    """Names of the Debian packages that PDF documents still need here."""
    missing = [package for library, package in LIBRARIES.items() if not loads(library)]
    if shutil.which("fc-list") is None:
        return [*missing, "fontconfig", "fonts-noto-cjk"]
    return missing if has_chinese_font() else [*missing, "fonts-noto-cjk"]


def install(packages: Sequence[str], purpose: str) -> str:
    """Install Debian packages. Answers an empty string, or the sentence that says what a person must type."""
    names = " ".join(packages)
    typed = f"apt-get update && apt-get install -y --no-install-recommends {names}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"缺少{purpose}所需的软件包，请以 root 身份执行 / Debian packages are missing, type as root:\n  {typed}"
    print(f"==> installing Debian packages: {names}", flush=True)
    environ = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=3"]
    for command in ([*quiet, "update"], [*quiet, "install", "-y", "--no-install-recommends", *packages]):
        if subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode:
            return f"未能安装{purpose}所需的软件包，请执行并查看原因 / apt-get failed, type this to see why:\n  {typed}"
    return ""


def provide_pdf() -> str:
    """Answers an empty string where PDF documents can be made, or the sentence that says what is missing."""
    missing = missing_for_pdf()
    if not missing:
        return ""
    problem = install(missing, "生成 PDF（排版库、中文字体）")
    still = [] if problem else missing_for_pdf()
    return f"已安装但仍无法使用 / installed, yet of no use: {' '.join(still)}" if still else problem


def provide_chromium() -> str:
    """Tests that need a browser are skipped, with a word, where there is none."""
    return "" if shutil.which("chromium") else install(["chromium"], "浏览器测试")
