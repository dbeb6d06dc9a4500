"""``anju bench``: what the item costs, on a terminal and as JSON."""

from __future__ import annotations

import click

from engine.core import config
from web import app as application
from web import bench as measuring


@click.command()
def bench() -> None:
    """测量办理的速度与开销（SQLite，以及可用的 PostgreSQL），写入数据目录的 bench.json。"""
    settings = config.load(also_known=application.all_settings())
    found = measuring.run(click.echo, measuring.server_url(settings.database_url))
    for line in measuring.table(found):
        click.echo(line)
    click.echo(f"已写入 {measuring.write(found, settings.data)}")


COMMANDS = (bench,)
