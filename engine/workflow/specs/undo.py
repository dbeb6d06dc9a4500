"""What completed activities left to undo.

An entry is ``[node, handler or None, entries inside or None, key of the kept variables or None]``: a completed activity
has a handler, a completed scope has entries inside; a scope with both has two entries. A multi-instance has one handler
for all, and the entries of each instance. What a called process did is undone by nobody outside of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from engine.workflow.run import Frame, Run, Token

Entry = list[Any]


def scope(frame: Frame) -> list[Frame]:
    """The frames a throw in this one reaches: an event sub-process repairs what is around it."""
    frames = [frame]
    while frame.host is not None and frame.host.node.by_event:
        frame = frame.host.frame
        frames.append(frame)
    return frames


def undo(frame: Frame, entries: list[Entry], **facts: Any) -> None:
    """Start the handlers in a frame, the last one done first; a completed scope is entered again for what is inside."""
    for name, handler, nested, kept in reversed(entries):
        if handler is not None:
            frame.spawn(handler, **facts)
        else:
            token = frame.spawn(name, undo=nested, undoing=1, **facts)
            token.run_of.variables.give_back(kept, token)


def entries_of(token: Token) -> list[Entry]:
    """What a token that completes leaves to undo: its own handler, and what was done inside it."""
    entries: list[Entry] = []
    node = token.node
    if node.undo is not None:
        entries.append([node.name, node.undo, None, None])
    inside = token.facts.get("inside")
    if inside:
        entries.append([node.name, None, inside, token.run_of.variables.keep(token)])
    return [*token.facts.get("each", ()), *entries]


def remember(token: Token) -> None:
    """Keep what a completed activity left to undo: with its frame, or with the body of its multi-instance."""
    entries = entries_of(token)
    if entries and node_in_loop(token):
        body = token.run_of.tokens[cast(str, token.link("body"))]
        body.facts.setdefault("each", []).extend(entries)
    else:
        token.frame.compensations.extend(entries)


def node_in_loop(token: Token) -> bool:
    """Whether the token is an instance of a multi-instance; a scope that is undone is not."""
    return token.node.in_loop and "body" in token.facts


def undone(thrower: Token) -> None:
    """A handler has ended; the last one lets the thrower go on."""
    if not any(token.link("thrower") == thrower.id for token in thrower.run_of.tokens.values()):
        thrower.run_of.leave(thrower)


def kept(run: Run) -> Iterator[str]:
    """The keys of the variables that an undoing may still want."""
    todo = [entry for frame in run.frames.values() for entry in frame.compensations]
    for token in run.tokens.values():
        for name in ("inside", "each", "undo"):
            todo += token.facts.get(name) or ()
    while todo:
        _, _, nested, key = todo.pop()
        todo += nested or ()
        if key is not None:
            yield key
