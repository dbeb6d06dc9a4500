"""From a standing token to the row the outside sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .face import Wait

if TYPE_CHECKING:
    from .run import Run, Token
    from .specs.base import Node

# Caught inside a process only; nobody outside can act on them.
_INNER = frozenset({"error", "escalation"})

# How a form that stands in the model itself is referred to.
_EMBEDDED = "camunda-forms:bpmn:"


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
        attrs |= _from_model(kind, node)
    host = token.run_of.tokens.get(token.link("host") or "")
    if kind == "user" and (library := library_of(token)) is not None:
        attrs["library"] = library
    if host is not None:
        attrs["attached_to"] = host.node.info.id
    return Wait(token.id, kind, info.id, info.name, info.lane, info.process_id, called_from(token), attrs)


def _from_model(kind: str, node: Node) -> dict[str, Any]:
    """What is the same for every token on the element, so not kept in its state."""
    if kind == "adhoc":
        return {"elements": node.offered}
    extensions = node.info.extensions
    if kind not in ("user", "job"):
        return {}
    attrs: dict[str, Any] = {"properties": dict(extensions.get("properties", {}))}
    form = extensions.get("formDefinition", {})
    if kind == "user" and "bindingType" in form:
        attrs |= {"form_binding": form["bindingType"], "form_version_tag": form.get("versionTag", "")}
    if kind == "user" and (inside := str(form.get("formKey") or "")).startswith(_EMBEDDED):
        attrs["form_id"] = inside.removeprefix(_EMBEDDED)
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
    # A user task is not there yet while the listeners of its arrival are heard.
    if "arriving" in token.facts or token.facts.get("phase") == "creating":
        return False
    return wait is not None and "leaving" not in token.facts and wait["kind"] not in _INNER


def library_of(token: Token) -> str | None:
    """The key of what the call activity around a token was bound to; None where the caller's own release holds it."""
    frame = token.frame
    while frame.host is not None and not frame.is_call:
        frame = frame.host.frame
    return frame.library


def called_from(token: Token) -> tuple[str, ...]:
    """The call activities above a token, outermost first."""
    path: list[str] = []
    frame = token.frame
    while frame.host is not None:
        if frame.is_call:
            path.append(frame.host.node.info.id)
        frame = frame.host.frame
    return tuple(reversed(path))
