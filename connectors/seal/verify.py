"""Is this file one of ours, unaltered? For the public page: the file may be anything."""

from __future__ import annotations

from typing import Any

from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import PdfSignatureStatus, SignatureCoverageLevel

from connectors._kit import papers
from connectors.seal.keys import SealKey
from engine.core import clock

NOT_OURS: dict[str, Any] = {"intact": False, "valid": False, "signer": "", "signed_at": None}


def verify(pdf: bytes, key: SealKey) -> dict[str, Any]:
    """``intact``: nothing changed since the seal. ``valid``: intact, and sealed with our key.

    ``signer`` is the name in the certificate, ``signed_at`` an ISO date-time with zone; both empty without a seal.
    """
    found = papers.in_pdf(pdf, [key.root], clock.now())
    if len(found) != 1:
        return dict(NOT_OURS)
    status = found[0]
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
