"""Is this file one of ours, unaltered? For the public page: the file may be anything."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import PdfSignatureStatus, SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

from connectors.seal.apart import apart
from connectors.seal.keys import SealKey
from engine.core import clock

NOT_OURS: dict[str, Any] = {"intact": False, "valid": False, "signer": "", "signed_at": None}
# What a reader of hostile bytes may raise; all of it means that this is no document of ours.
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


def verify(pdf: bytes, key: SealKey) -> dict[str, Any]:
    """``intact``: nothing changed since the seal. ``valid``: intact, and sealed with our key.

    ``signer`` is the name in the certificate, ``signed_at`` an ISO date-time with zone; both empty without a seal.
    """
    try:
        signatures = PdfFileReader(BytesIO(pdf)).embedded_signatures
        if len(signatures) != 1:
            return dict(NOT_OURS)
        now = clock.now()
        context = ValidationContext(trust_roots=[key.root], allow_fetching=False, moment=now)
        status = apart(lambda: validate_pdf_signature(signatures[0], context))
    except BROKEN:
        return dict(NOT_OURS)
    intact = _intact(status)
    signed_at = status.signer_reported_dt
    return {
        "intact": intact,
        "valid": bool(intact and status.bottom_line),
        "signer": str(status.signing_cert.subject.native.get("common_name", "")),
        "signed_at": clock.local(signed_at).isoformat() if signed_at is not None and signed_at.tzinfo else None,
    }


def _intact(status: PdfSignatureStatus) -> bool:
    return bool(
        status.intact
        and status.coverage == SignatureCoverageLevel.ENTIRE_FILE
        and status.modification_level in (None, ModificationLevel.NONE)
    )
