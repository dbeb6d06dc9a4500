"""The test client, which closes what it sends: werkzeug's leaves a large form's temporary file to the collector."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class Client(FlaskClient):
    """Above half a megabyte a form lies in a file. Whoever collects garbage later would hear of it in another test."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """The response, as from ``FlaskClient``; the body of its request is closed."""
        response = super().open(*args, **kwargs)
        for sent in (*response.history, response):
            sent.request.environ["wsgi.input"].close()
        return response
