"""Personal data at rest: sealed text with a key id, keyed hashes for exact look-up.

A sealed value is ``enc:v1:<key id>:<base64 of nonce and AES-256-GCM ciphertext>;``. It may stand wherever a string
stands (a column, a process variable, a draft), also inside a longer one that FEEL put together. The hash is
HMAC-SHA-256 under a key of its own, so that equal numbers can be found without being read.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import secrets as random
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.core.errors import AnjuError

PREFIX = "enc:v1:"
_TOKEN = re.compile(r"enc:v1:([\w.-]+):([A-Za-z0-9+/=]+);")
_NONCE = 12


class KeyMissing(AnjuError):
    """A sealed value names a key that this installation does not have, or was damaged."""

    code = "key_missing"


class Keys:
    """The key ring: the first key seals, every key unseals, ``hash`` makes look-up hashes."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if "hash" not in keys or len(keys) < 2 or any(len(key) != 32 for key in keys.values()):
            raise KeyMissing("加密密钥应为 32 字节，且须含一把名为 hash 的查找密钥和至少一把数据密钥")
        self._hash = keys["hash"]
        self._ciphers = {name: AESGCM(key) for name, key in keys.items() if name != "hash"}
        self.current = next(iter(self._ciphers))

    def seal_bytes(self, content: bytes) -> bytes:
        """Encrypt bytes; the key id stands in front."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self.current].encrypt(nonce, content, self.current.encode())
        return self.current.encode() + b":" + nonce + sealed

    def unseal_bytes(self, sealed: bytes) -> bytes:
        """The clear bytes. Raises ``KeyMissing``."""
        name, _, body = sealed.partition(b":")
        cipher = self._ciphers.get(name.decode("ascii", "replace"))
        if cipher is None:
            raise KeyMissing("缺少解密所需的密钥，请检查 ANJU_KEYS 或数据目录中的密钥文件")
        try:
            return cipher.decrypt(body[:_NONCE], body[_NONCE:], name)
        except InvalidTag as error:
            raise KeyMissing("加密数据已损坏或密钥不符，请从备份恢复") from error

    def digest(self, text: str) -> str:
        """The keyed hash of ``text``: 64 hex digits."""
        return hmac.new(self._hash, text.encode(), sha256).hexdigest()


_keys: Keys | None = None


def use(keys: Keys) -> None:
    """Put a key ring in force for the process."""
    global _keys
    _keys = keys


def ring() -> Keys:
    """The key ring in force."""
    if _keys is None:
        raise KeyMissing("加密密钥尚未载入")
    return _keys


def seal(text: str) -> str:
    """Seal a text. A text already sealed stays as it is."""
    if _TOKEN.fullmatch(text):
        return text
    name, _, body = ring().seal_bytes(text.encode()).partition(b":")
    return f"{PREFIX}{name.decode()}:{base64.b64encode(body).decode()};"


def unseal(text: str) -> str:
    """The text with every sealed part clear; a text without one is returned as it is."""
    return _TOKEN.sub(_open, text) if PREFIX in text else text


def _open(token: re.Match[str]) -> str:
    return ring().unseal_bytes(token[1].encode() + b":" + base64.b64decode(token[2])).decode()


def unseal_tree(value: Any) -> Any:
    """A copy of a JSON value in which every sealed text is clear."""
    if isinstance(value, str):
        return unseal(value)
    if isinstance(value, Mapping):
        return {key: unseal_tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [unseal_tree(item) for item in value]
    return value


def digest(text: str) -> str:
    """The keyed hash of ``text`` under the ring in force."""
    return ring().digest(text)


def load_or_make(text: str, folder: Path) -> Keys:
    """The ring from ``ANJU_KEYS`` (``name:base64,…``), else from ``keys.json`` in ``folder``, made at first use."""
    if text:
        pairs = (part.partition(":") for part in text.split(","))
        return Keys({name.strip(): base64.b64decode(body) for name, _, body in pairs})
    path = folder / "keys.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = {name: base64.b64encode(random.token_bytes(32)).decode() for name in ("k1", "hash")}
        _write_private(path, json.dumps(made))
    return Keys({name: base64.b64decode(body) for name, body in json.loads(path.read_text()).items()})


def session_key(text: str, folder: Path) -> bytes:
    """The key that signs web sessions: from ``ANJU_SECRET_KEY``, else from ``session.key`` in ``folder``."""
    if text:
        return text.encode()
    path = folder / "session.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write_private(path, random.token_hex(32))
    return path.read_text().encode()


def _write_private(path: Path, text: str) -> None:
    """Written whole or not at all, readable by the owner alone; a second process that comes first wins."""
    temporary = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
