"""Variables by scope, after Camunda 8: a scope per element instance, values propagate upwards to who knows the name.

A scope's key is its token's id, the token's id + ``c`` for the process behind a call activity, ``"0"`` for the root.
The parent of a scope is read off the running tokens and not stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .expressions import Stuck
from .face import ROOT_SCOPE
from .values import Unstorable, plain

if TYPE_CHECKING:
    from .run import Token

Scopes = dict[str, dict[str, Any]]
# Ends the key of what is put aside.
KEPT = "u"


def call_scope(token_id: str) -> str:
    """The scope of the process that a call activity's token started."""
    return token_id + "c"


def asked_scope(token_id: str) -> str:
    """What a user task was completed with, while its listeners are heard."""
    return token_id + "a"


def chain(token: Token, own: bool = True) -> Iterator[str]:
    """The keys of the scopes a token sees, innermost first."""
    if own:
        yield token.id
    element = token.link("element")
    if element is not None:
        # A listener sees what its element sees, and what its task was completed with.
        yield asked_scope(element)
        yield element
        token = token.run_of.tokens[element]
    while True:
        body = token.link("body")
        if body is not None:
            yield body
        host = token.frame.host
        if host is None:
            yield ROOT_SCOPE
            return
        if token.frame.is_call:
            yield call_scope(host.id)
            return
        yield host.id
        token = host


class Variables:
    """The store. ``changed`` tells the run that conditional events must be looked at again."""

    def __init__(self, scopes: Mapping[str, Mapping[str, Any]]) -> None:
        self.scopes: Scopes = {key: dict(values) for key, values in scopes.items()}
        self.scopes.setdefault(ROOT_SCOPE, {})
        self.changed = False

    def context(self, token: Token, own: bool = True) -> dict[str, Any]:
        """All variables a token sees; inner ones hide outer ones."""
        seen: dict[str, Any] = {}
        for key in reversed(list(chain(token, own))):
            seen.update(self.scopes.get(key, {}))
        return seen

    def set_local(self, key: str, values: Mapping[str, Any]) -> None:
        """Write into one scope, whatever the outer ones hold. Raises ``Stuck`` when a value cannot be kept."""
        self.scopes.setdefault(key, {}).update(_kept(values))
        self.changed = True

    def set_item(self, key: str, name: str, index: int, value: Any) -> list[Any]:
        """Write one place of a list and give the new list. The other places, thousands perhaps, are not converted."""
        items = list(self.scopes[key][name])
        items[index] = _kept(value)
        self.scopes[key][name] = items
        self.changed = True
        return items

    def propagate(self, token: Token, values: Mapping[str, Any], own: bool = True) -> None:
        """Write each value into the innermost scope that knows its name, else into the outermost."""
        keys = list(chain(token, own))
        for name, value in values.items():
            home = next((key for key in keys if name in self.scopes.get(key, ())), keys[-1])
            self.set_local(home, {name: value})

    def move(self, token: Token, to: Token) -> None:
        """Hand a token's own variables on to the one that follows it."""
        if token.id in self.scopes:
            self.scopes[to.id] = self.scopes.pop(token.id)

    def keep(self, token: Token) -> str | None:
        """Put a completed scope's own variables aside for its compensation; their key, None when there are none."""
        own = self.scopes.pop(token.id, None)
        if not own:
            return None
        self.scopes[token.id + KEPT] = own
        return token.id + KEPT

    def give_back(self, key: str | None, token: Token) -> None:
        """The scope is entered again to be undone."""
        if key is not None:
            self.scopes[token.id] = self.scopes.pop(key, {})

    def drop(self, token: Token) -> None:
        """Forget the scopes of a token that is gone."""
        self.scopes.pop(token.id, None)
        self.scopes.pop(call_scope(token.id), None)
        self.scopes.pop(asked_scope(token.id), None)


def _kept(value: Any) -> Any:
    try:
        return plain(value)
    except Unstorable as error:
        raise Stuck("value_unstorable", error.message) from error


def assign(target: str, value: Any, into: dict[str, Any]) -> None:
    """Set ``a.b.c`` in ``into``; contexts on the way are copied, never changed in place."""
    *path, last = target.strip().split(".")
    for part in path:
        inner = into.get(part)
        into[part] = dict(inner) if isinstance(inner, dict) else {}
        into = into[part]
    into[last] = value
