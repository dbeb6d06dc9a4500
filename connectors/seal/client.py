"""PAdES signatures (ETSI EN 319 142, level B-B) by pyHanko with the key at hand."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from connectors._kit import settings
from connectors._kit.apart import apart
from connectors.seal import keys
from connectors.seal.stamp import SIZE_POINTS, stamp_file
from engine.core import clock
from engine.core.errors import Declined

FIELD = "OfficeSeal"
# From the right and the lower edge of the last page, in points.
MARGIN = 62.0


class _SignerByOurClock(PdfSigner):
    """Signs with the system's one clock, so that a moved demo clock and the document agree."""

    def init_signing_session(self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = clock.local(clock.now())
        return session


def office_key(office: str = "") -> keys.SealKey:
    """The key of this installation, made at first use."""
    party = settings.of("seal")
    return keys.load(Path(party.text("ANJU_SEAL_DIR")), office or party.text("ANJU_SEAL_OFFICE"))


def sign(pdf: bytes, reason: str) -> bytes:
    """The document with our seal on its last page; nothing in it may change afterwards.

    Raises ``Declined`` (``seal_not_pdf``, ``seal_already_signed``).
    """
    party = settings.of("seal")
    office = party.text("ANJU_SEAL_OFFICE")
    key = office_key(office)
    width = _last_page_width(pdf)
    right = width - MARGIN
    field = SigFieldSpec(
        FIELD, on_page=-1, box=(round(right - SIZE_POINTS), round(MARGIN), round(right), round(MARGIN + SIZE_POINTS))
    )
    meta = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        reason=reason,
        name=office,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    registry = SimpleCertificateStore()
    registry.register(key.root)
    signer = SimpleSigner(signing_cert=key.certificate, signing_key=key.private, cert_registry=registry)
    style = StaticStampStyle.from_pdf_file(str(stamp_file(Path(party.text("ANJU_SEAL_DIR")), office)), border_width=0)
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    pdf_signer = _SignerByOurClock(meta, signer, stamp_style=style, new_field_spec=field)
    signed = apart(lambda: pdf_signer.sign_pdf(writer))
    return bytes(signed.getvalue())


def _last_page_width(pdf: bytes) -> float:
    try:
        reader = PdfFileReader(BytesIO(pdf))
        pages = int(reader.root["/Pages"]["/Count"])
        signed = bool(reader.embedded_signatures)
        page = reader.find_page_for_modification(pages - 1)[0].get_object()
        box = page.get("/MediaBox") or page["/Parent"].get("/MediaBox", [0, 0, 595, 842])
    except (PdfError, KeyError, ValueError) as error:
        raise Declined("要盖章的文件不是可用的 PDF，请重新生成文书", code="seal_not_pdf") from error
    if signed:
        raise Declined("文书已盖过章，不能再次盖章", code="seal_already_signed")
    return float(box[2]) - float(box[0])
