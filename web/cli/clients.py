"""``anju client …``: administrators let programs use the API, list them, shut them out."""

from __future__ import annotations

import click
from sqlalchemy import select

from engine.commands import dispatch
from engine.commands.clients import NewClient, RevokeClient
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.registers.clients import ApiClient
from engine.registers.offices import Office
from web import app as application

USUAL_ROLES = ("integrator",)


@click.group()
def client() -> None:
    """接口客户端：开通、列出、停用。"""


@client.command()
@click.argument("client_id")
@click.option("--office", required=True, help="机构编码，客户端只看得到该机构及下级机构的数据")
@click.option("--role", "roles", multiple=True, default=USUAL_ROLES, show_default=True, help="岗位，可重复")
@click.option("--name", default="", help="显示的名称")
def new(client_id: str, office: str, roles: tuple[str, ...], name: str) -> None:
    """开通客户端 CLIENT_ID，显示它的密钥（只显示这一次）。"""
    application.build()
    secret = dispatch(NewClient(client_id, name, office, roles), SYSTEM)
    click.echo(f"客户端 {client_id} 已开通，密钥（请妥善保存，不会再次显示）：\n{secret}")


@client.command(name="list")
def list_clients() -> None:
    """列出全部客户端。"""
    application.build()
    with reading() as session:
        query = select(ApiClient, Office.name).join(Office, Office.id == ApiClient.office_id)
        rows = session.execute(query.order_by(ApiClient.client_id)).all()
    for one, office in rows:
        state = "可用" if one.active else "已停用"
        click.echo(f"{one.client_id:<24} {state}  {office}  {'、'.join(one.roles)}")
    if not rows:
        click.echo("还没有客户端，用 anju client new 开通")


@client.command()
@click.argument("client_id")
def revoke(client_id: str) -> None:
    """停用客户端 CLIENT_ID，立即生效。"""
    application.build()
    dispatch(RevokeClient(client_id), SYSTEM)
    click.echo(f"客户端 {client_id} 已停用")


COMMANDS = (client,)
