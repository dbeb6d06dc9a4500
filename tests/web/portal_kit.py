"""What the tests of the citizen's pages share: reading a page, the island's data, the way of a case to a stage."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.request import urlopen

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.installation import Installation

NEIGHBOUR = "19900000005"
PASS = {"review_result": "pass", "review_opinion": "内部意见不外传"}


def text_of(answer: TestResponse) -> str:
    """The words of a page, in one line."""
    page = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", answer.get_data(as_text=True), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def block(answer: TestResponse, name: str) -> Any:
    """A JSON block of the form island: schema, data or errors."""
    found = re.search(
        rf'<script type="application/json" id="form-{name}">(.*?)</script>', answer.get_data(as_text=True)
    )
    assert found is not None, text_of(answer)
    return json.loads(found[1])


def post(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    """A form of ours: it carries the session's token."""
    return client.post(path, data={"csrf_token": "token", **fields})


def last_sms(anju: Installation) -> str:
    """The newest text that the simulated platform sent."""
    with urlopen(f"{anju.parts.config.environ['ANJU_SMS_URL']}/_outbox", timeout=5) as answer:
        return str(json.load(answer)[-1]["text"])


def code_in(text: str) -> str:
    """The six digits of a message."""
    found = re.search(r"\d{6}", text)
    assert found is not None, text
    return found[0]


def asked_to_supplement(anju: Installation) -> tuple[int, int]:
    """A case whose applicant is asked for a better proof of income: (case, task)."""
    case_id = anju.apply().case_id
    answers = {
        "accept_result": "supplement",
        "supplement_items": ["income_proof"],
        "supplement_note": "收入证明缺单位公章",
    }
    anju.do(case_id, "accept", "liuyang", answers)
    return case_id, anju.tasks(case_id)["supplement"].id


def published(anju: Installation) -> int:
    """A case in its public notice."""
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted", "accept_opinion": "内部意见不外传"})
    for element, who in (("first_review", "wangmin"), ("second_review", "chenhao"), ("approve", "zhaoling")):
        anju.do(case_id, element, who, PASS)
    return case_id
