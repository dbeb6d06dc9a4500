"""A simulated sharing gateway on a real broker: reads its queue, answers into ours; written from wire/README.md."""

from __future__ import annotations

import atexit
import json
import logging
import os
import secrets
import socket
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pika
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import Flask, Response
from gmssl.sm2 import CryptSM2
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from connectors._kit.sandbox import COMMON, EVERYBODY, State

log = logging.getLogger("anju.simulators")

# Known to everybody, of the simulator only.
KEY_NUMBER, KEY = "2026", bytes.fromhex("b29c380032cea5e518b6dd300ec285dd")
PRIVATE = "480ff1718b78f30c15ad67279c55d3a9a95d7511bac095cbff1e26d486ce1734"
PUBLIC = (
    "700e301d5cfc5a7a54cbbb38fd97e0d0667a11c127965d55fee21fb068e8426d"
    "305d2d56964ec556434729cd7683a5961c6183d065c55fdeed6df587bc1bc949"
)
OFFICE = (
    "207bbbd88d2af5133f5ab8bd262e2d533c4fdbf5695cd03649d6eb41d3eac78f"
    "496ac356c3da5f160b3686acb33cbdad45e823b49fee4d2ecbb252ffd7ef44f0"
)
SCENARIOS = {
    **{name: title for name, title in COMMON.items() if name != "http_500"},
    "empty": "没有记录",
    "mismatch": "姓名与证件号码不符",
    "late": "稍后才答复",
    "lost": "答复丢失",
    "duplicate": "同一答复送两次",
    "out_of_order": "后问的先答复",
    "bad_signature": "答复签名错误",
}
QUEUES = ("share.requests", "share.answers")
MACHINE = "amqp://guest:guest@127.0.0.1:5672/%2F"
DATA_TIME = "20261104230000"
DEGREE = {"XLCC": "大学本科", "YXMC": "安居大学", "BYRQ": "20100630", "ZSBH": "106101201005000417"}
ALLOWANCE = {"BZLB": "城市低保", "BZRS": 1, "KSRQ": "20240701", "FFZH": "6222000000004417"}
DISABLED = {"CJLB": "肢体", "CJDJ": "二级", "YXQZ": "20330331", "CJZH": "44080219480720125742"}
# Catalogue item → who stands in the source's books.
BOOKS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "GX-JY-0001": {"330106198803121014": DEGREE, "440802199412121298": {**DEGREE, "XLCC": "硕士研究生"}},
    "GX-MZ-0004": {"440802194807201257": ALLOWANCE},
    "GX-CL-0002": {"440802194807201257": DISABLED},
}
_gateways: dict[int, tuple[State, Gateway]] = {}


def create(state: State) -> Callable[..., Any]:
    """The gateway has no web page; this one says so, since every simulator is mounted somewhere."""
    app = Flask(__name__)

    @app.get("/")
    def told() -> Response:
        return Response("共享交换网关只收消息队列中的消息\n", content_type="text/plain; charset=utf-8")

    return app


def missing() -> str:
    """Why it cannot be rehearsed on this machine, or nothing."""
    return _unreachable(_rehearsed_on())


def settings(state: State, url: str) -> dict[str, str]:
    """Queues of this ``state`` alone; the gateway begins to read when it is first asked for."""
    if missing():
        return {}
    if id(state) not in _gateways:
        prefix = f"anju.rehearsal.{secrets.token_hex(6)}"
        gateway = Gateway(state, _rehearsed_on(), f"{prefix}.requests", f"{prefix}.answers")
        _gateways[id(state)] = (state, gateway)
        gateway.start()
        atexit.register(gateway.close)
    gateway = _gateways[id(state)][1]
    return {
        "ANJU_EXCHANGE_BROKER": gateway.url,
        "ANJU_EXCHANGE_REQUESTS": gateway.requests,
        "ANJU_EXCHANGE_ANSWERS": gateway.answers,
    }


def listen(state: State) -> None:
    """Read the demo's queues on the broker that the office is pointed at."""
    url = os.environ.get("ANJU_EXCHANGE_BROKER", "")
    if why := _unreachable(url) if url else "ANJU_EXCHANGE_BROKER is not set":
        raise OSError(why)
    Gateway(state, url, *QUEUES).start()


def _rehearsed_on() -> str:
    return os.environ.get("ANJU_REHEARSAL_BROKER", MACHINE)


def _unreachable(url: str) -> str:
    parts = urlsplit(url)
    place = (parts.hostname or "127.0.0.1", parts.port or 5672)
    try:
        socket.create_connection(place, 1).close()
    except OSError:
        return f"no RabbitMQ at {place[0]}:{place[1]}"
    return ""


@dataclass
class Waiting:
    """An envelope that goes out at a moment of ``time.monotonic``; ``behind``: rather when another was sent first."""

    at: float
    envelope: bytes = field(repr=False)
    behind: bool = False


@dataclass
class Gateway:
    """One office's two queues and whoever works on them, in a thread of its own until ``close``."""

    state: State
    url: str
    requests: str
    answers: str
    waiting: list[Waiting] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Returns when the queues are there. Raises ``OSError``."""
        threading.Thread(target=self._run, daemon=True).start()
        if not self.ready.wait(10):
            raise OSError("the broker did not make the queues")

    def close(self) -> None:
        """Stop, and take the queues away."""
        self.over.set()
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        for queue in (self.requests, self.answers):
            connection.channel().queue_delete(queue)
            connection.channel().queue_delete(queue + ".dead")
        connection.close()

    def _run(self) -> None:
        while not self.over.is_set():
            try:
                connection = pika.BlockingConnection(pika.URLParameters(self.url))
                channel = connection.channel()
                self._declare(channel)
                self.ready.set()
                while not self.over.is_set():
                    if not self._once(channel):
                        connection.sleep(0.02)
                connection.close()
            except (AMQPError, OSError) as error:
                log.warning("the gateway lost its broker", extra={"party": "exchange", "error": type(error).__name__})
                self.over.wait(0.5)

    def _declare(self, channel: BlockingChannel) -> None:
        for queue in (self.requests, self.answers):
            channel.queue_declare(queue + ".dead", durable=True)
            limits = {
                "x-queue-type": "quorum",
                "x-delivery-limit": 4,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": queue + ".dead",
            }
            channel.queue_declare(queue, durable=True, arguments=limits)

    def _once(self, channel: BlockingChannel) -> bool:
        """Send what is due and take one question; whether there was one."""
        for one in [each for each in self.waiting if each.at <= time.monotonic()]:
            self._send(channel, one)
        if self.state.shown("exchange", EVERYBODY) == "outage":
            return False
        method, _, body = channel.basic_get(self.requests, auto_ack=False)
        if method is None or body is None:
            return False
        made = answered(self.state, body)
        if made is None:
            channel.basic_reject(method.delivery_tag, requeue=False)
            return True
        overtaken = [one for one in self.waiting if one.behind]
        self.waiting += made
        for one in [each for each in made if each.at <= time.monotonic()]:
            self._send(channel, one)
            for each in overtaken:
                each.at = 0.0
        channel.basic_ack(method.delivery_tag)
        return True

    def _send(self, channel: BlockingChannel, one: Waiting) -> None:
        kept = pika.BasicProperties(content_type="application/json", delivery_mode=2)
        channel.basic_publish("", self.answers, one.envelope, kept)
        self.waiting.remove(one)


# --- what the gateway does -------------------------------------------------------------------------------------------


def answered(state: State, envelope: bytes) -> list[Waiting] | None:
    """The envelopes that go back for one, and when; None where it is not by the form or not the office's."""
    opened = _opened(envelope)
    if opened is None:
        return None
    number, asked = opened
    person = asked["person"]["idNo"]
    scenario = state.take("exchange", person)
    booked = state.book("exchange", number, "query", person, scenario, lambda: _work(state, asked, scenario))
    present = time.monotonic()
    if scenario in ("timeout", "lost"):
        return []
    if scenario == "garbage":
        return [Waiting(present, b'{"code": "0", \x00<html>')]
    if scenario == "changed_schema":
        booked = {"status": booked["code"], **{name: value for name, value in booked.items() if name != "code"}}
    sealed = _sealed(f"{booked['acceptNo']}-1", number, booked, broken=scenario == "bad_signature")
    pause = {"slow": state.timing.slow, "late": state.timing.late, "out_of_order": state.timing.late}.get(scenario, 0.0)
    one = Waiting(present + pause, sealed, behind=scenario == "out_of_order")
    return [one, Waiting(one.at, sealed)] if scenario == "duplicate" else [one]


def _work(state: State, asked: Mapping[str, Any], scenario: str) -> dict[str, Any]:
    """The answer's letter."""
    item, person = asked["catalogItem"], asked["person"]
    known = state.people.get(person["idNo"], {})
    code, rows = "0000", []
    if scenario == "business_error":
        code = "3001"
    elif item not in BOOKS:
        code = "3002"
    elif scenario == "mismatch" or known.get("registered_name", known.get("name", person["name"])) != person["name"]:
        code = "1001"
    elif scenario != "empty" and person["idNo"] in BOOKS[item]:
        rows = [dict(BOOKS[item][person["idNo"]])]
    number = f"GXWG{len(state.log('exchange')) + 1:08d}"
    return {"traceNo": asked["traceNo"], "code": code, "acceptNo": number, "dataTime": DATA_TIME, "rows": rows}


# --- envelopes, by hand ----------------------------------------------------------------------------------------------


def _bound(head: Mapping[str, Any]) -> bytes:
    fields = [head[name] for name in ("v", "alg", "kid", "id", "re", "at")]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _sealed(number: str, answers: str, letter: Mapping[str, Any], *, broken: bool) -> bytes:
    head = {"v": 1, "alg": "SM4-GCM", "kid": KEY_NUMBER, "id": number, "re": answers, "at": int(time.time())}
    iv = secrets.token_bytes(12)
    machine = Cipher(algorithms.SM4(KEY), modes.GCM(iv)).encryptor()
    machine.authenticate_additional_data(_bound(head))
    data = machine.update(json.dumps(letter, ensure_ascii=False).encode()) + machine.finalize() + machine.tag
    signed = b"something else" if broken else _bound(head) + iv + data
    signature = bytes.fromhex(CryptSM2(PRIVATE, PUBLIC, asn1=True).sign_with_sm3(signed))
    parts = {"iv": iv, "data": data, "sig": signature}
    return json.dumps({**head, **{name: b64encode(part).decode() for name, part in parts.items()}}).encode()


def _opened(envelope: bytes) -> tuple[str, dict[str, Any]] | None:
    """Number and letter; None where it is cut off, forged or sealed with another key."""
    try:
        head = json.loads(envelope)
        iv, data, signature = (b64decode(head[name]) for name in ("iv", "data", "sig"))
        if head["kid"] != KEY_NUMBER:
            return None
        if not CryptSM2(PRIVATE, OFFICE, asn1=True).verify_with_sm3(signature.hex(), _bound(head) + iv + data):
            return None
        machine = Cipher(algorithms.SM4(KEY), modes.GCM(iv, data[-16:])).decryptor()
        machine.authenticate_additional_data(_bound(head))
        letter: dict[str, Any] = json.loads(machine.update(data[:-16]) + machine.finalize())
    except (ValueError, KeyError, TypeError, InvalidTag):
        return None
    return head["id"], letter
