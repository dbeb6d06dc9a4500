"""How personal values look on a screen or a public list when nobody gave a reason to see them in full."""

from __future__ import annotations

_STAR = "*"


def mask_name(name: str) -> str:
    """Keep the first and last character: ``张建国`` → ``张*国``, ``张三`` → ``张*``; a single character is hidden."""
    text = name.strip()
    if len(text) <= 2:
        return text[:1] + _STAR if len(text) == 2 else _STAR * len(text)
    return text[0] + _STAR * (len(text) - 2) + text[-1]


def mask_id(number: str) -> str:
    """Keep four characters at both ends of a resident ID, two of a shorter document, none of a very short one."""
    text = number.strip()
    kept = 4 if len(text) >= 15 else 2 if len(text) >= 8 else 0
    return _keep_ends(text, kept, kept)


def mask_phone(phone: str) -> str:
    """Keep the network's three digits and the last four: ``13812345678`` → ``138****5678``."""
    text = phone.strip()
    if len(text) >= 11:
        return _keep_ends(text, 3, 4)
    return _keep_ends(text, 0, 4 if len(text) >= 8 else 0)


def _keep_ends(text: str, head: int, tail: int) -> str:
    hidden = len(text) - head - tail
    return text[:head] + _STAR * hidden + text[len(text) - tail :]
