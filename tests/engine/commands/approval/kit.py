"""Small items with approval steps, and people who do and ask things by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from engine.cases.case import Case
from engine.cases.record import JournalEntry, verify
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.approval.signers import GiveOpinion
from engine.commands.cases import StartCase
from engine.commands.publish import PublishItem
from engine.commands.tasks import CompleteTask
from engine.core.actor import SYSTEM, Actor
from engine.core.config import ROOT
from engine.core.db import reading
from engine.core.errors import Refused
from tests.engine.workflow.kit import bpmn, chain, end, gateway, job, loop, start, sub, user
from tests.support.installation import Installation

PATTERNS = ROOT / "web" / "starter" / "patterns"
# A step of a role: whoever of it comes first.
ROLES = {"a": "first_review", "b": "second_review", "c": "approval", "d": "approval"}
SIGNERS = '=["wangmin", "chenhao", "zhaoling"]'
YES: dict[str, Any] = {"sign_result": "yes", "sign_opinion": "同意"}


def step(id: str, role: str = "", properties: str = "", more: str = "", assignee: str = "") -> str:
    """A user task with the form of the patterns."""
    who = f'assignee="{assignee}"' if assignee else f'candidateGroups="{role or ROLES[id[0]]}"'
    zeebe = f'<zeebe:formDefinition formId="sign"/><zeebe:assignmentDefinition {who}/>{properties}'
    return user(id, zeebe, more)


def only(verbs: str) -> str:
    """The property that allows only these operations."""
    return f'<zeebe:properties><zeebe:property name="verbs" value="{verbs}"/></zeebe:properties>'


LINE = (start(), step("a"), step("b"), step("c"), end(), chain("start", "a", "b", "c", "end"))
FORKED = (
    start(), step("a"), gateway("parallel", "fork"), step("b"), step("b2"), step("c"), gateway("parallel", "join"),
    step("d"), end(), chain("start", "a", "fork", "b", "b2", "join", "d", "end"), chain("fork", "c", "join"),
)  # fmt: skip
SIGNED = (
    start(), step("a"), step("s", more=loop(SIGNERS, output="=sign_result"), assignee="=item"), step("d"), end(),
    chain("start", "a", "s", "d", "end"),
)  # fmt: skip
INSIDE = (
    start(), step("a"), sub("box", start("i"), step("b"), step("b2"), end("o"), chain("i", "b", "b2", "o")),
    step("c"), end(), chain("start", "a", "box", "c", "end"),
)  # fmt: skip
OUTSIDE = (start(), step("a"), job("j"), step("b"), end(), chain("start", "a", "j", "b", "end"))
MODELS = {"line": LINE, "forked": FORKED, "signed": SIGNED, "inside": INSIDE}


def publish(name: str, *body: str, settings: Mapping[str, Any] | None = None, model: bytes = b"") -> str:
    """Publish an item of one model; gives its name."""
    item = f"talent/{name}"
    declared = {
        "name": f"联审测试{name}",
        "process": name,
        "channels": ["counter"],
        "stages": ["办理"],
        "start_form": "ask",
        "roles": {},
        "outcomes": {"end": "办结"},
        "numbering": f"{name.upper()}-{{yyyy}}-{{seq:6}}",
        "time_limit": {"statutory": "20 working days", "promised": "10 working days"},
        **(settings or {}),
    }
    field = {"type": "textfield", "id": "what", "key": "what", "label": "事由"}
    asked = [{"type": "group", "id": "about", "label": "申请", "components": [field]}]
    files = {
        f"processes/{item}/item.yaml": json.dumps(declared, ensure_ascii=False).encode(),
        f"processes/{item}/{name}.bpmn": model or bpmn(*body, process_id=name),
        f"forms/{item}/ask.form": json.dumps({"type": "default", "id": "ask", "components": asked}).encode(),
        f"forms/{item}/sign.form": (PATTERNS / "sign.form").read_bytes(),
    }
    dispatch(PublishItem(item, files), SYSTEM)
    return item


def begin(anju: Installation, item: str) -> int:
    """A new case of an item; gives it."""
    return int(dispatch(StartCase(item, {"what": "测试"}, "counter", anju.office()), anju.staff("liuyang")).case_id)


class Office:
    """A case of a model, and the people of the office around it."""

    def __init__(self, anju: Installation, name: str, *body: str, item: str = "", **more: Any) -> None:
        self.anju = anju
        self.case_id = begin(anju, item or publish(name, *(body or MODELS.get(name, ())), **more))

    def who(self, login: str) -> Actor:
        return self.anju.staff(login)

    def id(self, login: str) -> int:
        return self.who(login).id

    def open(self) -> list[Task]:
        """Everything that can be worked on, oldest first."""
        with reading() as session:
            query = select(Task).where(Task.case_id == self.case_id, Task.state == "open").order_by(Task.id)
            return list(session.scalars(query))

    def at(self) -> list[str]:
        """Where the open tasks stand; added ones with what they are: ``b:added_before``."""
        return sorted(
            one.element_id + ("" if one.kind == "normal" else f":{one.kind.removeprefix('added_')}")
            for one in self.open()
        )

    def task(self, element: str, login: str = "", kind: str = "normal") -> Task:
        """The open task at an element (of somebody)."""
        key = self.who(login).key if login else None
        return next(
            one for one in self.open() if one.element_id == element and one.kind == kind and key in (None, one.assignee)
        )

    def done(self, element: str) -> Task:
        """The task at an element that was done last."""
        with reading() as session:
            query = select(Task).where(Task.case_id == self.case_id, Task.element_id == element, Task.state == "done")
            return session.scalars(query.order_by(Task.done_at.desc(), Task.id.desc()).limit(1)).one()

    def do(self, element: str, login: str, **answers: Any) -> Office:
        """Hand in the form of a task."""
        found = [one for one in self.open() if one.element_id == element and one.kind == "normal"]
        mine = [one for one in found if one.assignee == self.who(login).key] or found
        dispatch(CompleteTask(mine[0].id, {**YES, **answers}, mine[0].version), self.who(login))
        return self

    def say(self, login: str, verdict: str = "agree", text: str = "情况属实") -> Office:
        """Give the opinion somebody was asked for."""
        key = self.who(login).key
        task = next(one for one in self.open() if one.assignee == key and (one.kind != "normal" or one.owner))
        dispatch(GiveOpinion(task.id, verdict, text, task.version), self.who(login))
        return self

    def act(self, login: str, command: Any) -> Any:
        return dispatch(command, self.who(login))

    def refused(self, login: str, command: Any) -> str:
        """Why something cannot be done; nothing of it stays."""
        before = self.lines()
        with pytest.raises(Refused) as error:
            dispatch(command, self.who(login))
        assert self.lines() == before
        return error.value.code

    def lines(self) -> list[tuple[str, str, str]]:
        """The record: (kind, who, title). Its chain is whole."""
        with reading() as session:
            assert verify(session, self.case_id) is None
            query = select(JournalEntry.kind, JournalEntry.actor_name, JournalEntry.title)
            rows = session.execute(query.where(JournalEntry.case_id == self.case_id).order_by(JournalEntry.seq))
            return [tuple(row) for row in rows]  # type: ignore[misc]

    def case(self) -> Case:
        return self.anju.case(self.case_id)
