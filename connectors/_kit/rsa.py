"""RSA signatures and AES-GCM, with keys as parties hand them out: PEM, certificates, or bare base64."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Scheme = Literal["pkcs1", "pss"]
SMALLEST_BITS = 2048


def private_key(text: str) -> rsa.RSAPrivateKey:
    """A PEM, or the base64 of PKCS#8 or PKCS#1 without its lines. Raises ``ValueError``."""
    if "-----BEGIN" in text:
        found = serialization.load_pem_private_key(text.encode(), None)
    else:
        found = serialization.load_der_private_key(_bytes(text), None)
    if not isinstance(found, rsa.RSAPrivateKey) or found.key_size < SMALLEST_BITS:
        raise ValueError("not an RSA private key of at least 2048 bits")
    return found


def public_key(text: str) -> rsa.RSAPublicKey:
    """A PEM, a certificate's PEM, or bare base64. Raises ``ValueError``."""
    found: object
    if "-----BEGIN CERTIFICATE" in text:
        found = x509.load_pem_x509_certificate(text.encode()).public_key()
    elif "-----BEGIN" in text:
        found = serialization.load_pem_public_key(text.encode())
    else:
        found = serialization.load_der_public_key(_bytes(text))
    if not isinstance(found, rsa.RSAPublicKey) or found.key_size < SMALLEST_BITS:
        raise ValueError("not an RSA public key of at least 2048 bits")
    return found


def sign(key: rsa.RSAPrivateKey, message: bytes, scheme: Scheme = "pkcs1") -> bytes:
    """SHA-256 with RSA."""
    return key.sign(message, _padding(scheme), hashes.SHA256())


def verify(key: rsa.RSAPublicKey, message: bytes, signature: bytes, scheme: Scheme = "pkcs1") -> bool:
    """Whether the signature holds."""
    try:
        key.verify(signature, message, _padding(scheme), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def aes_gcm_open(key: bytes, nonce: bytes, sealed: bytes, bound: bytes = b"") -> bytes:
    """The plain text of cipher text with its tag behind it. Raises ``ValueError``."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, bound)
    except InvalidTag:
        raise ValueError("the tag does not hold") from None


def aes_gcm_seal(key: bytes, nonce: bytes, plain: bytes, bound: bytes = b"") -> bytes:
    """The cipher text with its tag behind it; a nonce must never come twice under one key."""
    return AESGCM(key).encrypt(nonce, plain, bound)


def _padding(scheme: Scheme) -> padding.AsymmetricPadding:
    if scheme == "pkcs1":
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def _bytes(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
