"""A running process goes on in another release: same tokens, same variables, other elements.

As in Camunda 8: nothing that stands is begun again. Timers keep their due date and jobs their operation; user tasks
keep token and assignee, but show the form of the new release; a message, signal or code that is written differently is
listened to anew. Events that the new release adds to what stands are subscribed, those it no longer has are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import Refused

from .expressions import Stuck
from .findings import Finding, Translation
from .mapping import Plan, plan
from .run import Frame, Run, Token
from .specs.multi import MultiInstance
from .specs.user import UserTask
from .translation import translate

if TYPE_CHECKING:
    from .process import Process

__all__ = ["Finding", "Plan", "check", "migrated", "plan"]


def check(process: Process, plan: Plan) -> list[Finding]:
    """What a migration would do to a running process, refusals first; nothing is changed."""
    findings = translate(process.run, plan).findings
    return sorted(findings, key=lambda finding: not finding.refused)


def migrated(run: Run, plan: Plan) -> Run:
    """The run in the plan's target; the old one is untouched. Raises ``Refused`` with the first reason."""
    if run.completed:
        raise Refused("流程已经结束，不需要迁移", code="process_completed")
    translation = translate(run, plan)
    if translation.refusals:
        first, *others = [finding.message for finding in translation.refusals]
        more = f"（另有 {len(others)} 处）" if others else ""
        raise Refused(f"不能迁移：{first}{more}", code="migration_refused")
    moved = _carried_over(run, plan, translation)
    try:
        _renew(moved, translation)
        for key, name, facts in translation.new:
            if "host" in facts:
                moved.tokens[facts["host"]].facts["armed"] = 1
            moved.frames[key].spawn(name, **facts)
        while moved.agenda:
            action, token = moved.agenda.popleft()
            if token.is_live:
                action(token)
    except Stuck as stuck:
        raise Refused(f"不能迁移：{stuck.message}", code=stuck.code) from stuck
    return moved


def _carried_over(run: Run, plan: Plan, translation: Translation) -> Run:
    moved = Run(plan.target, plan.processes[run.process_id], run.host, run.variables.scopes)
    moved.outcome = plan.of(run.process_id, run.outcome) if run.outcome else None
    for key, frame in run.frames.items():
        there = moved.top
        if frame.host is not None:
            called = plan.processes[frame.called] if frame.called is not None else None
            there = Frame(moved, translation.specs[key], moved.tokens[frame.host.id], called)
        there.compensations = translation.undo[key]
        for token in frame.tokens:
            name = translation.nodes.get(token.id)
            if name is None:
                moved.variables.drop(token)
                continue
            facts = dict(token.facts) | translation.facts.get(token.id, {})
            arrived = Token(there, there.spec.task_specs[name], token.id, token.state)
            arrived.facts.update(facts)
            if "body" in facts:
                _names_in_instance(token, arrived)
            elif isinstance(arrived.node, MultiInstance) and "total" in facts:
                _names_in_body(token, arrived)
    return moved


def _names_in_body(token: Token, arrived: Token) -> None:
    """Results go on under the name that the new release gives to their collection."""
    old, new = token.node.loop.output, arrived.node.loop.output
    scope = arrived.run_of.variables.scopes.setdefault(token.id, {})
    results = scope.pop(old, None) if old else None
    if new:
        scope[new] = results if results is not None else [None] * token.facts["total"]


def _names_in_instance(token: Token, arrived: Token) -> None:
    """An instance finds its item and its result under the new names too."""
    old, new = (one.run_of.tokens[one.facts["body"]].node.loop for one in (token, arrived))
    scope = arrived.run_of.variables.scopes.get(token.id, {})
    result = new.output_element.variable if new.output_element else None
    local = {name: None for name in (result,) if name and name not in scope}
    if new.element and new.element not in scope:
        local[new.element] = scope.get(old.element)
    if local:
        arrived.run_of.variables.set_local(token.id, local)


def _renew(moved: Run, translation: Translation) -> None:
    for token_id in translation.renew:
        token = moved.tokens[token_id]
        if not isinstance(token.node, UserTask):
            token.node.work(token)
            continue
        form = token.node.texts.get("form_id")
        token.facts["wait"] = {name: value for name, value in token.facts["wait"].items() if name != "form_id"}
        if form is not None:
            token.facts["wait"]["form_id"] = form.evaluate(token.context())
