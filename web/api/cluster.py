"""What is served, by whom, for whom: topology, status, licence, and who the caller is."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from flask import current_app, request
from marshmallow import fields, validate
from sqlalchemy import text as sql

from engine.core.actor import Actor
from engine.core.db import reading
from engine.registers.clients import login_of
from web.api.operations import Operations
from web.api.schemas import TENANT, ApiSchema, Int32, Moment

operations = Operations("cluster", "系统")


class Partition(ApiSchema):
    partition_id = Int32(required=True)
    role = fields.String(required=True, validate=validate.OneOf(["leader", "follower", "inactive"]))
    health = fields.String(required=True, validate=validate.OneOf(["healthy", "unhealthy", "dead"]))
    state = fields.String(
        required=True,
        validate=validate.OneOf(["unknown", "joining", "learner", "active", "leaving", "recovering"]),
    )


class Broker(ApiSchema):
    node_id = Int32(required=True)
    broker_id = fields.String(required=True)
    host = fields.String(required=True)
    port = Int32(required=True)
    partitions = fields.List(fields.Nested(Partition), required=True)
    version = fields.String(required=True)


class Topology(ApiSchema):
    """One server with one partition: any number of processes share one database."""

    brokers = fields.List(fields.Nested(Broker), required=True)
    cluster_id = fields.String(required=True, allow_none=True)
    cluster_size = Int32(required=True)
    partitions_count = Int32(required=True)
    replication_factor = Int32(required=True)
    gateway_version = fields.String(required=True)
    last_completed_change_id = fields.String(required=True)


class Tenant(ApiSchema):
    name = fields.String(required=True)
    tenant_id = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)


class Me(ApiSchema):
    username = fields.String(required=True, allow_none=True)
    display_name = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    authorized_components = fields.List(fields.String(), required=True)
    tenants = fields.List(fields.Nested(Tenant), required=True)
    groups = fields.List(fields.String(), required=True)
    roles = fields.List(fields.String(), required=True)
    sales_plan_type = fields.String(required=True, allow_none=True)
    c8_links = fields.Dict(keys=fields.String(), values=fields.String(), required=True, data_key="c8Links")
    can_logout = fields.Boolean(required=True)


class License(ApiSchema):
    valid_license = fields.Boolean(required=True)
    license_type = fields.String(required=True)
    is_commercial = fields.Boolean(required=True)
    expires_at = Moment(required=True, allow_none=True)


@operations.add("GET", "/topology", "查看拓扑", gives=Topology)
def get_topology(actor: Actor) -> dict[str, Any]:
    """One broker with one partition."""
    host, _, port = request.host.partition(":")
    ours = version("anju")
    partition = {"partition_id": 1, "role": "leader", "health": "healthy", "state": "active"}
    broker = {
        "node_id": 0,
        "broker_id": "0",
        "host": host,
        "port": int(port or (443 if request.is_secure else 80)),
        "partitions": [partition],
        "version": ours,
    }
    return {
        "brokers": [broker],
        "cluster_id": None,
        "cluster_size": 1,
        "partitions_count": 1,
        "replication_factor": 1,
        "gateway_version": ours,
        "last_completed_change_id": "-1",
    }


@operations.add("GET", "/status", "是否可用", faults=(503,), open=True)
def get_status() -> None:
    """204 while the database answers; no credentials are asked for."""
    with reading() as session:
        session.execute(sql("SELECT 1"))


@operations.add("GET", "/authentication/me", "当前身份", gives=Me)
def get_authentication(actor: Actor) -> dict[str, Any]:
    """Who the credentials stand for and which roles they carry."""
    with reading() as session:
        username = login_of(session, actor)
    return {
        "username": username,
        "display_name": actor.name,
        "email": None,
        "authorized_components": ["*"],
        "tenants": [{"name": "Default", "tenant_id": TENANT, "description": None}],
        "groups": [],
        "roles": sorted(actor.roles),
        "sales_plan_type": None,
        "c8_links": {},
        "can_logout": current_app.config["SESSION_COOKIE_NAME"] in request.cookies,
    }


@operations.add("GET", "/license", "许可", gives=License, open=True)
def get_license() -> dict[str, Any]:
    """There is none to buy and none that ends."""
    return {"valid_license": True, "license_type": "unknown", "is_commercial": False, "expires_at": None}
