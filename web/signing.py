"""How a person signs what is handed in: not, by hand, or with a certificate whose platform is asked in between."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from flask import g, request

from engine.cases import certified
from engine.commands import dispatch
from engine.commands.signing import Certified, NoteFailedSigning, ToSign
from engine.core import ids, operations
from engine.core.errors import Declined, OutsideFault, Refused, Unreachable
from engine.core.operations import Answer, Call

STAYS = "意见没有提交，填写的内容都在，可以重试，或改用手写签名。"


OUTCOMES = ((Declined, "declined"), (Unreachable, "unreachable"))


class NotSigned(Refused):
    """No signature came about; what was to be signed was not handed in."""

    code = "not_signed"


def handed_in(task_id: int, command: Callable[[bool | Certified], Any]) -> Any:
    """Dispatch what ``command`` makes, signed as the form says. Raises ``NotSigned`` and what the command raises."""
    chosen = request.form.get("sign", "")
    if chosen != "ca":
        return dispatch(command(chosen == "1"), g.actor)
    if not request.form.get("pin", ""):
        raise NotSigned("请输入 CA 证书口令。" + STAYS)
    try:
        return dispatch(command(Certified()), g.actor)
    except ToSign as asked:
        return dispatch(command(_certified(task_id, asked)), g.actor)


def _certified(task_id: int, asked: ToSign) -> Certified:
    """Ask the platform, with no transaction open."""
    operation = operations.find(certified.SIGN)
    given = {"text": asked.text, "account": asked.account, "name": asked.name, "pin": request.form["pin"]}
    call = Call(0, "", "", 0, "", "", f"opinion-{ids.new()}", operation.load_inputs(given, {}), actor=g.actor.key)
    began = perf_counter()
    try:
        answer = operation.run(call)
    except OutsideFault as error:
        outcome = next((word for kind, word in OUTCOMES if isinstance(error, kind)), "fault")
        dispatch(NoteFailedSigning(task_id, outcome, error.message, _ms(began)), g.actor)
        raise NotSigned(f"{error.message}。{STAYS}") from error
    assert isinstance(answer, Answer)
    return Certified(answer, _ms(began))


def _ms(began: float) -> int:
    return int((perf_counter() - began) * 1000)
