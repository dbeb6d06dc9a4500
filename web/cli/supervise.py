"""The demo's processes: started together, watched, stopped together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

import click

from engine.core.errors import Refused
from web import app as application
from web import demo_applications, demo_data, migrate

PARTS = ("simulators", "worker", "serve")
_PATIENCE_SECONDS = 180.0
_GRACE_SECONDS = 10.0


def demo(simulator_offset: int) -> None:
    """Migrate, load demo data, run everything until a signal or until a part cannot be kept running."""
    env = dict(os.environ, ANJU_DEMO="1")
    port = int(env.get("ANJU_PORT", "8000"))
    for name, address in application.simulator_addresses(f"http://127.0.0.1:{port + simulator_offset}").items():
        env.setdefault(name, address)
    for taken in (port, port + simulator_offset):
        _check_free(taken)
    parts = application.build(env)
    migrate.upgrade()
    accounts = demo_data.load(parts)
    demo_applications.load(parts)
    children = {name: _start(name, env) for name in PARTS}
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        if _wait_for(f"http://127.0.0.1:{port}/health", children["serve"], stopping):
            _greet(port, port + simulator_offset, accounts)
            _watch(children, env, stopping)
    finally:
        _stop_all(children)


def _start(name: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    # A group of its own: the terminal's Ctrl-C reaches us alone and we stop the parts in order.
    return subprocess.Popen([sys.executable, "-m", "web.cli", name], env=env, start_new_session=True)  # noqa: S603


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Refused(
                f"端口 {port} 已被占用，请关闭占用它的程序，或用 ANJU_PORT 指定其他端口", code="port_taken"
            ) from error


def _wait_for(url: str, child: subprocess.Popen[bytes], stopping: list[int]) -> bool:
    limit = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < limit and not stopping:
        if child.poll() is not None:
            raise Refused("网页服务没有启动成功，请看上面的日志", code="not_started")
        try:
            with urlopen(url, timeout=2):  # noqa: S310  our own address
                return True
        except (URLError, OSError):
            time.sleep(0.1)
    if stopping:
        return False
    raise Refused(f"网页服务没有在 {_PATIENCE_SECONDS:.0f} 秒内启动，请看上面的日志", code="not_started")


def _greet(port: int, simulators: int, accounts: list[tuple[str, str, str]]) -> None:
    click.echo(f"\n安居已启动   http://127.0.0.1:{port}/          工作人员")
    click.echo(f"             http://127.0.0.1:{port}/portal    个人办事大厅")
    click.echo(f"             http://127.0.0.1:{simulators}/          外部系统模拟器（短信、故障开关）")
    click.echo(f"\n演示账号（密码都是 {demo_data.PASSWORD}）：")
    for login, name, title in accounts:
        click.echo(f"  {login:<12} {name}　{title}")
    click.echo("\n按 Ctrl-C 停止全部进程。\n")


def _watch(children: dict[str, subprocess.Popen[bytes]], env: dict[str, str], stopping: list[int]) -> None:
    """Restart a part that dies; give up when the same part dies within five seconds of its start."""
    started = dict.fromkeys(children, time.monotonic())
    while not stopping:
        time.sleep(0.3)
        for name, child in children.items():
            if child.poll() is None or stopping:
                continue
            if time.monotonic() - started[name] < 5:
                raise Refused(f"{name} 反复退出（{child.returncode}），演示已停止，请看上面的日志", code="part_died")
            click.echo(f"{name} 意外退出（{child.returncode}），重新启动", err=True)
            children[name], started[name] = _start(name, env), time.monotonic()


def _stop_all(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    limit = time.monotonic() + _GRACE_SECONDS
    for child in children.values():
        try:
            child.wait(timeout=max(0.1, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    click.echo("已停止")
