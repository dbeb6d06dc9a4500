"""``anju backup`` and ``anju restore``."""

from __future__ import annotations

from pathlib import Path

import click

from engine.core import config
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


COMMANDS = (backup, restore)
