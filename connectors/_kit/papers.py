"""Signatures in a PDF and over a text, judged by pyHanko. What comes in may be anything.

pyHanko takes a second to import: import this where it is used.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import struct
import zlib
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from asn1crypto import cms, x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import PdfSignatureStatus, async_validate_detached_cms, validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import StandardCMSSignatureStatus
from pyhanko_certvalidator import ValidationContext

from connectors._kit.apart import apart

# Its warnings name the person of the certificate.
logging.getLogger("pyhanko.sign.validation").setLevel(logging.CRITICAL)

# What a reader of hostile bytes may raise; all of it means that there is nothing to rely on.
BROKEN = (
    PdfError,
    SigningError,
    SignatureValidationError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    OverflowError,
    NotImplementedError,
    struct.error,
    zlib.error,
)


def certificate(text: str) -> Any:
    """A certificate from the base64 of its DER. Raises ``ValueError``."""
    found = x509.Certificate.load(base64.b64decode("".join(text.split()), validate=True))
    found.subject.native  # noqa: B018 - read now, so that a wrong one fails here
    return found


def in_pdf(pdf: bytes, roots: Sequence[Any], at: datetime) -> list[PdfSignatureStatus]:
    """Every signature in the file, the first made first, judged at ``at``; none where it cannot be read."""
    try:
        found = PdfFileReader(BytesIO(pdf)).embedded_signatures
        return apart(lambda: [validate_pdf_signature(one, _context(roots, at)) for one in found])
    except BROKEN:
        return []


def detached(content: bytes, signature: bytes, roots: Sequence[Any], at: datetime) -> StandardCMSSignatureStatus | None:
    """A CMS signature (RFC 5652) over ``content``, judged at ``at``; None where it cannot be read."""
    try:
        info = cms.ContentInfo.load(signature)
        if info["content_type"].native != "signed_data":
            return None
        return apart(
            lambda: asyncio.run(
                async_validate_detached_cms(
                    BytesIO(content), info["content"], signer_validation_context=_context(roots, at)
                )
            )
        )
    except BROKEN:
        return None


def _context(roots: Sequence[Any], at: datetime) -> ValidationContext:
    return ValidationContext(trust_roots=list(roots), allow_fetching=False, moment=at)
