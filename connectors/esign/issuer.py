"""The simulated platform's certificates and what is made with them: signatures in a PDF, a detached CMS over a digest.

Nothing of our client's codec is used here.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from PIL import Image, ImageDraw, ImageFont
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

# A demo's clock that was moved must not end a certificate.
FROM, UNTIL, LONG_OVER = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2060, 2021))
FONTS = Path("/usr/share/fonts")
BOX = (130, 46)
# What reading something that is no PDF raises.
UNREADABLE = (PdfError, ValueError, LookupError, TypeError, AttributeError)


def account_of(id_number: str) -> str:
    """How a certificate names a person without showing the ID number."""
    return hashlib.sha256(id_number.encode()).hexdigest()[:16].upper()


@cache
def _root() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    kept = yaml.safe_load(Path(__file__).with_name("simulator_keys.yaml").read_text("utf-8"))
    der = {name: base64.b64decode("".join(text.split())) for name, text in kept.items()}
    key = serialization.load_der_private_key(der["root_key"], None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return x509.load_der_x509_certificate(der["root_certificate"]), key


@cache
def signer(name: str, account: str, *, expired: bool = False) -> SimpleSigner:
    """Key and certificate of a person or an office, issued at first use."""
    root, root_key = _root()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, account),
        ]
    )
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FROM)
        .not_valid_after(LONG_OVER if expired else UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    store = SimpleCertificateStore()
    store.register(_plain(root))
    return SimpleSigner(
        signing_cert=_plain(certificate), signing_key=asn1_keys.PrivateKeyInfo.load(private), cert_registry=store
    )


def _plain(certificate: x509.Certificate) -> Any:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def serial(one: SimpleSigner) -> str:
    """The certificate's number as people read it: hex, in capitals."""
    return f"{_certificate(one).serial_number:X}"


def _certificate(one: SimpleSigner) -> Any:
    return one.signing_cert


def sign_pdf(pdf: bytes, one: SimpleSigner, field: str, place: tuple[int, float, float], reason: str) -> bytes:
    """The document with one signature more. ``place``: page (-1: the last), x, y in points."""
    page, x, y = place
    box = (round(x), round(y), round(x) + BOX[0], round(y) + BOX[1])
    name = str(_certificate(one).subject.native["common_name"])
    meta = PdfSignatureMetadata(
        field_name=field, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, reason=reason, name=name
    )
    stamp = StaticStampStyle(background=PdfImage(_drawn(name, serial(one))), background_opacity=1, border_width=0)
    spec = SigFieldSpec(field, on_page=page - 1 if page > 0 else -1, box=box)
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    return bytes(PdfSigner(meta, one, stamp_style=stamp, new_field_spec=spec).sign_pdf(writer).getvalue())


@cache
def page(title: str) -> bytes:
    """A page of the platform's own, A4 at 72 dots an inch."""
    image, kept = Image.new("RGB", (595, 842), "white"), BytesIO()
    draw = ImageDraw.Draw(image)
    draw.text((60, 80), title, fill="#111", font=_font(22))
    draw.text((60, 130), "演示文本，不作凭证", fill="#555", font=_font(14))
    image.save(kept, "PDF", resolution=72)
    # Pillow writes a generation that the format does not know.
    return kept.getvalue().replace(b"0000000000 65536 f", b"0000000000 65535 f")


def pages(pdf: bytes) -> int:
    """How many there are. Raises one of ``UNREADABLE``."""
    return int(PdfFileReader(BytesIO(pdf)).root["/Pages"]["/Count"])


def _drawn(name: str, number: str) -> Image.Image:
    """Name, number of the certificate and a frame, as a picture."""
    image = Image.new("RGB", (BOX[0] * 3, BOX[1] * 3), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((2, 2, image.width - 3, image.height - 3), outline="#1b5bb0", width=3)
    draw.text((14, 12), name, fill="#111", font=_font(46))
    draw.text((14, 84), f"CA {number[:20]}", fill="#555", font=_font(24))
    return image


@cache
def _font(size: int) -> Any:
    found = sorted(FONTS.rglob("Noto*CJK*Regular.tt[cf]")) or sorted(FONTS.rglob("Noto*CJK*.tt[cf]"))
    return ImageFont.truetype(str(found[0]), size, index=2) if found else ImageFont.load_default(size)


def sign_digest(digest: bytes, one: SimpleSigner, at: datetime) -> bytes:
    """A detached CMS signature (RFC 5652) over a SHA-256 that was computed elsewhere, with the time in it."""
    attributes = PdfCMSSignedAttributes(signing_time=at)
    made = asyncio.run(one.async_sign(digest, "sha256", signed_attr_settings=attributes, is_pdf_sig=False))
    return bytes(made.dump())
