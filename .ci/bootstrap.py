"""Set the project up: `python3.11 .ci/bootstrap.py [--dev]`. Standard library only; run by the Makefile.

Each step keeps a stamp in `.venv`: a digest of what it was made from. A step whose stamp still holds is skipped, so
that a second start takes a fraction of a second. What a person must mend is said in one sentence, never as a trace.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import debian

ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / ".ci"
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
VENDOR = ROOT / "web" / "static" / "vendor"
OLDEST_NODE = 20
DEBIAN_CA = Path("/etc/ssl/certs/ca-certificates.crt")


class SetUpFailed(Exception):
    """A person must do something; the message says what, in one sentence."""


def say(message: str) -> None:
    print(f"==> {message}", flush=True)


def digest(paths: Iterable[Path], *facts: str) -> str:
    """SHA-256 over the names and contents of ``paths`` (folders: all files below) and over ``facts``."""
    total = hashlib.sha256("\0".join((str(ROOT), *facts)).encode())
    for path in paths:
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                total.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


class Stamp:
    """Says whether a step was already done with the same ingredients."""

    def __init__(self, name: str, value: str) -> None:
        self.file, self.value = VENV / f".stamp-{name}", value

    def holds(self) -> bool:
        return self.file.is_file() and self.file.read_text() == self.value

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Around the step itself: no stamp stands while it runs, or after it failed."""
        self.file.unlink(missing_ok=True)
        yield
        self.file.write_text(self.value)


def run(command: Sequence[str | Path], failing: str) -> None:
    """Run a command in the project's root with `.venv/bin` first on PATH."""
    environ = dict(os.environ, PATH=f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    environ.pop("PYTHONHOME", None)
    environ["PYTHONWARNINGS"] = "ignore"  # they are for the authors of pip and setuptools
    environ["PIP_USER"] = "0"  # whatever pip was told elsewhere: packages go into .venv
    if not os.access(os.path.expanduser("~"), os.W_OK):  # a service's user has no home, or none of its own
        environ.setdefault("npm_config_cache", str(VENV / "npm-cache"))
        environ.setdefault("HOME", str(VENV))
    if DEBIAN_CA.is_file():
        environ.setdefault("NODE_EXTRA_CA_CERTS", str(DEBIAN_CA))  # an office's own authority: npm knows only its own
    if subprocess.run([str(part) for part in command], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL).returncode:
        raise SetUpFailed(failing)


def answers(command: Sequence[str | Path], path: str | None = None) -> str:
    """What a command prints, or nothing where it fails or is missing."""
    environ = dict(os.environ, PATH=path) if path else None
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environ, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def provide_debian(dev: bool) -> None:
    """Packages of the operating system: installed where we may, named in one sentence where we may not."""
    missing = debian.missing()
    wanted = [*missing, "chromium"] if dev and shutil.which("chromium") is None else missing
    if not wanted:
        return
    typed = debian.typed(wanted)
    if debian.may_install():
        say(f"installing Debian packages: {' '.join(wanted)}")
        if not debian.install(wanted):
            raise SetUpFailed(f"系统软件包安装失败，请执行并查看原因 / apt-get failed, see why:\n  {typed}")
    elif missing:
        raise SetUpFailed(f"缺少系统软件包，请以 root 身份执行 / Debian packages are missing, type as root:\n  {typed}")
    else:
        say("没有 Chromium，将跳过浏览器测试 / no chromium here: browser tests will be skipped")
    if still := debian.missing():
        raise SetUpFailed(f"已安装但仍无法使用 / installed, yet of no use: {' '.join(still)}")


def make_venv() -> None:
    """A virtual environment that belongs to this folder (one that was copied or moved here is made anew)."""
    stamp = Stamp("venv", f"{ROOT} {sys.version_info.major}.{sys.version_info.minor}")
    if (stamp.holds() or not stamp.file.exists()) and answers(
        [PYTHON, "-c", "import pip, sys; print(sys.prefix)"]
    ) == str(VENV):
        return
    base = getattr(sys, "_base_executable", sys.executable)  # .venv itself may be active
    say("making .venv")
    run([base, "-m", "venv", "--clear", VENV], "无法创建 .venv，请看上面的输出 / .venv could not be made, see above")
    with stamp.renewed():
        pass


def pip_install(arguments: Sequence[str | Path], failing: str) -> None:
    pip = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-deps")
    run([PYTHON, *pip, *arguments], failing)


def install_locked(lock: str, what: str) -> None:
    """Install exactly what a lock file names, checked by hash."""
    stamp = Stamp(lock, digest([CI / lock]))
    if stamp.holds():
        return
    say(f"installing {what}")
    with stamp.renewed():
        pip_install(
            ["--require-hashes", "-r", CI / lock],
            f"安装 {lock} 失败：请检查网络与 pip 软件源后重试 / pip could not install {lock}, see above",
        )


def install_anju() -> None:
    """The project itself, editable: the console script `anju`."""
    stamp = Stamp("anju", digest([ROOT / "setup.cfg", ROOT / "pyproject.toml", CI / "requirements.lock"]))
    if stamp.holds() and (BIN / "anju").exists():
        return
    say("installing the command anju")
    with stamp.renewed():
        pip_install(["--no-build-isolation", "-e", ROOT], "无法安装 anju 命令，请看上面的输出 / see above")


def provide_node() -> None:
    """Node and npm: the machine's own where new enough, otherwise from the package registry of Python."""
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    version = answers(["node", "--version"], path).removeprefix("v").split(".")[0]
    if version.isdigit() and int(version) >= OLDEST_NODE and answers(["npm", "--version"], path):
        return
    install_locked("node.lock", f"node and npm (none here, or older than {OLDEST_NODE})")


def build_assets() -> None:
    """The browser's parts, fetched by npm and bundled into `web/static/vendor`."""
    package = [ROOT / "package.json", ROOT / "package-lock.json", ROOT / ".npmrc"]
    modules = Stamp("npm", digest(package))
    static = [each for each in sorted(VENDOR.parent.glob("*")) if each != VENDOR]  # the bundle borrows our own CSS
    bundle = Stamp("assets", digest([*package, ROOT / "web" / "assets", *static]))
    if bundle.holds() and VENDOR.is_dir():
        return
    provide_node()
    if not (modules.holds() and (ROOT / "node_modules").is_dir()):
        say("fetching the browser's parts")
        with modules.renewed():
            run(
                ["npm", "ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"],
                "获取浏览器组件失败：请检查网络与 npm 软件源后重试 / npm ci failed, see above",
            )
    say("building the browser's parts")
    with bundle.renewed():
        run(["npm", "run", "--silent", "build"], "构建浏览器组件失败，请看上面的输出 / npm run build failed, see above")


def set_up(dev: bool) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the very thing to find out
        raise SetUpFailed("需要 Python 3.11 或更高版本 / Python 3.11 or newer is needed: make PYTHON=python3.11")
    provide_debian(dev)
    make_venv()
    install_locked("requirements.lock", "what the product needs")
    if dev:
        install_locked("dev.lock", "what checks and tests need")
    install_anju()
    build_assets()


def main() -> int:
    parser = argparse.ArgumentParser(description="Set the project up in .venv.")
    parser.add_argument("--dev", action="store_true", help="also what checks and tests need")
    arguments = parser.parse_args()
    lock = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once would spoil each other's .venv
    try:
        set_up(arguments.dev)
    except SetUpFailed as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
