"""SM2, SM3 and SM4 (GB/T 32918, 32905, 32907). gmssl multiplies points and signs; all around it is checked here.

gmssl strips zeros and fours off a public key, takes its random numbers from ``random``, does not check the hash when
it decrypts, nor that a point lies on the curve, nor that r and s are in range. So keys are set past its constructor,
``k`` comes from ``secrets``, and encryption is written here. It is pure Python and not constant in time: keys whose
signing time an attacker can measure belong in a signature machine.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from asn1crypto.core import Integer, OctetString, Sequence
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from gmssl.sm2 import CryptSM2, default_ecc_table

P, N, A, B = (int(default_ecc_table[name], 16) for name in "pnab")
G = default_ecc_table["g"]
DEFAULT_USER_ID = b"1234567812345678"
TAG_BYTES, IV_BYTES = 16, 12

Form = Literal["der", "raw"]
Order = Literal["C1C3C2", "C1C2C3"]


class BadCipher(ValueError):
    """What was to be opened is cut off, altered or meant for another key."""


@dataclass(frozen=True)
class Public:
    """A point of the curve. Raises ``ValueError`` where it is none."""

    x: int
    y: int

    def __post_init__(self) -> None:
        if not (0 <= self.x < P and 0 <= self.y < P) or (self.y**2 - self.x**3 - A * self.x - B) % P:
            raise ValueError("the SM2 public key is no point of the curve")

    @property
    def hex(self) -> str:
        """128 hex digits, without the 04 in front."""
        return f"{self.x:064x}{self.y:064x}"


@dataclass(frozen=True)
class Private:
    """A private key; its number never shows in a repr."""

    number: int = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.number < N - 1:
            raise ValueError("the SM2 private key is out of range")

    @property
    def public(self) -> Public:
        """The key that belongs to it."""
        return public_from_hex(_times(self.number, G))


def generate() -> Private:
    """A new key."""
    return Private(1 + secrets.randbelow(N - 2))


def private_from_hex(text: str) -> Private:
    """64 hex digits. Raises ``ValueError``."""
    if len(text) != 64:
        raise ValueError("an SM2 private key has 64 hex digits")
    return Private(int(text, 16))


def public_from_hex(text: str) -> Public:
    """128 hex digits, or 130 with 04 in front. Raises ``ValueError``."""
    if len(text) == 130 and text.startswith("04"):
        text = text[2:]
    if len(text) != 128:
        raise ValueError("an SM2 public key has 128 hex digits")
    return Public(int(text[:64], 16), int(text[64:], 16))


# --- signatures -------------------------------------------------------------------------------------------------


def sign(private: Private, message: bytes, *, user_id: bytes = DEFAULT_USER_ID, form: Form = "der") -> bytes:
    """SM3withSM2 over ``message``: DER, or r and s as 64 raw bytes."""
    digest = _digest(private.public, message, user_id)
    r = s = 0
    while not (r and s):
        r, s = _signed(private, digest, 1 + secrets.randbelow(N - 1))
    return encode_dss_signature(r, s) if form == "der" else r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verify(
    public: Public, message: bytes, signature: bytes, *, user_id: bytes = DEFAULT_USER_ID, form: Form = "der"
) -> bool:
    """Whether the signature holds; whatever is malformed does not."""
    if form == "raw":
        if len(signature) != 64:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    else:
        try:
            r, s = decode_dss_signature(signature)
        except ValueError:
            return False
    if not (1 <= r < N and 1 <= s < N) or (r + s) % N == 0:
        return False
    try:
        return bool(_machine("", public.hex).verify(f"{r:064x}{s:064x}", _digest(public, message, user_id)))
    except TypeError:
        # gmssl adds a point to its opposite and has no word for infinity.
        return False


def _signed(private: Private, digest: bytes, k: int) -> tuple[int, int]:
    """r and s, or zeros where this ``k`` must not be used."""
    made = _machine(f"{private.number:064x}", "").sign(digest, f"{k:064x}")
    return (int(made[:64], 16), int(made[64:], 16)) if made else (0, 0)


def _digest(public: Public, message: bytes, user_id: bytes) -> bytes:
    head = (len(user_id) * 8).to_bytes(2, "big") + user_id
    z = sm3(head + bytes.fromhex(f"{A:064x}{B:064x}{G}{public.hex}"))
    return sm3(z + message)


# --- encryption --------------------------------------------------------------------------------------------------


class _Cipher(Sequence):
    """The DER form (GM/T 0009): x, y, hash, cipher text."""

    _fields = [("x", Integer), ("y", Integer), ("hash", OctetString), ("text", OctetString)]


def encrypt(public: Public, plain: bytes, *, order: Order = "C1C3C2", form: Form = "raw") -> bytes:
    """Encrypt for ``public``. Raw: 04, the point, then hash and text in ``order``; DER knows but one order."""
    if not plain:
        raise ValueError("SM2 encrypts nothing out of nothing")
    while True:
        sealed = _encrypted(public, plain, 1 + secrets.randbelow(N - 1))
        if sealed is not None:
            return _packed(*sealed, order, form)


def decrypt(private: Private, sealed: bytes, *, order: Order = "C1C3C2", form: Form = "raw") -> bytes:
    """Raises ``BadCipher``."""
    point, digest, text = _unpacked(sealed, order, form)
    shared = _times(private.number, point.hex)
    plain = _xor(text, _stretched(bytes.fromhex(shared), len(text)))
    x, y = bytes.fromhex(shared[:64]), bytes.fromhex(shared[64:])
    if not hmac.compare_digest(sm3(x + plain + y), digest):
        raise BadCipher("the hash does not hold")
    return plain


def _encrypted(public: Public, plain: bytes, k: int) -> tuple[Public, bytes, bytes] | None:
    """Point, hash and text; None where this ``k`` would encrypt with zeros."""
    shared = bytes.fromhex(_times(k, public.hex))
    mask = _stretched(shared, len(plain))
    if not any(mask):
        return None
    return public_from_hex(_times(k, G)), sm3(shared[:32] + plain + shared[32:]), _xor(plain, mask)


def _packed(point: Public, digest: bytes, text: bytes, order: Order, form: Form) -> bytes:
    if form == "der":
        return bytes(_Cipher({"x": point.x, "y": point.y, "hash": digest, "text": text}).dump())
    return b"\x04" + bytes.fromhex(point.hex) + (digest + text if order == "C1C3C2" else text + digest)


def _unpacked(sealed: bytes, order: Order, form: Form) -> tuple[Public, bytes, bytes]:
    try:
        if form == "der":
            found: Any = _Cipher.load(sealed, strict=True).native
            point, digest, text = Public(found["x"], found["y"]), found["hash"], found["text"]
        else:
            point, rest = public_from_hex(sealed[:65].hex()), sealed[65:]
            digest, text = (rest[:32], rest[32:]) if order == "C1C3C2" else (rest[-32:], rest[:-32])
    except (ValueError, TypeError) as error:
        raise BadCipher("not the agreed form") from error
    if len(digest) != 32 or not text:
        raise BadCipher("cut off")
    return point, digest, text


def _stretched(shared: bytes, size: int) -> bytes:
    blocks = (sm3(shared + number.to_bytes(4, "big")) for number in range(1, size // 32 + 2))
    return b"".join(blocks)[:size]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))


def _machine(private: str, public: str) -> Any:
    made = CryptSM2(private, "")
    made.public_key = public
    return made


def _times(number: int, point: str) -> str:
    return str(_machine("", "")._kg(number, point))


# --- SM3 and SM4 --------------------------------------------------------------------------------------------------


def sm3(content: bytes) -> bytes:
    """32 bytes."""
    made = hashes.Hash(hashes.SM3())
    made.update(content)
    return made.finalize()


def sm4_gcm_seal(key: bytes, plain: bytes, bound: bytes = b"", iv: bytes | None = None) -> tuple[bytes, bytes]:
    """``(iv, cipher text with tag)``; ``bound`` is authenticated with it. A given ``iv`` must never come twice."""
    iv = iv or secrets.token_bytes(IV_BYTES)
    machine = Cipher(algorithms.SM4(key), modes.GCM(iv)).encryptor()
    machine.authenticate_additional_data(bound)
    return iv, machine.update(plain) + machine.finalize() + machine.tag


def sm4_gcm_open(key: bytes, iv: bytes, sealed: bytes, bound: bytes = b"") -> bytes:
    """Raises ``BadCipher``."""
    if len(sealed) < TAG_BYTES or not 8 <= len(iv) <= 128:
        raise BadCipher("cut off")
    machine = Cipher(algorithms.SM4(key), modes.GCM(iv, sealed[-TAG_BYTES:])).decryptor()
    machine.authenticate_additional_data(bound)
    try:
        return machine.update(sealed[:-TAG_BYTES]) + machine.finalize()
    except InvalidTag:
        raise BadCipher("the tag does not hold") from None


def sm4_cbc_seal(key: bytes, mac_key: bytes, plain: bytes, bound: bytes = b"") -> tuple[bytes, bytes]:
    """``(iv, cipher text with HMAC-SM3)``, for parties without GCM. The two keys must differ."""
    iv = secrets.token_bytes(16)
    padder = padding.PKCS7(128).padder()
    machine = Cipher(algorithms.SM4(key), modes.CBC(iv)).encryptor()
    text = machine.update(padder.update(plain) + padder.finalize()) + machine.finalize()
    return iv, text + _mac(mac_key, bound, iv, text)


def sm4_cbc_open(key: bytes, mac_key: bytes, iv: bytes, sealed: bytes, bound: bytes = b"") -> bytes:
    """Raises ``BadCipher``; the MAC is looked at before a byte is decrypted."""
    text, mac = sealed[:-32], sealed[-32:]
    if len(iv) != 16 or len(mac) != 32 or not hmac.compare_digest(_mac(mac_key, bound, iv, text), mac):
        raise BadCipher("the MAC does not hold")
    machine = Cipher(algorithms.SM4(key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    try:
        plain = machine.update(text) + machine.finalize()
        return unpadder.update(plain) + unpadder.finalize()
    except ValueError as error:
        raise BadCipher("not padded as agreed") from error


def hmac_sm3(key: bytes, content: bytes) -> bytes:
    """32 bytes (RFC 2104 with SM3)."""
    key = (sm3(key) if len(key) > 64 else key).ljust(64, b"\0")
    inner = sm3(bytes(byte ^ 0x36 for byte in key) + content)
    return sm3(bytes(byte ^ 0x5C for byte in key) + inner)


def _mac(key: bytes, bound: bytes, iv: bytes, text: bytes) -> bytes:
    return hmac_sm3(key, len(bound).to_bytes(8, "big") + bound + iv + text)
