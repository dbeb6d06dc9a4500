"""Elements that do business work: job, script, decision."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from engine.core.errors import Declined
from engine.workflow.expressions import Expression, Stuck
from engine.workflow.face import BpmnError
from engine.workflow.waits import wait_of

from .base import Node, ProcessSpec, StandsStill
from .events import catcher

if TYPE_CHECKING:
    from engine.workflow.definitions import ElementInfo
    from engine.workflow.run import Token


class Job(StandsStill):
    """An operation: inside the transaction if the host says so, else a job for a worker."""

    wait_kind = "job"

    def __init__(
        self, spec: ProcessSpec, info: ElementInfo, suffix: str = "", *, operation: Expression, retries: Expression
    ) -> None:
        super().__init__(spec, info, suffix)
        self.operation, self.retries = operation, retries

    def work(self, token: Token) -> bool:
        super().work(token)
        host = token.run_of.host
        if not host.operation_is_inside(token.facts["wait"]["type"]):
            return False
        try:
            results = host.run_inside(wait_of(token), token.context())
        except (BpmnError, Declined) as error:
            # Later: an error event cancels this very token, which its own hook must not do.
            thrown = partial(
                throw_error, code=error.code, variables=getattr(error, "variables", {}), message=error.message
            )
            token.run_of.later(thrown, token)
            return False
        self.receive(token, results)
        return True

    def wait(self, token: Token) -> dict[str, Any]:
        context = token.context()
        operation = self.operation.evaluate(context)
        if not isinstance(operation, str) or not operation:
            raise Stuck("job_type_missing", f"任务类型“{self.operation.text}”没有得出操作名，请检查其中的变量")
        return {"kind": "job", "type": operation, "retries": whole_number(self.retries.evaluate(context), "重试次数")}


class Script(Node):
    """A FEEL expression whose value becomes a variable."""

    def __init__(
        self, spec: ProcessSpec, info: ElementInfo, suffix: str = "", *, expression: Expression, result: str
    ) -> None:
        super().__init__(spec, info, suffix)
        self.expression, self.result = expression, result

    def work(self, token: Token) -> bool:
        self.receive(token, {self.result: self.expression.evaluate(token.context())})
        return True


class Decision(Node):
    """A decision asked of the host; its result becomes a variable."""

    def __init__(
        self, spec: ProcessSpec, info: ElementInfo, suffix: str = "", *, decision: Expression, result: str
    ) -> None:
        super().__init__(spec, info, suffix)
        self.decision, self.result = decision, result

    def work(self, token: Token) -> bool:
        context = token.context()
        decision_id = self.decision.evaluate(context)
        if not isinstance(decision_id, str) or not decision_id:
            raise Stuck("decision_id_missing", f"决策“{self.decision.text}”没有得出决策编号，请检查其中的变量")
        self.receive(token, {self.result: token.run_of.host.decide(decision_id, context, self.info.id)})
        return True


def throw_error(token: Token, code: str, variables: dict[str, Any], message: str = "") -> None:
    """A business error at a token: caught by the nearest event that names it, else an incident."""
    caught_by = catcher(token, "error", code)
    if caught_by is None:
        reason = f"：{message}" if message and message != code else ""
        raise Stuck("error_not_caught", f"业务错误“{code}”没有错误事件接住{reason}，请为该步骤添加错误边界事件")
    token.run_of.fire(caught_by, variables)


def whole_number(value: Any, what: str) -> int | None:
    """A whole number written as a number or as text; None stays None. Raises ``Stuck``."""
    if value is None:
        return None
    try:
        if isinstance(value, bool):
            raise ValueError
        number = int(value)
        if abs(number) >= 2**31:
            raise ValueError
        return number
    except (TypeError, ValueError):
        raise Stuck("not_a_number", f"{what}应为整数，请检查其表达式") from None
