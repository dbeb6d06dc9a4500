"""The books of the simulated signing platform: files, flows, seals, certificates' words; what it tells and when.

Nothing of our client's codec is used here. Times are seconds since 1970 by the machine's clock.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import requests

from connectors._kit.sandbox import Refusal, State
from connectors.esign import issuer

SECRET = "demo-esign-key"  # noqa: S105 - known to everybody, of the simulator only
DRAFT, SIGNING, DONE, WITHDRAWN, ENDED, EXPIRED, REFUSED, RESCINDED = 0, 1, 2, 3, 4, 5, 7, 12
WORDS = {0: "草稿", 1: "签署中", 2: "已完成", 3: "已撤回", 4: "已终止", 5: "已过期", 7: "已拒签", 12: "已解约"}
# Whoever does not sign by hand: what becomes of a flow by itself.
BY_ITSELF = {"late", "lost_callback", "duplicate_callback", "out_of_order", "bad_signature", "mismatch"}
SEAL = ("SEAL0001", "安居市住房保障中心", "12330100ANJU00001X")
PIN, MOST_WRONG = "246810", 3
DEMO_DONE, DEMO_OPEN = "FDEMO0001", "FDEMO0002"
# The last second of 2059.
DEMO_UNTIL = 2_840_111_999
# What the demo's own flows were given to carry.
DEMO_ATTACH = "432919fa0c2716c3.fbfcbdd967dda20c"


@dataclass
class Signer:
    """One who is to sign. ``state``: 1 asked, 2 signed, 7 refused."""

    order: int
    name: str
    id_number: str = field(repr=False)
    phone: str = field(repr=False)
    state: int = SIGNING
    signed_at: int = 0
    serial: str = ""


@dataclass
class Flow:
    """One piece of business: ``files`` are (number, name, content), ``of`` the flow that a rescission ends."""

    number: str
    biz: str
    title: str
    files: list[tuple[str, str, bytes]] = field(repr=False)
    signers: list[Signer] = field(repr=False)
    positions: list[dict[str, Any]] = field(default_factory=list)
    notify: str = ""
    attach: str = ""
    expires_at: float = 0.0
    scenario: str = "ok"
    state: int = SIGNING
    reason: str = ""
    finished_at: int = 0
    archived_at: float = 0.0
    of: str = ""

    @property
    def archived(self) -> bool:
        """Whether the signed files may be fetched."""
        return self.state in (DONE, RESCINDED) and time.time() >= self.archived_at


def house(state: State) -> House:
    """The books of this ``state``; a reset empties them."""
    return state.house("esign", lambda: House(state))


class House:
    """All that the platform remembers."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.files: dict[str, tuple[str, bytes]] = {}
        self.flows: dict[str, Flow] = {}
        self.made_from: dict[str, str] = {}
        self.wrong: dict[str, int] = {}
        self.lock = threading.RLock()

    # --- files ------------------------------------------------------------------------------------------------

    def keep(self, name: str, content: bytes) -> str:
        """The number of a file, the same for the same content. A file that is no PDF is refused."""
        try:
            issuer.pages(content)
        except issuer.UNREADABLE:
            raise Refusal(code="2201") from None
        number = "D" + hashlib.sha256(content).hexdigest()[:20].upper()
        self.files[number] = (name, content)
        return number

    # --- flows ------------------------------------------------------------------------------------------------

    def open(self, asked: dict[str, Any], scenario: str) -> Flow:
        """A new flow, or the one of this business number."""
        with self.lock:
            known = self.by_biz(asked["bizNo"])
            if known is not None:
                return known
            files = [(one["fileId"], *self._file(one["fileId"])) for one in asked["files"]]
            signers = [Signer(one["order"], one["name"], one["idNumber"], one["phone"]) for one in asked["signers"]]
            until = time.time() + asked["expireHours"] * 3600
            number = f"F{len(self.flows) + 1:08d}"
            flow = Flow(number, asked["bizNo"], asked["title"], files, signers, asked["positions"])
            flow.notify, flow.attach, flow.expires_at = asked["notifyUrl"], asked["attach"], until
            flow.scenario = scenario
            self.flows[number] = flow
        self._by_itself(flow)
        return flow

    def rescind(self, asked: dict[str, Any], scenario: str) -> Flow:
        """A flow in which the same people sign that the first one ends."""
        with self.lock:
            old, known = self.of(asked["flowId"]), self.by_biz(asked["bizNo"])
            if known is not None:
                return known
            if old.state != DONE:
                raise Refusal(code="2303")
            content = issuer.page(f"解约协议：{old.title}")
            people = [{"order": one.order, "name": one.name, "idNumber": one.id_number} for one in old.signers]
            wanted = {
                **{name: asked[name] for name in ("bizNo", "notifyUrl", "attach")},
                "title": f"解约：{old.title}",
                "files": [{"fileId": self.keep("解约协议.pdf", content)}],
                "signers": [{**one, "phone": ""} for one in people],
                "positions": [],
                "expireHours": 168,
            }
            flow = self.open(wanted, "waits")
            flow.of, flow.scenario = old.number, scenario
        self._by_itself(flow)
        return flow

    def by_biz(self, biz: str) -> Flow | None:
        """The flow of a business number."""
        found = next((one for one in self.flows.values() if one.biz == biz), None)
        return self.of(found.number) if found else None

    def of(self, number: str) -> Flow:
        """The flow of that number, as it stands now; the demo's own are made when first asked for."""
        with self.lock:
            flow = self.flows.get(number) or self._demo(number)
            if flow.state == SIGNING and time.time() > flow.expires_at:
                self.end(flow, EXPIRED, "EXPIRED")
            return flow

    def _demo(self, number: str) -> Flow:
        if number not in (DEMO_DONE, DEMO_OPEN):
            raise Refusal(code="2301")
        flow = copy.deepcopy(demo(number))
        self.flows[number] = flow
        return flow

    def _file(self, number: str) -> tuple[str, bytes]:
        if number not in self.files:
            raise Refusal(code="2202")
        return self.files[number]

    # --- what signers do --------------------------------------------------------------------------------------

    def sign(self, flow: Flow, order: int) -> None:
        """One signs all files, in their turn. Raises ``Refusal``."""
        with self.lock:
            who = self.turn(flow, order)
            other = flow.scenario == "mismatch"
            if other:
                who.name, who.id_number = "王替签", "330106197001011010"
            key = issuer.signer(who.name, issuer.account_of(who.id_number))
            for index, (number, name, content) in enumerate(flow.files):
                place = self._place(flow, index + 1, order)
                signed = issuer.sign_pdf(content, key, f"Signer{order}", place, flow.title)
                flow.files[index] = (number, name, signed)
            who.state, who.signed_at, who.serial = DONE, int(time.time()), issuer.serial(key)
            over = all(one.state == DONE for one in flow.signers)
            told = [self._note(flow, who)]
            if over:
                self._over(flow, DONE, "")
                told.append(self._note(flow))
        self._tell(flow, told)

    def turn(self, flow: Flow, order: int) -> Signer:
        """Whoever signs now under this number. Raises ``Refusal``: not there, not their turn, not open."""
        who = next((one for one in flow.signers if one.order == order), None)
        if who is None:
            raise Refusal(code="2304")
        if flow.state != SIGNING or who.state != SIGNING:
            raise Refusal(code="2303")
        if any(one.state == SIGNING and one.order < order for one in flow.signers):
            raise Refusal(code="2305")
        return who

    def refuse(self, flow: Flow, order: int, reason: str) -> None:
        """One does not want to: the flow is over."""
        with self.lock:
            who = self.turn(flow, order)
            who.state = REFUSED
            told = [self._note(flow, who)]
            self._over(flow, REFUSED, reason)
            told.append(self._note(flow))
        self._tell(flow, told)

    def end(self, flow: Flow, state: int, reason: str) -> None:
        """Withdrawn, expired, or the face was not the person's."""
        with self.lock:
            self._over(flow, state, reason)
            told = [self._note(flow)]
        self._tell(flow, told)

    def _over(self, flow: Flow, state: int, reason: str) -> None:
        flow.state, flow.reason, flow.finished_at = state, reason, int(time.time())
        flow.archived_at = time.time() + self.state.timing.late
        if state == DONE and flow.of:
            self.flows[flow.of].state = RESCINDED

    def _place(self, flow: Flow, file: int, order: int) -> tuple[int, float, float]:
        wanted = (one for one in flow.positions if one["file"] == file and one["signer"] == order)
        found = next(wanted, None)
        return (found["page"], found["x"], found["y"]) if found else (-1, 60.0 + 160 * ((order - 1) % 3), 60.0)

    # --- telling ----------------------------------------------------------------------------------------------

    def _note(self, flow: Flow, who: Signer | None = None) -> dict[str, Any]:
        note: dict[str, Any] = {"notifyId": secrets.token_hex(12), "event": "signer" if who else "flow"}
        note |= {"flowId": flow.number, "bizNo": flow.biz, "attach": flow.attach, "state": flow.state}
        if who is not None:
            return {**note, "state": SIGNING, "order": who.order, "signerState": who.state, "name": who.name}
        return {**note, "reason": flow.reason, "finishedAt": flow.finished_at, "signers": signers_of(flow)}

    def _tell(self, flow: Flow, notes: list[dict[str, Any]]) -> None:
        if not flow.notify or flow.scenario == "lost_callback":
            return
        ordered = notes[::-1] if flow.scenario == "out_of_order" else notes
        threading.Thread(target=self._deliver, args=(flow, ordered), daemon=True).start()

    def _deliver(self, flow: Flow, notes: list[dict[str, Any]]) -> None:
        if flow.scenario == "late":
            time.sleep(self.state.timing.late)
        for note in notes:
            body = json.dumps(note, ensure_ascii=False).encode()
            wanted = 2 if flow.scenario == "duplicate_callback" else 1
            for pause in self.state.timing.callback_pauses:
                time.sleep(pause)
                headers = stamped(body, broken=flow.scenario == "bad_signature")
                try:
                    answer = requests.post(flow.notify, data=body, headers=headers, timeout=5)
                except requests.RequestException:
                    continue
                wanted -= answer.ok
                if not wanted:
                    break

    def _by_itself(self, flow: Flow) -> None:
        ends = {"refused": (REFUSED, "不同意租金标准"), "expired": (EXPIRED, "EXPIRED"), "face_failed": (ENDED, "FACE")}
        if flow.scenario not in BY_ITSELF and flow.scenario not in ends:
            return

        def run() -> None:
            time.sleep(self.state.timing.late)
            if flow.scenario in ends:
                self.end(flow, *ends[flow.scenario])
                return
            for one in flow.signers:
                self.sign(flow, one.order)

        threading.Thread(target=run, daemon=True).start()

    # --- seals and certificates -------------------------------------------------------------------------------

    def seal(self, biz: str, seal: str, number: str, reason: str) -> str:
        """The number of the sealed file, the same for the same business number."""
        with self.lock:
            if seal != SEAL[0]:
                raise Refusal(code="2501")
            if biz not in self.made_from:
                name, content = self._file(number)
                sealed = issuer.sign_pdf(content, issuer.signer(*SEAL[1:]), "AutoSeal", (-1, 400.0, 60.0), reason)
                self.made_from[biz] = self.keep(name, sealed)
            return self.made_from[biz]

    def standing(self, digest: str) -> dict[str, Any]:
        """What the platform knows of a file by its SHA-256."""
        for flow in self.flows.values():
            if any(hashlib.sha256(content).hexdigest() == digest for _, _, content in flow.files):
                return {"found": True, "flowId": flow.number, "state": self.of(flow.number).state}
        if any(hashlib.sha256(content).hexdigest() == digest for _, content in self.files.values()):
            return {"found": True, "flowId": "", "state": DONE}
        return {"found": False, "flowId": "", "state": 0}

    def opinion(self, asked: dict[str, Any], scenario: str) -> str:
        """The base64 of a detached signature over a digest. Raises ``Refusal``: PIN wrong, locked, no certificate."""
        account = asked["account"]
        with self.lock:
            if scenario == "empty":
                raise Refusal(code="2403")
            if self.wrong.get(account, 0) >= MOST_WRONG:
                raise Refusal(code="2402")
            text = f"{account}|{asked['digest']}|{PIN}".encode()
            if hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest() != asked["pinProof"]:
                self.wrong[account] = self.wrong.get(account, 0) + 1
                raise Refusal(code="2401", left=MOST_WRONG - self.wrong[account])
            self.wrong.pop(account, None)
        other = scenario == "mismatch"
        key = issuer.signer("王替签" if other else asked["name"], account, expired=scenario == "expired_certificate")
        made = issuer.sign_digest(bytes.fromhex(asked["digest"]), key, datetime.fromtimestamp(int(time.time()), UTC))
        return base64.b64encode(made).decode()


@cache
def demo(number: str) -> Flow:
    """A flow of the demo; signing is slow, so it is done once."""
    people = [Signer(1, "林秋实", "330106198803121014", "19900000001"), Signer(2, SEAL[1], SEAL[2], "")]
    file = ("DDEMO0001", "租赁合同.pdf", issuer.page("保障性住房租赁合同"))
    flow = Flow(number, f"DEMO-{number}", "保障性住房租赁合同", [file], people, expires_at=DEMO_UNTIL)
    flow.attach = DEMO_ATTACH
    if number == DEMO_DONE:
        books = House(State())
        for one in flow.signers:
            books.sign(flow, one.order)
        flow.archived_at = 0.0
    return flow


def signers_of(flow: Flow) -> list[dict[str, Any]]:
    """As they stand."""
    return [
        {
            "order": one.order,
            "name": one.name,
            "idNumber": one.id_number,
            "state": one.state,
            "signedAt": one.signed_at,
            "certSerial": one.serial,
        }
        for one in flow.signers
    ]


def stamped(body: bytes, *, broken: bool = False, at: int | None = None) -> dict[str, str]:
    """The headers of what the platform posts."""
    stamp, once = str(int(time.time()) if at is None else at), secrets.token_hex(16)
    text = stamp.encode() + b"\n" + once.encode() + b"\n" + (b"broken" if broken else body)
    signature = hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "X-Timestamp": stamp,
        "X-Nonce": once,
        "X-Signature": signature,
    }
