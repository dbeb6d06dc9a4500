"""The vocabulary: every operation a model can call by name.

An *inside* operation runs in the case's own transaction and changes our registers. An *outside* operation runs in a
worker, outside any transaction, and talks to another party or does slow work. Models name them in
``zeebe:taskDefinition type``; what they take and give is declared with marshmallow and checked on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from engine.core import secrets
from engine.core.errors import Declined, Fault, ModelFault, OutsideFault

Where = Literal["inside", "outside"]
Verdict = Literal["pass", "fail", "unknown"]


class FileAccess(Protocol):
    """What an outside operation may do with files: read one by id, keep a new one."""

    def read(self, file_id: str) -> bytes: ...

    def write(self, content: bytes, *, name: str, media_type: str) -> str: ...


class NoNews(Schema):
    """Nothing is asked, or nothing comes back."""


@dataclass(frozen=True)
class Call:
    """One call of an operation, as its function sees it.

    ``inputs`` is what the schema loaded, personal data in clear. ``idempotency_key`` is the same for every attempt of
    the same piece of work, so that a party can tell a repeat from a new request.
    """

    case_id: int
    case_number: str
    item: str
    office_id: int
    token: str
    element_id: str
    idempotency_key: str
    inputs: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1
    actor: str = ""
    files: FileAccess | None = None
    session: Any = None  # an inside operation's SQLAlchemy session
    case_variables: Mapping[str, Any] = field(default_factory=dict)  # the root scope, for inside operations


@dataclass(frozen=True)
class Evidence:
    """What another party was asked and what it said, kept encrypted with the case."""

    source: str
    subject: str
    request: bytes
    response: bytes
    at: datetime
    summary: str
    media_type: str = "application/json"


@dataclass(frozen=True)
class Answer:
    """The end of an outside operation. ``verdict`` is given by checks only; unknown is never pass nor fail."""

    variables: Mapping[str, Any]
    verdict: Verdict | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Pending:
    """The party took the request and answers later, under ``correlation``; after ``due`` it is asked again."""

    correlation: str
    due: datetime
    evidence: Evidence | None = None


@dataclass(frozen=True)
class LateAnswer:
    """What comes in: the answer to the pending request with this correlation, a no, or why it cannot be used.

    ``done`` tells who fetched it that it was taken; one that was refused is offered again: it may have overtaken us.
    """

    party: str
    correlation: str
    message_id: str
    answer: Answer | None
    declined: Declined | None = None
    fault: OutsideFault | None = None
    done: Callable[[], None] | None = None


Run = Callable[[Call], Answer | Pending | Mapping[str, Any]]
# What became of a request that may have reached the party: None where it never did.
Ask = Callable[[Call], Answer | Pending | None]


@dataclass(frozen=True)
class Operation:
    """One named operation of the vocabulary.

    ``asked_by`` is for a party that does not honour idempotency keys: before a request is repeated it is asked, under
    the same key, what became of the first. It may raise like the operation itself.
    """

    name: str
    title: str
    where: Where
    run: Run
    inputs: Schema
    outputs: Schema
    party: str = ""
    retries: int = 3
    purpose: str = ""
    asked_by: Ask | None = None

    def load_inputs(self, variables: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Take what the schema names from the variables in scope and from the task headers."""
        known = self.inputs.fields
        given = {name: variables[name] for name in known if name in variables}
        given.update({name: value for name, value in headers.items() if name in known})
        try:
            return dict(self.inputs.load(given, unknown=EXCLUDE))
        except ValidationError as error:
            raise ModelFault(
                Fault("operation_inputs", f"「{self.title}」（{self.name}）的输入不合要求：{error.messages}")
            ) from error

    def check_outputs(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """An answer outside the declared shape is a fault of the party, not data."""
        errors = self.outputs.validate(dict(variables))
        if errors:
            raise OutsideFault(f"「{self.title}」返回的内容不合约定：{errors}", code="unexpected_answer")
        return dict(variables)

    def seal(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """A copy with every output sealed that the schema declares personal, at any depth."""
        return _sealed(self.outputs, variables)


def _sealed(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    known = schema.fields
    return {name: _seal(known[name], value) if name in known else value for name, value in values.items()}


def _seal(field: fields.Field[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(field, fields.List):
        return [_seal(field.inner, one) for one in value]
    if isinstance(field, fields.Nested):
        many = [_sealed(field.schema, one) for one in value] if field.many else None
        return _sealed(field.schema, value) if many is None else many
    return secrets.seal(str(value)) if field.metadata.get("personal") else value


_operations: dict[str, Operation] = {}


def operation(
    name: str,
    *,
    title: str,
    inputs: type[Schema],
    outputs: type[Schema],
    where: Where = "outside",
    party: str = "",
    retries: int = 3,
    purpose: str = "",
    asked_by: Ask | None = None,
) -> Callable[[Run], Run]:
    """Add a function to the vocabulary under ``name``."""

    def add(run: Run) -> Run:
        if name in _operations and _operations[name].run.__module__ != run.__module__:
            raise ValueError(f"operation {name} is declared twice")
        _operations[name] = Operation(name, title, where, run, inputs(), outputs(), party, retries, purpose, asked_by)
        return run

    return add


def settle(party: str, *, retries: int, purpose: str = "") -> None:
    """Give the operations of ``party`` what its manifest says of all; one that is never repeated stays so."""
    for name, one in _operations.items():
        if one.party == party:
            kept = 0 if one.retries == 0 else retries
            _operations[name] = replace(one, retries=kept, purpose=one.purpose or purpose)


def find(name: str) -> Operation:
    """The operation of that name. Raises ``ModelFault`` with a did-you-mean."""
    if name in _operations:
        return _operations[name]
    from difflib import get_close_matches

    close = get_close_matches(name, _operations, 1)
    hint = f"是否想写 {close[0]}" if close else "用 anju vocabulary 查看可用的操作"
    raise ModelFault(Fault("unknown_operation", f"没有名为 {name} 的操作", hint=hint))


def known(name: str) -> bool:
    """Whether there is an operation of that name."""
    return name in _operations


def vocabulary() -> dict[str, Operation]:
    """All operations by name."""
    return dict(sorted(_operations.items()))
