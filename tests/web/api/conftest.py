"""What the tests of the API share: a client of it with every role, and how it calls."""

from __future__ import annotations

from typing import Any

import pytest

from engine.commands import dispatch
from engine.commands.clients import NewClient
from engine.core.actor import SYSTEM
from tests.support.installation import Installation

CLIENT, SECRET = "integrator", "a-secret-of-tests"
ROLES = ("analyst", "supervisor", "acceptance", "admin", "integrator")


class Caller:
    """A program that calls the API over the test client, with basic credentials."""

    def __init__(self, anju: Installation, client_id: str = CLIENT, secret: str = SECRET) -> None:
        self.anju = anju
        self.http = anju.app.test_client()
        self.auth: tuple[str, str] | None = (client_id, secret)

    def __call__(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
        """The response; ``body`` is sent as JSON."""
        if body is not None:
            kwargs["json"] = body
        return self.http.open(f"/v2{path}", method=method, auth=self.auth, **kwargs)

    def ask(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
        """The JSON of a call that must succeed."""
        response = self(method, path, body, **kwargs)
        assert response.status_code in (200, 204), (response.status_code, response.get_data(as_text=True))
        return response.get_json() if response.status_code == 200 else None


def let_in(
    anju: Installation, client_id: str = CLIENT, office: str = "330106", roles: tuple[str, ...] = ROLES
) -> Caller:
    """A new client of the API."""
    dispatch(NewClient(client_id, client_id, office, roles, SECRET), SYSTEM)
    return Caller(anju, client_id)


@pytest.fixture
def api(anju: Installation) -> Caller:
    """A client of the office 330106 that may do everything a program may."""
    return let_in(anju)


@pytest.fixture
def api_both(anju_both: Installation) -> Caller:
    """The same, once on each database."""
    return let_in(anju_both)
