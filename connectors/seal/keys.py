"""The demo key: made at first use, kept in ``ANJU_SEAL_DIR``. A real seal lives with a licensed service."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.keys import load_cert_from_pemder, load_private_key_from_pemder

FOLDER = "demo-key"
# Fixed dates: a demo clock that was moved must not end the certificate.
VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
VALID_FOR = timedelta(days=365 * 40)


@dataclass(frozen=True)
class SealKey:
    """The office's key, its certificate and the root that vouches for it, as asn1crypto objects (it has no types)."""

    private: Any = field(repr=False)
    certificate: Any
    root: Any


def load(folder: Path, office: str) -> SealKey:
    """The key in ``folder``, made there first where there is none. Two processes end up with the same key."""
    home = folder / FOLDER
    if not home.exists():
        _make(folder, office)
    return SealKey(
        load_private_key_from_pemder(home / "key.pem", None),
        load_cert_from_pemder(home / "certificate.pem"),
        load_cert_from_pemder(home / "root.pem"),
    )


def _make(folder: Path, office: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder, prefix=".making-"))
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name("安居演示根证书"), _name(f"{office}（演示专用）")
    root = _certificate(root_name, root_key.public_key(), root_name, root_key, ca=True)
    own = _certificate(name, key.public_key(), root_name, root_key, ca=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for file, content in (("key.pem", private), ("certificate.pem", _pem(own)), ("root.pem", _pem(root))):
        (draft / file).touch(mode=0o600)
        (draft / file).write_bytes(content)
    try:
        os.rename(draft, folder / FOLDER)
    except OSError:
        # Another process was first; its key is the one.
        shutil.rmtree(draft)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_FROM + VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
