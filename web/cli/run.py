"""Commands that keep running: serve, worker, simulators, demo."""

from __future__ import annotations

import gc
import os
import signal
import threading
from types import FrameType

import click

from engine.core.errors import Refused
from engine.files import system
from engine.jobs import wake
from engine.workers import runner, scheduler
from web import app as application
from web import migrate
from web.cli import supervise

# Simulators listen this far above the web's own port.
SIMULATOR_OFFSET = 10


def _ready() -> application.Parts:
    application.set_up_logging()
    parts = application.build()
    if not migrate.is_current():
        raise Refused("数据库结构不是最新，请先运行 anju migrate", code="not_migrated")
    return parts


def _spare_the_collector() -> None:
    """What was loaded stays; a request leaves few cycles: look for them less often, and not among what stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址")
@click.option("--threads", default=8, show_default=True, help="处理请求的线程数")
def serve(host: str, threads: int) -> None:
    """启动网页服务。"""
    import waitress

    parts = _ready()
    app = application.create_app(parts=parts)
    _spare_the_collector()
    waitress.serve(
        app,
        host=host,
        port=parts.config.port,
        threads=threads,
        ident="anju",
        clear_untrusted_proxy_headers=True,
        # Lets a long poll see that its client has hung up.
        channel_request_lookahead=1,
    )


@click.command()
@click.option("--threads", default=2, show_default=True, help="同时办理的任务数")
@click.option("--no-scheduler", is_flag=True, help="不运行定时清理")
def worker(threads: int, no_scheduler: bool) -> None:
    """启动后台任务和定时器。"""
    parts = _ready()
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    timer = None if no_scheduler else scheduler.build(parts.store)
    if timer is not None:
        timer.start()
    started = runner.start_threads(parts.files, threads, stop, follow_clock=parts.config.demo)
    stop.wait()
    # Whoever sleeps looks up and ends.
    wake.bell.ring(("stop",))
    for thread in started:
        thread.join(timeout=20)
    if timer is not None:
        timer.shutdown(wait=False)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址")
def simulators(host: str) -> None:
    """启动外部系统的模拟器。"""
    import waitress

    application.set_up_logging()
    port = int(os.environ.get("ANJU_PORT", "8000")) + SIMULATOR_OFFSET
    waitress.serve(application.simulators(listening=True), host=host, port=port, threads=8, ident="anju-simulators")


@click.command(name="migrate")
def migrate_command() -> None:
    """把数据库结构升级到最新。"""
    application.build()
    migrate.upgrade()
    click.echo("数据库结构已是最新")


@click.command()
def demo() -> None:
    """一条命令启动演示：数据、模拟器、后台任务和网页。"""
    for missing in system.check():
        click.echo(f"注意：{missing}", err=True)
    supervise.demo(SIMULATOR_OFFSET)


COMMANDS = (serve, worker, simulators, migrate_command, demo)
