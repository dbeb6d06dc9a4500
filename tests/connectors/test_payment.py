"""Both payment channels: the messages written by hand against client and simulator; notices, replays, bills."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from werkzeug.wrappers import Request, Response

import connectors
from connectors import load, manifests
from connectors._kit import workbench
from connectors._kit.sandbox import State
from connectors._kit.signatures import wire_time
from connectors._kit.workbench import QUICK, served
from connectors.payment import alipay, client, house, operations, simulator, wechat
from connectors.payment.told import Refunded, Told
from engine.core.clock import SHANGHAI
from engine.core.errors import Declined, OutsideFault, Refused
from engine.core.inbound import NoticeCame

WIRE = Path(connectors.__file__).parent / "payment" / "wire"
NUMBER, OTHER, BACK = "AJ20260302000417", "AJ20260302000418", "AJ20260302000417R1"
TITLE, RENT, DAY = "2026年3月租金", 52_500, date(2026, 3, 2)
PAID = datetime(2026, 3, 2, 10, 15, 30, tzinfo=SHANGHAI)
WENT = datetime(2026, 3, 2, 11, 0, tzinfo=SHANGHAI)
EXPIRES = datetime(2026, 3, 2, 12, 15, 30, tzinfo=SHANGHAI)
TRANSACTIONS = {"wechat": "4200002603020000000000417", "alipay": "2026030222001400000000417"}
PAYMENT = next(one for one in manifests({}) if one.party == "payment")
CHANNEL = pytest.mark.parametrize("channel", ["wechat", "alipay"])


@dataclass
class Bank:
    """The simulated channels, and what went over the wire to them and back."""

    house: house.House
    heard: list[tuple[str, bytes, bytes]] = field(default_factory=list)

    def order(self, channel: str, number: str = NUMBER, fen: int = RENT) -> str:
        return client.channel(channel).order(number, TITLE, fen, EXPIRES, f"o-{number}-{fen}")

    def paid(self, channel: str, number: str = NUMBER, **how: Any) -> house.Trade:
        trade = self.house.pay(channel, number, PAID.timestamp(), **how)
        trade.transaction = TRANSACTIONS[channel]
        return trade

    def query(self, channel: str, number: str = NUMBER) -> Told:
        return client.channel(channel).query(number, "q")


@pytest.fixture
def bank() -> Iterator[Bank]:
    state = State(QUICK)
    simulators = workbench.create_all(state, [PAYMENT])
    made = Bank(simulator.house(state))

    def line(environ: Any, start: Any) -> Any:
        asked = Request(environ)
        body, target = asked.get_data(), f"{asked.path}?{asked.query_string.decode()}".rstrip("?")
        answer = Response.from_app(simulators, {**environ, "wsgi.input": io.BytesIO(body)})
        made.heard.append((target, body, answer.get_data()))
        return answer(environ, start)

    with served(line) as url:
        own = simulator.settings(state, f"{url}/payment")
        load(PAYMENT, {**own, "ANJU_PAYMENT_NOTIFY_URL": "https://anju.example"})
        yield made
    load(PAYMENT, {})


def golden(name: str) -> Any:
    return json.loads((WIRE / name).read_bytes())


def plain(channel: str, body: bytes) -> Any:
    """A request as it is written by hand: Alipay's form with its content opened, without signature and time."""
    if channel == "wechat":
        return json.loads(body)
    form: dict[str, Any] = dict(parse_qsl(body.decode(), strict_parsing=True))
    assert form.pop("sign")
    assert datetime.strptime(form.pop("timestamp"), alipay.TIME)  # noqa: DTZ007 - their format has no zone
    return {**form, "biz_content": json.loads(form["biz_content"])}


def answered(body: bytes) -> Any:
    told = json.loads(body)
    told.pop("sign", None)
    return told


# --- what goes over the wire ------------------------------------------------------------------------------------------


def refund_of(channel: str) -> dict[str, Any]:
    asked = {"refund_number": BACK, "amount_fen": 1000, "total_fen": RENT, "reason": "重复支付"}
    return {**asked, "transaction": TRANSACTIONS[channel]}


@CHANNEL
@pytest.mark.parametrize("step", ["order", "query", "close", "refund", "refund_query"])
def test_each_request_and_answer_is_the_one_written_by_hand(bank: Bank, channel: str, step: str) -> None:
    bank.order(channel)
    bank.order(channel, OTHER)
    asked = client.channel(channel)
    trade = bank.paid(channel, notice=False) if step != "order" else None
    calls: dict[str, Callable[[], Any]] = {
        "order": lambda: asked.order(NUMBER, TITLE, RENT, EXPIRES, "again"),
        "query": lambda: asked.query(NUMBER, "k"),
        "close": lambda: asked.close(OTHER, "k"),
        "refund": lambda: asked.refund(refund_of(channel), "k"),
        "refund_query": lambda: asked.refund_query(refund_of(channel), "k"),
    }
    if step == "refund_query" and trade is not None:
        trade.refunds[BACK] = (1000, WENT.timestamp())
    result = calls[step]()
    _, sent, came = bank.heard[-1]
    if (WIRE / f"{channel}.{step}.request.json").exists():
        assert plain(channel, sent) == golden(f"{channel}.{step}.request.json")
    else:
        assert sent == b"", "asked by address alone"
    if (WIRE / f"{channel}.{step}.answer.json").exists():
        wanted, told = golden(f"{channel}.{step}.answer.json"), answered(came)
        assert {**told, **{name: wanted[name] for name in wanted if name == "create_time"}} == wanted
    else:
        assert came == b"", "thanked for without a word"
    today = datetime.fromtimestamp(wire_time(), SHANGHAI).date()
    made = {"wechat": Refunded("sent"), "alipay": Refunded("done", today)}[channel]
    known = {"wechat": Refunded("done", DAY), "alipay": Refunded("done", today)}[channel]
    codes = {"wechat": f"weixin://wxpay/bizpayurl?pr={NUMBER}", "alipay": f"https://qr.alipay.example/{NUMBER}"}
    told = Told(NUMBER, "paid", TRANSACTIONS[channel], RENT, PAID)
    results = {"order": codes[channel], "query": told, "close": "closed", "refund": made, "refund_query": known}
    assert result == results[step]


def test_wechat_is_asked_at_the_addresses_of_its_manual(bank: Bank) -> None:
    bank.order("wechat")
    bank.query("wechat")
    client.channel("wechat").close(NUMBER, "k")
    base = "/payment/v3/pay/transactions"
    assert [target for target, _, _ in bank.heard] == [
        f"{base}/native",
        f"{base}/out-trade-no/{NUMBER}?mchid=1900000001",
        f"{base}/out-trade-no/{NUMBER}/close",
    ]


# --- notices ----------------------------------------------------------------------------------------------------------


def notice_of(bank: Bank, channel: str, **changes: Any) -> house.Notice:
    if (channel, NUMBER) not in bank.house.trades:
        bank.order(channel)
    trade = bank.house.trades[channel, NUMBER]
    if trade.state == "open":
        bank.paid(channel, notice=False)
    return house.Notice(trade, PAID.timestamp(), **{"number": "EV-20260302-0417", "amount": RENT, **changes})


def read(channel: str, body: bytes, headers: dict[str, str]) -> NoticeCame:
    reader = {"wechat": operations.from_wechat, "alipay": operations.from_alipay}[channel]
    return reader(body, headers)


def told_by(channel: str) -> dict[str, Any]:
    """What the golden notice says, in our words."""
    return {
        "channel": channel,
        "number": NUMBER,
        "state": "paid",
        "transaction": TRANSACTIONS[channel],
        "amount_fen": RENT,
        "paid_at": PAID.isoformat(),
    }


def test_wechat_s_notice_is_the_one_written_by_hand(bank: Bank) -> None:
    body, headers = house.message(notice_of(bank, "wechat"))
    told = json.loads(body)
    resource = told["resource"]
    sealed = base64.b64decode(resource.pop("ciphertext"))
    opened = AESGCM(house.API_KEY).decrypt(resource.pop("nonce").encode(), sealed, b"transaction")
    assert told == golden("wechat.notice.json")
    assert json.loads(opened) == golden("wechat.query.answer.json")
    came = read("wechat", body, headers)
    assert (came.kind, came.content) == ("payment", told_by("wechat"))


def test_alipay_s_notice_is_the_one_written_by_hand(bank: Bank) -> None:
    body, headers = house.message(notice_of(bank, "alipay"))
    form = dict(parse_qsl(body.decode()))
    assert form.pop("sign")
    assert form.pop("notify_time")
    assert form == golden("alipay.notice.json")
    came = read("alipay", body, headers)
    assert (came.kind, came.content) == ("payment", told_by("alipay"))


@CHANNEL
def test_a_notice_that_nobody_signed_is_no_payment_but_an_alarm_an_hour(bank: Bank, channel: str) -> None:
    forged = house.message(notice_of(bank, channel, forged=True))
    body, headers = house.message(notice_of(bank, channel))
    came = [read(channel, *forged), read(channel, body.replace(b"417", b"418"), headers)]
    assert {one.kind for one in came} == {"payment_forged"}
    assert len({one.message_id for one in came}) == 1


def test_a_notice_of_wechat_played_again_later_or_under_another_key_does_not_hold(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, headers = house.message(notice_of(bank, "wechat"))
    stranger = {**headers, "Wechatpay-Serial": "PUB_KEY_ID_ANOTHER"}
    assert read("wechat", body, stranger).kind == "payment_forged"
    for seconds, kind in ((290, "payment"), (310, "payment_forged")):
        monkeypatch.setattr("connectors._kit.gateways.wire_time", lambda later=seconds: wire_time() + later)
        assert read("wechat", body, headers).kind == kind


@CHANNEL
def test_a_repeat_under_another_number_of_theirs_is_the_same_message_and_another_amount_is_not(
    bank: Bank, channel: str
) -> None:
    first = read(channel, *house.message(notice_of(bank, channel)))
    again = read(channel, *house.message(notice_of(bank, channel, number="EV-2")))
    other = read(channel, *house.message(notice_of(bank, channel, number="EV-3", amount=RENT + 1)))
    assert first.message_id == again.message_id
    assert first.message_id != other.message_id
    assert other.content["amount_fen"] == RENT + 1, "what is to be done about it the payment desk says"


@CHANNEL
def test_a_lost_notice_is_made_good_by_asking_and_says_the_same(bank: Bank, channel: str) -> None:
    bank.order(channel)
    assert bank.query(channel).state in ("unpaid", "absent")
    notice = read(channel, *house.message(notice_of(bank, channel)))
    told = bank.query(channel)
    assert operations._plain(told) == {name: notice.content[name] for name in operations._plain(told)}


@CHANNEL
def test_what_is_paid_after_close_is_told_and_cannot_be_closed_again(bank: Bank, channel: str) -> None:
    bank.order(channel)
    assert client.channel(channel).close(NUMBER, "c1") == "closed"
    assert bank.query(channel).state == "closed"
    bank.paid(channel, again=True, notice=False)
    assert bank.query(channel) == Told(NUMBER, "paid", TRANSACTIONS[channel], RENT, PAID)
    assert client.channel(channel).close(NUMBER, "c2") == "paid"


@CHANNEL
def test_an_order_placed_again_with_another_amount_is_declined(bank: Bank, channel: str) -> None:
    assert bank.order(channel) == bank.order(channel)
    with pytest.raises(Declined) as raised:
        bank.order(channel, fen=RENT + 1)
    assert raised.value.code == "order_differs"


@CHANNEL
@pytest.mark.parametrize("body", [b"", b"x" * 70_000, b"{}", b"a=1", "金额=1".encode("gb18030")], ids=len)
def test_what_is_no_notice_is_refused_or_rings_and_never_books(bank: Bank, channel: str, body: bytes) -> None:
    try:
        kind = read(channel, body, {}).kind
    except Refused as error:
        kind = error.code
    assert kind in ("payment_forged", "bad_message", "message_too_large")


def test_a_signed_notice_of_another_merchant_is_refused(bank: Bank) -> None:
    form = {**golden("alipay.notice.json"), "app_id": "2021000000000002"}
    del form["sign_type"]
    text = "&".join(f"{name}={form[name]}" for name in sorted(form))
    signed = {**form, "sign_type": "RSA2", "sign": house.sign("alipay", text.encode())}
    with pytest.raises(Refused) as raised:
        read("alipay", urlencode(signed).encode(), {})
    assert raised.value.code == "bad_message"


# --- the day's bill ---------------------------------------------------------------------------------------------------


@pytest.fixture
def moved(bank: Bank) -> Bank:
    """A payment and a refund at each channel."""
    for channel in TRANSACTIONS:
        bank.order(channel)
        bank.paid(channel, notice=False).refunds[BACK] = (1000, WENT.timestamp())
    return bank


@CHANNEL
def test_the_day_s_bill_agrees_with_what_was_paid_and_went_back(moved: Bank, channel: str) -> None:
    bill = {"wechat": operations.wechat_bill, "alipay": operations.alipay_bill}[channel]
    assert bill(DAY) == {
        TRANSACTIONS[channel]: {"number": NUMBER, "amount": RENT},
        BACK: {"number": NUMBER, "amount": -1000},
    }
    assert bill(date(2026, 3, 1)) == {}


def test_the_bill_files_are_those_written_by_hand(moved: Bank) -> None:
    written = (WIRE / "wechat.bill.csv").read_text(encoding="utf-8")
    made = house.wechat_bill(moved.house.bill("wechat", "2026-03-02")).decode("utf-8-sig")
    assert made.splitlines() == written.splitlines()
    packed = house.alipay_bill("2026-03-02", moved.house.bill("alipay", "2026-03-02"))
    with zipfile.ZipFile(io.BytesIO(packed)) as inside:
        made = inside.read("2021000000000001_2026-03-02_业务明细.csv").decode("gb18030")
    assert made.splitlines() == (WIRE / "alipay.bill.csv").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "change", [("`525.00", "`525.01"), ("`2,", "`3,"), ("AJ2026", "AJ2026,"), ("总交易单数", "总数")]
)
def test_a_bill_of_wechat_whose_totals_differ_or_that_nobody_can_read_is_a_fault(change: tuple[str, str]) -> None:
    written = (WIRE / "wechat.bill.csv").read_text(encoding="utf-8")
    assert len(wechat.rows(written.encode())) == 2
    altered = written[: written.rindex("`2,")] + written[written.rindex("`2,") :].replace(*change)
    changed = altered if altered != written else written.replace(*change)
    assert changed != written
    with pytest.raises(OutsideFault) as raised:
        wechat.rows(changed.encode())
    assert raised.value.code == "bad_bill"


def test_a_bill_of_alipay_cut_off_is_a_fault(moved: Bank) -> None:
    packed = house.alipay_bill("2026-03-02", moved.house.bill("alipay", "2026-03-02"))
    for content in (packed[:200], b"", b"PK"):
        with pytest.raises(OutsideFault) as raised:
            alipay.rows(content)
        assert raised.value.code == "bad_bill"
