"""The token endpoint: OAuth 2.0 client credentials for our own clients."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, request
from marshmallow import fields, validate

from web.api import auth
from web.api.operations import Operations
from web.api.problems import Unauthenticated, problem
from web.api.schemas import ApiSchema

operations = Operations("oauth", "身份")


class TokenRequest(ApiSchema):
    """As a form (application/x-www-form-urlencoded); id and secret may stand in basic credentials instead."""

    grant_type = fields.String(required=True, data_key="grant_type", validate=validate.Equal("client_credentials"))
    client_id = fields.String(data_key="client_id")
    client_secret = fields.String(data_key="client_secret")
    audience = fields.String()
    scope = fields.String()


class Token(ApiSchema):
    access_token = fields.String(required=True, data_key="access_token")
    token_type = fields.String(required=True, data_key="token_type")
    expires_in = fields.Integer(required=True, data_key="expires_in")


@operations.add(
    "POST",
    "/oauth/token",
    "换取令牌",
    body=TokenRequest,
    gives=Token,
    open=True,
    form=True,
    faults=(401,),
    note="令牌一小时有效；客户端停用后立即失效。",
)
def create_token(body: dict[str, Any]) -> dict[str, Any] | Response:
    """Give a signed token that names the client; it ends after an hour, or when the client is revoked."""
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        client_id, secret = basic.username or "", basic.password or ""
    else:
        client_id, secret = body.get("client_id", ""), body.get("client_secret", "")
    try:
        auth.verify(client_id, secret)
    except Unauthenticated as refused:
        return _refused(refused)
    return {"access_token": auth.token_for(client_id), "token_type": "Bearer", "expires_in": auth.TOKEN_SECONDS}


def _refused(error: Unauthenticated) -> Response:
    """A problem that OAuth's clients can read, too."""
    response = problem(401, error.message, error.code)
    body = {**orjson.loads(response.get_data()), "error": "invalid_client", "error_description": error.message}
    response.set_data(orjson.dumps(body))
    return response
