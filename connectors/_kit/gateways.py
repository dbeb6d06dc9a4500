"""What typical gateways want signed: sorted parameters, WeChat Pay v3 and Alipay RSA2; keys come from outside."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from connectors._kit import rsa, sm
from connectors._kit.signatures import wire_time

WINDOW_SECONDS = 300
WECHAT = "WECHATPAY2-SHA256-RSA2048"


def canonical(parameters: Mapping[str, Any], *, without: tuple[str, ...] = ("sign",), empty: bool = False) -> str:
    """``a=1&b=2``: sorted by the bytes of the names, values as they are, without ``without`` and empty values."""
    pairs = sorted(
        (name.encode(), name, value)
        for name, value in ((name, "" if value is None else str(value)) for name, value in parameters.items())
        if name not in without and (empty or value)
    )
    return "&".join(f"{name}={value}" for _, name, value in pairs)


def nonce() -> str:
    """32 characters, new each time."""
    return secrets.token_hex(16)


def government(
    parameters: Mapping[str, Any], app_id: str, sign: Callable[[bytes], bytes], *, at: int | None = None, once: str = ""
) -> dict[str, str]:
    """The headers of a government gateway: application, seconds, nonce, and a base64 signature over all of it.

    Signed: the canonical parameters with ``appId``, ``nonce`` and ``timestamp`` among them. ``sign`` is one of
    ``by_hmac_sha256``, ``by_hmac_sm3``, ``by_sm2``, ``by_rsa`` with its key.
    """
    stamp, once = str(wire_time() if at is None else at), once or nonce()
    text = canonical({**parameters, "appId": app_id, "nonce": once, "timestamp": stamp})
    return {
        "X-App-Id": app_id,
        "X-Timestamp": stamp,
        "X-Nonce": once,
        "X-Signature": b64encode(sign(text.encode())).decode(),
    }


def by_hmac_sha256(key: bytes) -> Callable[[bytes], bytes]:
    """Signs with a shared key."""
    return lambda message: hmac.new(key, message, hashlib.sha256).digest()


def by_hmac_sm3(key: bytes) -> Callable[[bytes], bytes]:
    """Signs with a shared key and SM3."""
    return lambda message: sm.hmac_sm3(key, message)


def by_sm2(key: sm.Private, user_id: bytes = sm.DEFAULT_USER_ID) -> Callable[[bytes], bytes]:
    """Signs with SM2, DER."""
    return lambda message: sm.sign(key, message, user_id=user_id)


def by_rsa(key: RSAPrivateKey, scheme: rsa.Scheme = "pkcs1") -> Callable[[bytes], bytes]:
    """Signs with SHA-256 and RSA."""
    return lambda message: rsa.sign(key, message, scheme)


# --- WeChat Pay v3 -----------------------------------------------------------------------------------------------


def wechat_authorization(
    key: RSAPrivateKey,
    merchant: str,
    serial: str,
    verb: str,
    url: str,
    body: bytes,
    *,
    at: int | None = None,
    once: str = "",
) -> str:
    """The ``Authorization`` header of a request."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    stamp, once = str(wire_time() if at is None else at), once or nonce()
    message = b"".join(
        part + b"\n" for part in (verb.upper().encode(), target.encode(), stamp.encode(), once.encode(), body)
    )
    signature = b64encode(rsa.sign(key, message)).decode()
    fields = {"mchid": merchant, "nonce_str": once, "signature": signature, "timestamp": stamp, "serial_no": serial}
    return f"{WECHAT} " + ",".join(f'{name}="{value}"' for name, value in fields.items())


def wechat_holds(keys: Mapping[str, RSAPublicKey], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an answer or a notice was signed by one of the platform's ``keys`` (by serial) a short while ago."""
    found = {name.lower(): value for name, value in headers.items()}
    stamp, once = found.get("wechatpay-timestamp", ""), found.get("wechatpay-nonce", "")
    key = keys.get(found.get("wechatpay-serial", ""))
    if key is None or not _fresh(stamp):
        return False
    message = stamp.encode() + b"\n" + once.encode() + b"\n" + body + b"\n"
    return rsa.verify(key, message, _base64(found.get("wechatpay-signature", "")))


def wechat_resource(api_key: bytes, resource: Mapping[str, Any]) -> bytes:
    """The plain text of a notice's ``resource`` (AEAD_AES_256_GCM). Raises ``ValueError``."""
    if resource.get("algorithm") != "AEAD_AES_256_GCM" or len(api_key) != 32:
        raise ValueError("not the agreed algorithm")
    bound = str(resource.get("associated_data") or "").encode()
    return rsa.aes_gcm_open(api_key, str(resource["nonce"]).encode(), _base64(str(resource["ciphertext"])), bound)


# --- Alipay RSA2 --------------------------------------------------------------------------------------------------


def alipay_signed(key: RSAPrivateKey, parameters: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a request with ``sign_type`` and ``sign``."""
    given = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
    given["sign_type"] = "RSA2"
    return {**given, "sign": b64encode(rsa.sign(key, canonical(given).encode())).decode()}


def alipay_holds(key: RSAPublicKey, notice: Mapping[str, str]) -> bool:
    """Whether a notice (form fields, already decoded) was signed by the platform. ``sign_type`` is not signed here."""
    text = canonical(notice, without=("sign", "sign_type"))
    return notice.get("sign_type") == "RSA2" and rsa.verify(key, text.encode(), _base64(notice.get("sign", "")))


def alipay_answer_holds(key: RSAPublicKey, body: bytes, name: str, signature: str) -> bool:
    """Whether ``signature`` holds over the object ``name`` of an answer, byte for byte as it was sent."""
    text = _object_text(body, name)
    return text is not None and rsa.verify(key, text, _base64(signature))


def _object_text(body: bytes, name: str) -> bytes | None:
    """The bytes of ``"name":{…}``: to write it anew might change them."""
    mark = f'"{name}":'.encode()
    begin = body.find(mark)
    begin = body.find(b"{", begin + len(mark)) if begin >= 0 else -1
    depth, quoted, at = 0, False, begin
    while 0 <= at < len(body):
        char = body[at : at + 1]
        if quoted:
            at += char == b"\\"
            quoted = char != b'"'
        elif char == b'"':
            quoted = True
        elif char in b"{}":
            depth += 1 if char == b"{" else -1
            if not depth:
                return body[begin : at + 1]
        at += 1
    return None


def _fresh(stamp: str) -> bool:
    return stamp.isascii() and stamp.isdigit() and abs(wire_time() - int(stamp)) <= WINDOW_SECONDS


def _base64(text: str) -> bytes:
    """The bytes, or none where it is no base64: a signature of nothing never holds."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
