"""What a PDF says."""

from __future__ import annotations

import io
import re

from pypdf import PdfReader


def text_of(pdf: bytes) -> str:
    """The text of a PDF without white space, so that line breaks do not matter."""
    assert pdf.startswith(b"%PDF-"), pdf[:20]
    pages = PdfReader(io.BytesIO(pdf)).pages
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))


def altered(pdf: bytes) -> bytes:
    """The same paper with one byte of its content changed."""
    middle = pdf.index(b"stream\n") + 20
    return pdf[:middle] + bytes([pdf[middle] ^ 1]) + pdf[middle + 1 :]
