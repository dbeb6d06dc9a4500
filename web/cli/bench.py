"""``anju bench``: what everything costs, on a terminal and as JSON."""

from __future__ import annotations

import click

from engine.core import config
from web import app as application
from web import bench as measuring
from web.bench_values import table


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(measuring.PARTS)))
def bench(parts: tuple[str, ...]) -> None:
    """测量速度与开销，写入数据目录的 bench.json。

    不写 PARTS 时测 feel、engine、files、load、item；scale 先写入一百万个已办任务，需要几分钟。
    """
    settings = config.load(also_known=application.all_settings())
    found = measuring.run(click.echo, measuring.server_url(settings.database_url), parts or measuring.USUAL)
    for line in table(found):
        click.echo(line)
    click.echo(f"已写入 {measuring.write(found, settings.data)}")


COMMANDS = (bench,)
