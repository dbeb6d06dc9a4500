"""Contracts signed at the platform: on its page, refused, expired, and what is done when nothing comes."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import weasyprint
from pyhanko.pdf_utils.reader import PdfFileReader
from werkzeug.wrappers import Request, Response

import connectors
from connectors import load_all
from connectors._kit.signatures import signed
from connectors.esign import house as books
from engine.core import clock
from engine.core.errors import Declined, OutsideFault, Refused
from engine.core.inbound import NoticeCame, reader
from engine.core.operations import Answer, Call, LateAnswer, Pending, find

from .conftest import World, served

WIRE = Path(connectors.__file__).parent / "esign" / "wire"
TENANT = {"order": 1, "name": "林秋实", "id_number": "330106198803121014", "phone": "19900000001"}
OFFICE = {"order": 2, "name": "安居市住房保障中心", "id_number": "12330100ANJU00001X", "phone": ""}


class Files:
    """Files in memory."""

    def __init__(self, **kept: bytes) -> None:
        self.kept = kept

    def read(self, file_id: str) -> bytes:
        return self.kept[file_id]

    def write(self, content: bytes, *, name: str, media_type: str) -> str:
        assert name
        assert media_type == "application/pdf"
        self.kept[f"f-{len(self.kept)}"] = content
        return f"f-{len(self.kept) - 1}"


@pytest.fixture(scope="session")
def contract() -> bytes:
    made = weasyprint.HTML(string="<html lang='zh-CN'><body><h1>租赁合同</h1></body></html>").write_pdf()
    assert isinstance(made, bytes)
    return made


@pytest.fixture
def files(contract: bytes) -> Files:
    return Files(contract=contract)


def run(which: str, store: Files, /, *, key: str = "key-1", attempt: int = 1, **inputs: Any) -> Answer | Pending:
    operation = find(which)
    loaded = operation.load_inputs(inputs, {})
    found = operation.run(Call(1, "B-1", "rental", 1, "t", "sign", key, loaded, attempt=attempt, files=store))
    assert isinstance(found, Answer | Pending)
    if isinstance(found, Answer):
        operation.check_outputs(found.variables)
    return found


def sign(store: Files, /, *, key: str = "key-1", attempt: int = 1, **changes: Any) -> Answer | Pending:
    asked: dict[str, Any] = {
        "title": "保障性住房租赁合同",
        "files": [{"file_id": "contract", "name": "租赁合同.pdf"}],
        "signers": [TENANT, OFFICE],
        "hours": 72,
    }
    return run("esign.flow", store, key=key, attempt=attempt, **{**asked, **changes})


def answer_of(found: Answer | Pending) -> Answer:
    assert isinstance(found, Answer)
    return found


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def on_the_page(world: World, flow: str, order: int, **form: str) -> str:
    answer = requests.post(f"{world.url}/esign/sign/{flow}/{order}", data=form, timeout=10)
    assert answer.status_code == 200
    return answer.text


def late_answers(world: World) -> list[LateAnswer]:
    return [one for one in world.inbox.taken if isinstance(one, LateAnswer)]


def all_sign(world: World, files: Files, *, key: str = "key-1") -> str:
    """A flow that all have signed on the page and that is archived; gives its number."""
    assert isinstance(sign(files, key=key), Pending)
    number = next(one.number for one in books.house(world.state).flows.values() if one.biz == key)
    on_the_page(world, number, 1, act="sign")
    on_the_page(world, number, 2, act="sign")
    assert eventually(lambda: books.house(world.state).of(number).archived)
    return number


# --- signing ------------------------------------------------------------------------------------------------------


def test_signed_on_the_page_by_each_it_is_told_one_by_one_and_as_a_whole(world: World, files: Files) -> None:
    number = all_sign(world, files)
    assert world.inbox.wait(taken=3)
    told = [one for one in world.inbox.taken if isinstance(one, NoticeCame)]
    assert {(one.content["order"], one.content["done"]) for one in told} == {(1, "signed"), (2, "signed")}
    [late] = late_answers(world)
    assert (late.correlation, late.message_id) == ("key-1", f"{number}/2")
    assert late.answer is not None
    assert late.answer.variables["summary"] == "2 人已全部签署"
    assert late.answer.evidence is not None
    assert "林秋实" not in late.answer.evidence.subject


def test_the_file_comes_with_a_sound_signature_of_each_signer(world: World, files: Files, contract: bytes) -> None:
    number = all_sign(world, files)
    got = answer_of(run("esign.download", files, flow_id=number)).variables
    content = files.kept[got["signed_file_id"]]
    assert content.startswith(contract), "what was signed is what we sent"
    assert len(PdfFileReader(io.BytesIO(content)).embedded_signatures) == 2
    checked = answer_of(run("esign.verify", files, file_id=got["signed_file_id"]))
    assert (checked.verdict, checked.variables["signers"]) == ("pass", ["林秋实", "安居市住房保障中心"])


def test_a_byte_changed_after_signing_is_noticed(world: World, files: Files) -> None:
    number = all_sign(world, files)
    got = answer_of(run("esign.download", files, flow_id=number)).variables
    whole = files.kept[got["signed_file_id"]]
    at = whole.index(b"/MediaBox")
    files.kept["altered"] = whole[:at] + b"/MediaBax" + whole[at + 9 :]
    assert answer_of(run("esign.verify", files, file_id="altered")).verdict == "fail"
    files.kept["more"] = whole + b"\n% more"
    assert answer_of(run("esign.verify", files, file_id="more")).verdict == "fail"


def test_nobody_signs_before_their_turn_or_twice(world: World, files: Files) -> None:
    sign(files)
    assert "请等前一位签署后再签" in on_the_page(world, "F00000001", 2, act="sign")
    on_the_page(world, "F00000001", 1, act="sign")
    assert "您已签署" in on_the_page(world, "F00000001", 1, act="sign")
    found = answer_of(run("esign.query", files, flow_id="F00000001")).variables
    assert [one["state"] for one in found["signed_by"]] == ["signed", "asked"]
    assert found["summary"] == "已签署 1/2 人"


def test_the_file_is_not_given_before_all_signed_and_it_is_archived(world: World, files: Files) -> None:
    sign(files)
    with pytest.raises(Declined) as early:
        run("esign.download", files, flow_id="F00000001")
    assert early.value.code == "esign_state"
    world.state.switch("esign", books.DEMO_DONE, "not_archived", times=2)
    with pytest.raises(OutsideFault) as soon:
        run("esign.download", files, flow_id=books.DEMO_DONE)
    assert soon.value.code == "not_archived"


def test_the_same_business_number_is_the_same_flow(world: World, files: Files) -> None:
    sign(files)
    sign(files)
    sign(files, attempt=2)
    assert list(books.house(world.state).flows) == ["F00000001"]
    sign(files, key="key-2")
    assert len(books.house(world.state).flows) == 2


def test_a_lost_callback_is_found_by_asking(world: World, files: Files) -> None:
    world.state.switch("esign", TENANT["id_number"], "lost_callback")
    assert isinstance(sign(files), Pending)
    assert eventually(lambda: books.house(world.state).of("F00000001").state == books.DONE)
    assert late_answers(world) == []
    assert answer_of(sign(files, attempt=2)).variables["state"] == books.DONE


def test_an_open_flow_is_asked_after_a_few_times_and_once_more_when_it_must_be_over(world: World, files: Files) -> None:
    waits = [sign(files, attempt=attempt) for attempt in range(1, 6)]
    due = [one.due for one in waits if isinstance(one, Pending)]
    hours = [round((one - due[0]).total_seconds() / 3600, 1) for one in due]
    assert len(due) == 5
    whole = sum((one - clock.now()).total_seconds() for one in due) / 3600
    assert whole == pytest.approx(72 + 5 / 60, abs=0.1), f"together they last as long as the flow: {hours}"


@pytest.mark.parametrize(
    ("scenario", "code"),
    [("refused", "esign_refused"), ("expired", "esign_expired"), ("face_failed", "esign_face_failed")],
)
def test_what_stands_against_it_is_told_and_found(world: World, files: Files, scenario: str, code: str) -> None:
    world.state.switch("esign", TENANT["id_number"], scenario)
    sign(files)
    assert world.inbox.wait(taken=1)
    [late] = late_answers(world)
    assert late.declined is not None
    assert late.declined.code == code
    with pytest.raises(Declined) as found:
        sign(files, attempt=2)
    assert found.value.code == code


def test_who_refuses_on_the_page_ends_it_with_a_reason(world: World, files: Files) -> None:
    sign(files)
    assert "租金过高" in on_the_page(world, "F00000001", 1, act="refuse", reason="租金过高")
    assert world.inbox.wait(taken=2)
    assert [one.content["done"] for one in world.inbox.taken if isinstance(one, NoticeCame)] == ["refused"]
    assert [one.declined.code for one in late_answers(world) if one.declined] == ["esign_refused"]


def test_a_flow_is_withdrawn_while_it_is_open_and_only_then(world: World, files: Files) -> None:
    sign(files)
    for _ in range(2):
        assert answer_of(run("esign.revoke", files, flow_id="F00000001", reason="面积有误")).variables["state"] == 3
    assert "流程已结束" in on_the_page(world, "F00000001", 1, act="sign")
    with pytest.raises(Declined) as done:
        run("esign.revoke", files, flow_id=books.DEMO_DONE, reason="面积有误")
    assert done.value.code == "esign_state"


def test_a_signed_contract_ends_when_the_same_people_sign_that_it_ends(world: World, files: Files) -> None:
    number = all_sign(world, files)
    got = answer_of(run("esign.download", files, flow_id=number)).variables["signed_file_id"]
    assert isinstance(run("esign.rescind", files, key="end", flow_id=number, reason="提前退租"), Pending)
    for order in (1, 2):
        on_the_page(world, "F00000002", order, act="sign")
    assert eventually(lambda: any(one.correlation == "end" for one in late_answers(world)))
    checked = answer_of(run("esign.verify", files, file_id=got))
    assert (checked.verdict, checked.variables["summary"]) == ("fail", "合同已解约")


def test_a_sealed_paper_is_the_same_however_often_it_is_asked_for(world: World, files: Files) -> None:
    first = answer_of(run("esign.seal", files, file_id="contract", name="认定书.pdf"))
    again = answer_of(run("esign.seal", files, file_id="contract", name="认定书.pdf", attempt=2))
    one, other = (files.kept[found.variables["signed_file_id"]] for found in (first, again))
    assert one == other
    checked = answer_of(run("esign.verify", files, file_id=first.variables["signed_file_id"]))
    assert (checked.verdict, checked.variables["signers"]) == ("pass", ["安居市住房保障中心"])


# --- what comes in ------------------------------------------------------------------------------------------------


def test_a_late_or_repeated_callback_says_the_same_once_more(world: World, files: Files) -> None:
    world.state.switch("esign", TENANT["id_number"], "duplicate_callback")
    sign(files)
    assert world.inbox.wait(taken=6)
    assert len({one.message_id for one in world.inbox.taken}) == 3


def test_the_end_may_overtake_the_news_of_the_last_signer(world: World, files: Files) -> None:
    world.state.switch("esign", TENANT["id_number"], "out_of_order")
    sign(files)
    assert world.inbox.wait(taken=3)
    kinds = [type(one).__name__ for one in world.inbox.taken if one.message_id.startswith("F00000001/2")]
    assert sorted(kinds) == ["LateAnswer", "NoticeCame"]


def test_who_signed_instead_of_the_person_asked_is_a_fault_not_an_answer(world: World, files: Files) -> None:
    world.state.switch("esign", TENANT["id_number"], "mismatch")
    sign(files)
    assert eventually(lambda: bool(late_answers(world)))
    late = late_answers(world)[0]
    assert (late.answer, late.declined) == (None, None)
    assert late.fault is not None
    assert late.fault.code == "signer_differs"
    with pytest.raises(OutsideFault) as found:
        sign(files, attempt=2)
    assert found.value.code == "signer_differs"


def test_a_callback_that_the_platform_did_not_sign_is_refused(world: World, files: Files) -> None:
    world.state.switch("esign", TENANT["id_number"], "ok")
    sign(files)
    books.house(world.state).of("F00000001").scenario = "bad_signature"
    on_the_page(world, "F00000001", 1, act="sign")
    assert world.inbox.wait(refused=1)
    assert (world.inbox.taken, set(world.inbox.refused)) == ([], {"bad_signature"})


@pytest.mark.parametrize(("seconds", "taken"), [(-890, True), (-910, False), (910, False)])
def test_a_callback_more_than_a_quarter_of_an_hour_off_is_refused(world: World, seconds: int, taken: bool) -> None:
    body = (WIRE / "signer.callback.json").read_bytes()
    headers = books.stamped(body, at=int(time.time()) + seconds)
    found = reader("esign")
    assert found is not None
    if taken:
        assert isinstance(found.read(body, headers), NoticeCame)
        return
    with pytest.raises(Refused) as refused:
        found.read(body, headers)
    assert refused.value.code == "stale_message"


def test_the_platform_refuses_us_when_our_clock_is_off_and_we_say_so(world: World, files: Files) -> None:
    url = f"{world.url}/esign/v1/flows/get"
    headers = {**signed(b"demo-esign-key", "POST", url, b"{}"), "X-Timestamp": str(int(time.time()) - 1000)}
    assert requests.post(url, data=b"{}", headers=headers, timeout=5).json()["code"] == 1003
    world.state.switch("esign", books.DEMO_OPEN, "clock_skew")
    with pytest.raises(OutsideFault, match="15 分钟") as told:
        run("esign.query", files, flow_id=books.DEMO_OPEN)
    assert told.value.code == "clock_skew"


# --- the wire, written by hand ------------------------------------------------------------------------------------


def test_our_client_writes_the_agreed_flow_and_reads_the_agreed_answer(world: World, files: Files) -> None:
    seen: list[Any] = []

    def platform(environ: Any, start: Any) -> Any:
        request = Request(environ)
        seen.append(request.get_json())
        upload = {"code": 0, "message": "ok", "data": {"fileId": "D0000000000000000000"}}
        golden = (WIRE / "create.answer.json").read_bytes()
        body = golden if request.path.endswith("/flows") else json.dumps(upload).encode()
        answer = Response(body, content_type="application/json")
        answer.headers.update(signed(b"demo-esign-key", "ANSWER", request.path, body))
        return answer(environ, start)

    with served(platform) as url:
        load_all({"ANJU_ESIGN_URL": url, "ANJU_ESIGN_NOTIFY_URL": "https://anju.example"})
        places = [{"signer": 1, "x": 60, "y": 90}, {"signer": 2, "x": 360, "y": 90}]
        assert isinstance(sign(files, key="golden-0001", positions=places), Pending)
    assert seen[-1] == json.loads((WIRE / "create.request.json").read_bytes())


def test_the_simulator_takes_the_agreed_flow_and_gives_the_agreed_answer(world: World, contract: bytes) -> None:
    asked = json.loads((WIRE / "create.request.json").read_bytes())
    books.house(world.state).files["D0000000000000000000"] = ("租赁合同.pdf", contract)
    url, body = f"{world.url}/esign/v1/flows", json.dumps(asked).encode()
    headers = {**signed(b"demo-esign-key", "POST", url, body), "X-Request-Id": "k", "Content-Type": "application/json"}
    answer = requests.post(url, data=body, headers=headers, timeout=5)
    assert answer.json() == json.loads((WIRE / "create.answer.json").read_bytes())


def test_the_agreed_callbacks_are_read(world: World) -> None:
    found = reader("esign")
    assert found is not None
    for name, kind in (("signer", NoticeCame), ("flow", LateAnswer)):
        body = (WIRE / f"{name}.callback.json").read_bytes()
        assert isinstance(found.read(body, books.stamped(body)), kind)
    body = body.replace(b'"bizNo"', b'"businessNo"')
    with pytest.raises(Refused) as changed:
        found.read(body, books.stamped(body))
    assert changed.value.code == "bad_message"
