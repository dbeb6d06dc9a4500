"""Parsed releases by content hash, the least recently used forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Protocol

from .definitions import Definitions
from .parser import parse

_KEPT = 64

_cache: OrderedDict[str, Definitions] = OrderedDict()
_lock = Lock()


def definitions_of(content_hash: str, loader: Callable[[], Mapping[str, bytes]]) -> Definitions:
    """The parsed models of a content hash; ``loader`` (file name → bytes) is asked only when they are not at hand.

    Raises ``ModelFault`` like ``parse``; a failure is not kept.
    """
    with _lock:
        known = _cache.get(content_hash)
        if known is not None:
            _cache.move_to_end(content_hash)
            return known
    # Parsed outside the lock: two threads may do it twice, which is harmless, none waits for another's model.
    # Whether it is good enough for an item was looked at when it was published; a plain deployment need not be.
    parsed = parse(loader(), strict=False)
    with _lock:
        _cache[content_hash] = parsed
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)
    return parsed


class Holder(Protocol):
    """What holds models, by content hash: a release."""

    @property
    def hash(self) -> str: ...

    def of_kind(self, suffix: str) -> Mapping[str, bytes]: ...


def definitions_held(release: Holder) -> Definitions:
    """The parsed models of a release. Raises ``ModelFault`` like ``parse``."""
    return definitions_of(release.hash, lambda: release.of_kind(".bpmn"))
