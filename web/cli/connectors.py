"""The integrator's commands: make, check, try and rehearse the connection to another party."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from engine.core.errors import AnjuError, Refused
from engine.core.operations import Answer
from web import app as application


@click.group(name="connector")
def connector() -> None:
    """接入其他单位的系统：新建、检查、试用、演练。"""


@connector.command(name="new")
@click.argument("party")
@click.option("--title", required=True, help="对方的中文名称，如 水务集团")
@click.option("--operation", default="query", show_default=True, help="第一个操作的英文名")
@click.option("--does", default="查询", show_default=True, help="第一个操作的中文名")
@click.option("--asks", multiple=True, required=True, help="输入，写作 名称=标题:类型；可多次给出，第一个是查询对象")
@click.option("--gives", multiple=True, required=True, help="输出，写作 名称=标题:类型；可多次给出")
@click.option("--owner", default="信息中心", show_default=True, help="本方负责岗位")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="放在哪个目录，默认 connectors")
def new(
    party: str,
    title: str,
    operation: str,
    does: str,
    asks: tuple[str, ...],
    gives: tuple[str, ...],
    owner: str,
    into: Path | None,
) -> None:
    """新建一个立即可用的接入目录：接口、模拟方、报文样例和演练情形。"""
    words = {"title": title, "operation": operation, "operation_title": does, "owner": owner}
    made = application.new_connector(party, into, asks, gives, **words)
    for path in made:
        click.echo(path)
    click.echo(f"接下来：anju connector rehearse {party}")


@connector.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def list_them(as_json: bool) -> None:
    """列出全部接入方。"""
    rows = [
        {
            "party": one.party,
            "title": one.title,
            "transport": one.transport,
            "level": one.level,
            "owner": one.owner,
            "operations": sorted(one.operations),
        }
        for one in application.declared()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['party']:<16} {row['title']}  {row['transport']}  {row['level']}  {row['owner']}")
        click.echo(f"    {'、'.join(row['operations'])}")


@connector.command()
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """检查清单、目录、演练情形和报文样例是否齐全；不调用任何一方。"""
    found = application.check_connectors(_chosen(names))
    for problem in found:
        click.echo(problem)
    if found:
        raise Refused(f"{len(found)} 处需要补齐", code="connector_problems")
    click.echo("检查通过")


@connector.command()
@click.argument("names", nargs=-1)
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="把往来录制到文件（去除个人信息）")
@click.option("--replay", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="以录制的往来代替对方")
def rehearse(names: tuple[str, ...], record: Path | None, replay: Path | None) -> None:
    """在模拟方上演练每个操作的每种情形。"""
    wrong = 0
    for one in application.rehearse(_chosen(names), record=record, replay=replay):
        wrong += not one.ok
        mark = "通过" if one.ok else "不符"
        click.echo(f"{mark}  {one.operation}  {one.scenario}  应 {one.expected} 得 {one.got}  {one.milliseconds} 毫秒")
        if one.message and (not one.ok or one.scenario == "*"):
            click.echo(f"      {one.message}")
    if wrong:
        raise Refused(f"{wrong} 种情形不符合 scenarios.yaml 的约定", code="rehearsal_failed")


@connector.command(name="try")
@click.argument("operation")
@click.argument("inputs", nargs=-1)
@click.option("--live", is_flag=True, help="按当前设置调用真实的对方；默认调用模拟方")
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="把往来录制到文件（去除个人信息）")
def try_it(operation: str, inputs: tuple[str, ...], live: bool, record: Path | None) -> None:
    """以 名称=值 给出的输入调用一个操作，输出结果。值可写 JSON。"""
    try:
        result = application.try_operation(operation, dict(_pair(one) for one in inputs), live=live, record=record)
    except AnjuError as error:
        raise Refused(f"{type(error).__name__} {error.code}：{error.message}", code=error.code) from error
    if isinstance(result, Answer):
        shown: dict[str, Any] = {"verdict": result.verdict, "variables": dict(result.variables)}
    else:
        shown = {"pending": result.correlation, "due": result.due.isoformat()}
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2, default=str))


def _pair(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not found:
        raise Refused(f"“{text}”应写作 名称=值", code="bad_input")
    try:
        return name, json.loads(value) if value[:1] in "[{" or value in ("true", "false", "null") else value
    except json.JSONDecodeError as error:
        raise Refused(f"{name} 的值不是有效的 JSON", code="bad_input") from error


def _chosen(names: tuple[str, ...]) -> list[str]:
    known = [one.party for one in application.declared()]
    for name in names:
        if name not in known:
            raise Refused(f"没有名为 {name} 的接入方；现有 {'、'.join(known)}", code="unknown_party")
    return list(names) or known


COMMANDS = (connector,)
