"""``anju item …``: analysts list, check, show, test and publish items."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from engine.catalog.item import parse_item
from engine.commands import dispatch, publish
from engine.core.actor import SYSTEM
from engine.core.config import ROOT
from engine.core.errors import Fault, Refused
from web import app as application
from web import migrate, new_item


@click.group()
def item() -> None:
    """事项：新建、列出、检查、查看、测试、发布。"""


def _json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@item.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def list_items(as_json: bool) -> None:
    """列出全部事项。"""
    rows = []
    for name in publish.items(ROOT):
        path = ROOT / "processes" / name / "item.yaml"
        rows.append({"item": name, "name": parse_item(path.read_bytes(), str(path)).name})
    if as_json:
        _json(rows)
        return
    for row in rows:
        click.echo(f"{row['item']:<40} {row['name']}")


@item.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def check(names: tuple[str, ...], as_json: bool) -> None:
    """检查事项（默认全部）：能否发布，哪里不对。"""
    application.load_vocabulary({})
    found: dict[str, list[Fault]] = {}
    for name in names or publish.items(ROOT):
        found[name] = publish.check_item(name, publish.collect(ROOT, name))
    if as_json:
        _json({name: [vars(fault) for fault in faults] for name, faults in found.items()})
    else:
        for name, faults in found.items():
            for fault in faults:
                click.echo(f"{'错误' if fault.level == 'error' else '提醒'}  {fault}")
            errors = sum(fault.level == "error" for fault in faults)
            click.echo(f"{name}：{errors} 处错误，{len(faults) - errors} 处提醒")
    if any(fault.level == "error" for faults in found.values() for fault in faults):
        sys.exit(1)


@item.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def show(name: str, as_json: bool) -> None:
    """查看一个事项的说明、流程、表单和参数。"""
    files = publish.collect(ROOT, name)
    path = f"processes/{name}/item.yaml"
    raw = parse_item(files[path], path).raw
    if as_json:
        _json({"item": name, **raw, "files": sorted(files)})
        return
    click.echo(f"{raw['name']}（{name}）")
    click.echo(f"阶段：{' → '.join(raw['stages'])}")
    click.echo(f"时限：法定 {raw['time_limit'].get('statutory')}，承诺 {raw['time_limit'].get('promised')}")
    for parameter in raw["parameters"]:
        click.echo(f"参数：{parameter['title']}（{parameter['name']}）= {parameter['value']}")
    for file in sorted(files):
        click.echo(f"文件：{file}")


@item.command()
@click.argument("name")
def test(name: str) -> None:
    """运行一个事项的全部情景（需要先执行一次 make test 或 make check）。"""
    if not (ROOT / "tests" / "items" / name).is_dir():
        raise Refused(f"没有情景文件夹 tests/items/{name}", code="no_scenarios")
    if find_spec("pytest") is None:
        raise Refused("缺少测试工具，请先运行 make check", code="no_pytest")
    modules = [str(ROOT / "tests" / "items" / module) for module in ("test_paths.py", "test_decisions.py")]
    chosen = f"{name} or {name.replace('/', '_')}"
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", *modules, "-k", chosen], cwd=ROOT))  # noqa: S603


@item.command(name="publish")
@click.argument("name")
def publish_item(name: str) -> None:
    """检查并发布一个事项，新办件从此使用它。"""
    application.build()
    migrate.upgrade()
    done = dispatch(publish.PublishItem(name, publish.collect(ROOT, name)), SYSTEM)
    for fault in done.warnings:
        click.echo(f"提醒  {fault}")
    click.echo(f"{name} 已发布第 {done.version} 版")


@item.command()
@click.argument("name")
@click.argument("title")
def new(name: str, title: str) -> None:
    """新建一个能运行的最小事项：NAME 写作 领域/名称，TITLE 为中文名称。"""
    for path in new_item.write(Path(ROOT), name, title):
        click.echo(f"已写入 {path}")


COMMANDS = (item,)
