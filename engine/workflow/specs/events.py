"""Events that are waited for: intermediate, at the border of an activity, and at the start of an event sub-process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from engine.workflow import timers
from engine.workflow.expressions import Expression, Stuck

from .base import ProcessSpec, StandsStill, is_waiting

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Token


@dataclass(frozen=True, slots=True)
class Trigger:
    """What an event definition says. Only the fields of its ``kind`` are set."""

    kind: str
    name: Expression | None = None
    key: Expression | None = None
    code: Expression | None = None
    timer: str = ""
    when: Expression | None = None
    condition: Expression | None = None


class Catch(StandsStill):
    """An intermediate catch event or receive task."""

    def __init__(self, spec: ProcessSpec, info: ElementInfo, suffix: str = "", *, trigger: Trigger) -> None:
        self.wait_kind = trigger.kind if trigger.kind != "conditional" else "condition"
        super().__init__(spec, info, suffix)
        self.trigger = trigger

    def wait(self, token: Token) -> dict[str, Any]:
        return _ROWS[self.trigger.kind](self, token, self.seen_from(token).context())

    def seen_from(self, token: Token) -> Token:
        """The token whose variables the event sees."""
        return token

    def triggered(self, token: Token) -> None:
        # Behind an event-based gateway the first event wins.
        gateway = token.link("group")
        for other in token.frame.tokens:
            if gateway is not None and other is not token and other.link("group") == gateway:
                other.cancel()

    # --- the row, by kind

    def _wait_message(self, token: Token, context: dict[str, Any]) -> dict[str, Any]:
        name = self._name(context)
        key = self.trigger.key.evaluate(context) if self.trigger.key else ""
        if key is None or isinstance(key, (list, dict, bool)):
            raise Stuck("correlation_key_missing", "消息的关联键没有得出文字或数字，请检查其中的变量")
        return {"kind": "message", "name": name, "key": str(key)}

    def _wait_signal(self, token: Token, context: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "signal", "name": self._name(context)}

    def _name(self, context: dict[str, Any]) -> str:
        name = cast(Expression, self.trigger.name).evaluate(context)
        if not isinstance(name, str) or not name:
            raise Stuck("event_name_missing", "消息或信号的名称没有得出文字，请检查其中的变量")
        return name

    def _wait_timer(self, token: Token, context: dict[str, Any]) -> dict[str, Any]:
        again = token.facts.pop("again", None)
        if again is not None:
            return cast(dict[str, Any], again)
        text = cast(Expression, self.trigger.when).evaluate(context)
        due = timers.first_due(self.trigger.timer, text, token.run_of.host.now())
        return _timer_row(due, text)

    def _wait_thrown(self, token: Token, context: dict[str, Any]) -> dict[str, Any]:
        code = self.trigger.code
        return {"kind": self.trigger.kind, "code": code_of(code, context) if code else None}

    def _wait_conditional(self, token: Token, context: dict[str, Any]) -> dict[str, Any]:
        # Looked at when the agenda is empty, like every later change.
        token.run_of.variables.changed = True
        return {"kind": "condition"}

    def look_again(self, token: Token) -> None:
        """Fire when the condition has become true; one that stays true fires once."""
        if not is_waiting(token):
            return
        if cast(Expression, self.trigger.condition).evaluate(self.seen_from(token).context()) is not True:
            token.facts.pop("was_true", None)
        elif "was_true" not in token.facts:
            token.run_of.fire(token)


_ROWS: dict[str, Callable[[Catch, Token, dict[str, Any]], dict[str, Any]]] = {
    "message": Catch._wait_message,
    "signal": Catch._wait_signal,
    "timer": Catch._wait_timer,
    "error": Catch._wait_thrown,
    "escalation": Catch._wait_thrown,
    "conditional": Catch._wait_conditional,
}


class Subscription(Catch):
    """Base of events that lie beside the flow: nothing is seen of them until they occur, and they may occur again."""

    interrupting = True

    def activate(self, token: Token) -> None:
        """No token travels here: neither inputs nor an entry in the history."""

    def rearm(self, token: Token) -> None:
        """Wait for the next occurrence; a cycle counts down, a single timer is over."""
        wait = token.facts["wait"]
        facts: dict[str, Any] = {"host": token.link("host")}
        if wait["kind"] == "timer":
            due = timers.next_due(wait["cycle"], _due_of(wait)) if wait.get("cycle_left") else None
            if due is None:
                return
            facts["again"] = _timer_row(due, wait["cycle"])
        if wait["kind"] == "condition":
            facts["was_true"] = 1
        token.frame.spawn(self.name, **facts)


class Boundary(Subscription):
    """An event at the border of an activity."""

    def seen_from(self, token: Token) -> Token:
        return token.run_of.tokens[cast(str, token.link("host"))]

    def triggered(self, token: Token) -> None:
        token.facts["seen"] = 1
        token.run_of.note("activated", token)
        if self.interrupting:
            self.seen_from(token).cancel()
        else:
            self.rearm(token)


class EventStart(Subscription):
    """The start of an event sub-process, waiting in the frame around it; ``flows`` lead to the sub-process."""

    is_subscription = True

    def triggered(self, token: Token) -> None:
        if self.interrupting:
            token.frame.cancel_all(but=token)
        else:
            self.rearm(token)

    def _on_complete_hook(self, token: Token) -> None:
        # The start event itself is noted when the sub-process begins.
        self.move_on(token)


def code_of(code: Expression, context: dict[str, Any]) -> str:
    """The code of an error or escalation. Raises ``Stuck`` when it is no text."""
    value = code.evaluate(context)
    if not isinstance(value, str) or not value:
        raise Stuck("code_missing", f"代码“{code.text}”没有得出文字，请检查其中的变量")
    return value


def catcher(token: Token, kind: str, code: str | None) -> Token | None:
    """Who catches an error or escalation thrown at ``token``: its own border, its frame, then outward, calls included.

    At each place the exact code comes before the event that catches all.
    """
    at: Token | None = token
    while at is not None:
        for place in (at.id, at.link("element"), at.link("body")):
            found = _best([t for t in at.frame.tokens if place and t.link("host") == place], kind, code)
            if found is not None:
                return found
        found = _best([t for t in at.frame.tokens if isinstance(t.node, EventStart)], kind, code)
        if found is not None:
            return found
        at = at.frame.host
    return None


def _best(tokens: list[Token], kind: str, code: str | None) -> Token | None:
    exact, any_code = None, None
    for token in tokens:
        if not is_waiting(token) or token.facts["wait"]["kind"] != kind:
            continue
        caught = token.facts["wait"]["code"]
        if caught is None:
            any_code = any_code or token
        elif caught == code:
            exact = exact or token
    return exact or any_code


def _timer_row(due: timers.Due, text: str) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": "timer", "due": due.moment.isoformat()}
    if due.left is not None:
        row |= {"cycle": text, "cycle_left": due.left}
    return row


def _due_of(row: dict[str, Any]) -> timers.Due:
    return timers.Due(datetime.fromisoformat(row["due"]), row["cycle_left"])
