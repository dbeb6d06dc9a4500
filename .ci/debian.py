"""What must come from Debian: Python's venv, the libraries and fonts of the PDF layout, a browser for the tests.

Installed where we are root and apt-get is there; otherwise the answer is one sentence that names all of them.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
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


def missing() -> list[str]:
    """Names of the Debian packages without which the product cannot run here."""
    packages = [package for library, package in LIBRARIES.items() if not loads(library)]
    if importlib.util.find_spec("ensurepip") is None:
        packages.insert(0, f"python3.{sys.version_info.minor}-venv")
    if shutil.which("fc-list") is None:
        return [*packages, "fontconfig", "fonts-noto-cjk"]
    return packages if has_chinese_font() else [*packages, "fonts-noto-cjk"]


def may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def typed(packages: Sequence[str]) -> str:
    """What a person types to get the packages."""
    return f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"


def install(packages: Sequence[str]) -> bool:
    """Install Debian packages; whether that went well."""
    environ = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=3"]
    commands = [[*quiet, "update"], [*quiet, "install", "-y", "--no-install-recommends", *packages]]
    return all(
        subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode == 0
        for command in commands
    )
