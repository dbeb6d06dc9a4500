"""Classes of characters for ``\\p{…}``: Unicode categories, and blocks by name. For use between square brackets."""

from __future__ import annotations

import sys
import unicodedata
from functools import lru_cache

_BLOCKS = {
    "BasicLatin": (0x0, 0x7F),
    "Latin-1Supplement": (0x80, 0xFF),
    "LatinExtended-A": (0x100, 0x17F),
    "LatinExtended-B": (0x180, 0x24F),
    "IPAExtensions": (0x250, 0x2AF),
    "CombiningDiacriticalMarks": (0x300, 0x36F),
    "Greek": (0x370, 0x3FF),
    "GreekandCoptic": (0x370, 0x3FF),
    "Cyrillic": (0x400, 0x4FF),
    "Hebrew": (0x590, 0x5FF),
    "Arabic": (0x600, 0x6FF),
    "Devanagari": (0x900, 0x97F),
    "Thai": (0xE00, 0xE7F),
    "HangulJamo": (0x1100, 0x11FF),
    "GeneralPunctuation": (0x2000, 0x206F),
    "CurrencySymbols": (0x20A0, 0x20CF),
    "MathematicalOperators": (0x2200, 0x22FF),
    "BoxDrawing": (0x2500, 0x257F),
    "CJKSymbolsandPunctuation": (0x3000, 0x303F),
    "Hiragana": (0x3040, 0x309F),
    "Katakana": (0x30A0, 0x30FF),
    "Bopomofo": (0x3100, 0x312F),
    "CJKUnifiedIdeographsExtensionA": (0x3400, 0x4DBF),
    "CJKUnifiedIdeographs": (0x4E00, 0x9FFF),
    "HangulSyllables": (0xAC00, 0xD7A3),
    "CJKCompatibilityIdeographs": (0xF900, 0xFAFF),
    "HalfwidthandFullwidthForms": (0xFF00, 0xFFEF),
    "CJKUnifiedIdeographsExtensionB": (0x20000, 0x2A6DF),
    "Han": (0x3400, 0x9FFF),
}


def letters(name: str) -> str | None:
    """``L``, ``Lu``, ``IsBasicLatin``…: the ranges of the class; None for an unknown one."""
    if name.startswith("Is"):
        block = _BLOCKS.get(name[2:])
        return _range(*block) if block is not None else None
    return _category(name)


@lru_cache(maxsize=64)
def _category(name: str) -> str | None:
    runs: list[tuple[int, int]] = []
    for number, category in enumerate(_categories()):
        if category == name or category[0] == name:
            if runs and runs[-1][1] == number - 1:
                runs[-1] = (runs[-1][0], number)
            else:
                runs.append((number, number))
    return "".join(_range(low, high) for low, high in runs) or None


@lru_cache(maxsize=1)
def _categories() -> list[str]:
    return [unicodedata.category(chr(number)) for number in range(sys.maxunicode + 1)]


def _range(low: int, high: int) -> str:
    return f"\\U{low:08x}-\\U{high:08x}"
