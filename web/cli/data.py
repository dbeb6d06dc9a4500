"""``anju backup``, ``anju restore`` and ``anju retention``."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cases.retention import overdue
from engine.core import clock, config
from engine.core.db import reading
from engine.workers import housekeeping
from web import app as application
from web import backup as archive
from web import migrate


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def backup(target: Path) -> None:
    """把数据库、文件和密钥一起备份到 TARGET（.tar.gz，含密钥，请妥善保管）。"""
    parts = application.build()
    archive.backup(parts.config, target)
    click.echo(f"已备份到 {target}")


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(source: Path) -> None:
    """从备份恢复到空的数据目录和空的数据库。"""
    settings = config.load(also_known=application.all_settings())
    archive.restore(settings, source)
    application.build()
    migrate.upgrade()
    click.echo(f"已恢复到 {settings.data}")


@click.command()
@click.option("--dry-run", is_flag=True, help="只列出到期的办件，不删除")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="最多几件")
def retention(dry_run: bool, limit: int) -> None:
    """删除保存期限届满的办件历史（后台每天自动执行）；文书和办理记录的条目保留。"""
    application.build()
    if not dry_run:
        click.echo(f"已删除 {housekeeping.erase_overdue(limit)} 件的历史")
        return
    with reading() as session:
        found = list(overdue(session, limit))[:limit]
    for one in found:
        click.echo(f"{one.number}  {one.item}  办结于 {clock.local(one.closed_at):%Y-%m-%d}")
    click.echo(f"保存期限届满 {len(found)} 件，没有删除任何内容" if found else "没有保存期限届满的办件")


COMMANDS = (backup, restore, retention)
