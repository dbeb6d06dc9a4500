"""Small tools: the vocabulary, FEEL and decisions from the shell, settings."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import orjson
from marshmallow import Schema

from engine import decisions, feel
from engine.catalog import element_templates
from engine.core import operations
from web import app as application


def _print(value: Any) -> None:
    click.echo(json.dumps(feel.to_json(value), ensure_ascii=False, indent=2, default=str))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.option(
    "--templates",
    type=click.Path(file_okay=False, path_type=Path),
    help="把 Camunda Modeler 的元素模板写入这个目录，每个操作一个文件",
)
def vocabulary(as_json: bool, templates: Path | None) -> None:
    """列出模型可以使用的操作。"""
    application.load_vocabulary(os.environ)
    if templates is not None:
        _write_templates(templates)
        return
    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "title": one.title,
            "where": one.where,
            "party": one.party,
            "purpose": one.purpose,
            "inputs": _fields(one.inputs),
            "outputs": _fields(one.outputs),
        }
        for one in operations.vocabulary().values()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        where = "本系统" if row["where"] == "inside" else row["party"] or "后台"
        click.echo(f"{row['name']:<24} {row['title']}（{where}）")
        for heading, given in (("输入", row["inputs"]), ("输出", row["outputs"])):
            for one in given:
                must = "，必填" if one["required"] and heading == "输入" else ""
                click.echo(f"    {heading}  {one['name']:<20} {one['title']}（{one['kind']}{must}）")


def _fields(schema: Schema) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "title": element_templates.label(name, field),
            "kind": element_templates.describe(field),
            "required": field.required,
        }
        for name, field in schema.fields.items()
    ]


def _write_templates(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = element_templates.templates()
    for one in made:
        path = folder / f"{one['id']}.json"
        path.write_text(json.dumps(one, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    click.echo(f"已写入 {len(made)} 个元素模板：{folder}")


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
