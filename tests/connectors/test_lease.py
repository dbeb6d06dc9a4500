"""Filing a lease over TCP frames: by the messages written by hand, at once or later, once, and never twice."""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from connectors import load
from connectors._kit import scenarios, workbench
from connectors._kit.manifest import Connector, read
from connectors._kit.sandbox import State, Timing
from connectors.lease import client, simulator
from engine.core.errors import Declined, OutsideFault, Unreachable
from engine.core.operations import Answer, Pending

FOLDER = Path(client.__file__).parent
TENANT = "330106198803121014"


def wire(name: str) -> bytes:
    return (FOLDER / "wire" / name).read_text(encoding="utf-8").strip().encode("gb18030")


def framed(content: bytes) -> bytes:
    mac = HMAC(b"demo-lease-key", hashes.SM3())
    mac.update(content)
    return content + mac.finalize()


@pytest.fixture(scope="module")
def connector() -> Connector:
    return read(FOLDER / "connector.yaml")


@pytest.fixture(scope="module")
def running(connector: Connector) -> State:
    return workbench.create_all(State(Timing(slow=0.01, timeout=0.8, late=0.15)), [connector]).state


@pytest.fixture
def state(connector: Connector, running: State) -> State:
    running.reset()
    load(connector, {**workbench.environ(connector, running, ""), "ANJU_LEASE_TIMEOUT": "0.5"})
    return running


def run(connector: Connector, operation: str, *, key: str = "key-1", attempt: int = 1) -> Answer | Pending:
    example = scenarios.examples(connector)[operation]
    return scenarios.run(scenarios.call(example, key=key, attempt=attempt), operation)


def variables(result: Answer | Pending) -> dict[str, Any]:
    assert isinstance(result, Answer)
    return dict(result.variables)


def test_our_question_is_the_one_written_by_hand(connector: Connector, state: State) -> None:
    result = run(connector, "lease.file")
    assert isinstance(result, Answer)
    assert result.evidence is not None
    assert result.evidence.request == wire("file.request.xml")
    assert result.evidence.response == wire("file.answer.xml")


def test_the_simulator_answers_the_question_written_by_hand(state: State) -> None:
    answer = simulator._answer(state, framed(wire("file.request.xml")))
    assert answer is not None
    content = wire("file.answer.xml")
    assert answer == str(len(content) + 32).zfill(8).encode() + framed(content)


def test_the_filings_answer_written_by_hand_is_what_the_simulator_says(connector: Connector, state: State) -> None:
    result = run(connector, "lease.filings")
    assert isinstance(result, Answer)
    assert result.evidence is not None
    assert result.evidence.response == wire("filings.answer.xml")
    (filing,) = result.variables["filings"]
    assert (filing["rent_fen"], filing["area"], filing["ends_on"]) == (120000, 38.2, date(2027, 2, 28).isoformat())


def test_an_answer_that_comes_later_is_asked_for_and_the_lease_is_filed_once(
    connector: Connector, state: State
) -> None:
    state.switch("lease", TENANT, "late", 1)
    first = run(connector, "lease.file")
    assert isinstance(first, Pending)
    assert first.correlation == "key-1"
    again = run(connector, "lease.file", attempt=2)
    assert isinstance(again, Pending | Answer)
    time.sleep(0.2)
    assert variables(run(connector, "lease.file", attempt=3))["filing_number"] == "ZLBA202600000001"
    assert [entry["calls"] for entry in state.log("lease")] == [1]


def test_a_refusal_that_comes_later_is_a_refusal(connector: Connector, state: State) -> None:
    state.switch("lease", TENANT, "late_refusal", 1)
    run(connector, "lease.file")
    time.sleep(0.2)
    with pytest.raises(Declined) as caught:
        run(connector, "lease.file", attempt=2)
    assert caught.value.code == "lease_already_let"


def test_a_filing_whose_answer_was_lost_is_not_filed_again(connector: Connector, state: State) -> None:
    state.switch("lease", TENANT, "timeout", 1)
    with pytest.raises(Unreachable):
        run(connector, "lease.file")
    assert variables(run(connector, "lease.file", attempt=2))["filing_number"] == "ZLBA202600000001"
    assert len(state.log("lease")) == 1


def test_a_repeat_of_what_they_never_heard_of_is_filed_now(connector: Connector, state: State) -> None:
    assert variables(run(connector, "lease.file", attempt=2))["filing_number"] == "ZLBA202600000001"


def test_a_key_that_is_not_ours_is_not_answered(connector: Connector, state: State) -> None:
    environ = {**workbench.environ(connector, state, ""), "ANJU_LEASE_SECRET": "another"}
    load(connector, environ)
    with pytest.raises(Unreachable):
        run(connector, "lease.file")


def test_without_consent_nobody_is_asked(connector: Connector, state: State) -> None:
    example = scenarios.examples(connector)["lease.filings"]
    call = scenarios.call(example, key="k")
    with pytest.raises(Declined) as caught:
        scenarios.find("lease.filings").run(type(call)(**{**vars(call), "inputs": {**call.inputs, "consent": None}}))
    assert caught.value.code == "consent_missing"
    assert state.log("lease") == []


@pytest.mark.parametrize("wrong", ["nowhere", ":80", "host:"])
def test_an_address_that_is_none_is_told_to_the_administrator(connector: Connector, state: State, wrong: str) -> None:
    load(connector, {"ANJU_LEASE_ADDRESS": wrong})
    with pytest.raises(OutsideFault) as caught:
        run(connector, "lease.file")
    assert caught.value.code == "not_configured"


def test_a_fault_repeats_nothing_of_the_answer(connector: Connector, state: State) -> None:
    state.switch("lease", TENANT, "changed_schema")
    with pytest.raises(OutsideFault) as caught:
        run(connector, "lease.filings")
    assert not re.search(r"\d{6}|林", caught.value.message)
