"""Small tools: the vocabulary, FEEL and decisions from the shell, settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import orjson

from engine import decisions, feel
from engine.core import operations
from web import app as application


def _print(value: Any) -> None:
    click.echo(json.dumps(feel.to_json(value), ensure_ascii=False, indent=2, default=str))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def vocabulary(as_json: bool) -> None:
    """列出模型可以使用的操作。"""
    application.load_vocabulary({})
    rows = [
        {
            "name": one.name,
            "title": one.title,
            "where": one.where,
            "inputs": sorted(one.inputs.fields),
            "outputs": sorted(one.outputs.fields),
        }
        for one in operations.vocabulary().values()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        where = "本系统" if row["where"] == "inside" else "外部或后台"
        click.echo(f"{row['name']:<24} {row['title']}（{where}）")
        click.echo(f"    输入 {', '.join(row['inputs']) or '无'}；输出 {', '.join(row['outputs']) or '无'}")


@click.command(name="feel")
@click.argument("expression")
@click.option("--context", default="{}", help="变量，JSON")
def feel_command(expression: str, context: str) -> None:
    """计算一个 FEEL 表达式，输出 JSON。"""
    _print(feel.evaluate(expression, orjson.loads(context)))


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("decision")
@click.option("--inputs", default="{}", help="输入，JSON")
@click.option("--explain", is_flag=True, help="同时输出命中的规则")
def decide(file: Path, decision: str, inputs: str, explain: bool) -> None:
    """对一个 DMN 文件中的决策求值，输出 JSON。"""
    result = decisions.load(file.read_bytes(), file.name).evaluate(decision, orjson.loads(inputs))
    _print({"value": result.value, "explanation": result.explanation} if explain else result.value)


@click.command()
def settings() -> None:
    """列出全部设置项。"""
    for name, title in application.all_settings().items():
        click.echo(f"{name:<24} {title}")


COMMANDS = (vocabulary, feel_command, decide, settings)
