"""From a standing token to the row the outside sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .face import Wait

if TYPE_CHECKING:
    from .run import Run, Token

# Caught inside a process only; nobody outside can act on them.
_INNER = frozenset({"error", "escalation"})


def wait_of(token: Token) -> Wait:
    """The row of a token that stands still."""
    node, facts = token.node, token.facts
    info = node.info
    incident = facts.get("incident")
    if incident is not None:
        kind, attrs = "incident", dict(incident)
    else:
        attrs = {key: value for key, value in facts["wait"].items() if key != "kind"}
        kind = facts["wait"]["kind"]
        attrs |= _from_model(kind, info.extensions)
    host = token.run_of.tokens.get(token.link("host") or "")
    if host is not None:
        attrs["attached_to"] = host.node.info.id
    return Wait(token.id, kind, info.id, info.name, info.lane, info.process_id, called_from(token), attrs)


def _from_model(kind: str, extensions: dict[str, Any]) -> dict[str, Any]:
    """What is the same for every token on the element, so not kept in its state."""
    if kind not in ("user", "job"):
        return {}
    attrs = {"properties": dict(extensions.get("properties", {}))}
    if kind == "job":
        attrs["headers"] = dict(extensions.get("taskHeaders", {}))
    return attrs


def waits(run: Run) -> list[Wait]:
    """All rows, in the order the tokens came."""
    return [wait_of(token) for frame in run.frames.values() for token in frame.tokens if is_shown(token)]


def is_shown(token: Token) -> bool:
    """Whether the token stands still for the outside to see."""
    if "incident" in token.facts:
        return True
    wait = token.facts.get("wait")
    return wait is not None and "leaving" not in token.facts and wait["kind"] not in _INNER


def called_from(token: Token) -> tuple[str, ...]:
    """The call activities above a token, outermost first."""
    path: list[str] = []
    frame = token.frame
    while frame.host is not None:
        if frame.is_call:
            path.append(frame.host.node.info.id)
        frame = frame.host.frame
    return tuple(reversed(path))
