"""What models may ask of the banks, and what lies ready at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from connectors._kit.files import FileFault
from connectors.bank import client
from engine.core import clock, payment_list
from engine.core.errors import OutsideFault
from engine.core.inbound import NoticeCame, collection
from engine.core.operations import Answer, Call, Evidence, operation


class SendInputs(Schema):
    """``list_file``: id of the stored list (``engine.core.payment_list``)."""

    bank = fields.String(required=True, validate=validate.OneOf(list(client.TITLES)), metadata={"title": "银行"})
    kind = fields.String(required=True, validate=validate.OneOf(list(client.KINDS)), metadata={"title": "业务种类"})
    batch_number = fields.String(
        required=True, validate=validate.Regexp(r"^[0-9A-Z-]{4,20}$"), metadata={"title": "批次号"}
    )
    day = fields.Date(load_default=None, metadata={"title": "业务日期"})
    list_file = fields.String(required=True, metadata={"title": "名单文件"})


class SendOutputs(Schema):
    file_name = fields.String(required=True, metadata={"title": "送出的文件"})
    sent_lines = fields.Integer(required=True, metadata={"title": "笔数"})
    sent_fen = fields.Integer(required=True, metadata={"title": "金额（分）"})


@operation(
    "bank.send",
    title="送出批量收付文件",
    inputs=SendInputs,
    outputs=SendOutputs,
    party="bank",
    retries=6,
    purpose="把核准的批次送交银行",
)
def send(call: Call) -> Answer:
    """Build the bank's file and leave it. A repeat finds the same bytes there; other bytes are refused by the depot."""
    asked = call.inputs
    if call.files is None:
        raise ValueError("bank.send needs the file store")
    payments = payment_list.read(call.files.read(asked["list_file"]))
    content = client.order(asked["bank"], asked["kind"], asked["batch_number"], asked["day"] or clock.today(), payments)
    left = client.send(asked["bank"], asked["kind"], asked["batch_number"], content)
    total = sum(one.amount_fen for one in payments)
    title = client.TITLES[asked["bank"]]
    kept = Evidence(
        title,
        f"批次 {asked['batch_number']}",
        f"{left.name} {left.size} {left.sha256}".encode(),
        b"",
        clock.now(),
        f"已送出 {len(payments)} 笔",
        "text/plain",
    )
    return Answer({"file_name": left.name, "sent_lines": len(payments), "sent_fen": total}, None, kept)


@collection("bank", every=timedelta(minutes=2))
def fetch() -> Iterator[NoticeCame]:
    """What lies ready at each bank. One bank that cannot be reached does not keep the others waiting."""
    unreachable: list[OutsideFault] = []
    for bank in client.TITLES:
        files = client.fetch(bank)
        while True:
            try:
                found = next(files, None)
            except OutsideFault as error:
                unreachable.append(error)
                break
            if found is None:
                break
            yield _notice(found)
    if unreachable:
        raise unreachable[0]


def _notice(found: client.Fetched) -> NoticeCame:
    content = {"bank": found.bank, "name": found.name, "sha": found.sha}
    try:
        kind, told = _READ[found.kind](found)
    except FileFault as fault:
        kind, told = "bank_unreadable", {"fault": str(fault)}
    return NoticeCame("bank", f"{found.bank}/{found.name}/{found.sha[:16]}", kind, {**content, **told})


def _ack(found: client.Fetched) -> tuple[str, dict[str, Any]]:
    lines = list(client.profile(found.bank, "ack").read(found.content, found.name))
    return "bank_ack", {"acks": lines}


def _result(found: client.Fetched) -> tuple[str, dict[str, Any]]:
    """Each line: number, account, amount in 分, outcome, our code, text, the bank's serial."""
    reader = client.profile(found.bank, "result").read(found.content, found.name)
    lines = [
        [
            line["number"],
            line["account"],
            line["amount"],
            line["result"].outcome,
            line["result"].code,
            line["result"].text,
            line["serial"] or "",
        ]
        for line in reader
    ]
    totals = [[one.field, one.declared, one.counted] for one in reader.totals]
    told = {"batch": reader.head["batch"], "day": reader.head["day"].isoformat(), "lines": lines, "totals": totals}
    return "bank_result", told


def _movements(found: client.Fetched) -> tuple[str, dict[str, Any]]:
    reader = client.profile(found.bank, "movements").read(found.content, found.name)
    lines = [{key: value for key, value in line.items() if key != "mark"} for line in reader]
    totals = [[one.field, one.declared, one.counted] for one in reader.totals]
    head = reader.head
    return "bank_movements", {
        "own_account": head["account"],
        "day": head["day"].isoformat(),
        "lines": lines,
        "totals": totals,
    }


_READ: dict[str, Callable[[client.Fetched], tuple[str, dict[str, Any]]]] = {
    client.ACK: _ack,
    client.RESULT: _result,
    client.MOVEMENTS: _movements,
}
