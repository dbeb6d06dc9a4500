"""A depot over SFTP (paramiko): the host's key is pinned, each step has a time-out, no key of the machine is used."""

from __future__ import annotations

import io
import socket
import stat
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

import paramiko

from connectors._kit.depots import CHUNK, Depot, Entry
from engine.core.errors import OutsideFault, Unreachable

KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
Found = TypeVar("Found")


@dataclass(frozen=True)
class Access:
    """Where and as whom. ``fingerprint``: as ``ssh-keygen -lf`` prints it (``SHA256:…``); ``key``: a private key."""

    host: str
    port: int
    user: str
    fingerprint: str
    password: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    folder: str = "."
    timeout: float = 10.0


@contextmanager
def sftp_depot(access: Access, title: str, flag: str = "", archive: str = "archive") -> Iterator[SftpDepot]:
    """The depot while a connection lasts. Raises ``Unreachable``, ``OutsideFault`` (``host_key``, ``unauthorised``)."""
    transport = _connected(access, title)
    try:
        with _told(title):
            client = paramiko.SFTPClient.from_transport(transport)
            if client is None:
                raise paramiko.SSHException("no channel")
            client.get_channel().settimeout(access.timeout)
            client.chdir(access.folder)
        yield SftpDepot(client, title, flag, archive)
    finally:
        transport.close()


class SftpDepot(Depot):
    """A folder behind an open connection."""

    def __init__(self, client: paramiko.SFTPClient, title: str, flag: str, archive: str) -> None:
        super().__init__(title, flag, archive)
        self._client = client

    def _size(self, name: str) -> int | None:
        with _told(self.title):
            try:
                state = self._client.stat(name)
            except FileNotFoundError:
                return None
            return state.st_size or 0 if stat.S_ISREG(state.st_mode or 0) else None

    def _list(self) -> Iterator[Entry]:
        with _told(self.title):
            for found in self._client.listdir_attr("."):
                if stat.S_ISREG(found.st_mode or 0):
                    yield Entry(found.filename, found.st_size or 0, found.st_mtime or 0)

    def _read(self, name: str, offset: int) -> Iterator[bytes]:
        size = self._size(name) or 0
        with _told(self.title), self._client.open(name, "rb") as file:
            file.seek(offset)
            if size > offset:
                file.prefetch(size)
            while chunk := file.read(CHUNK):
                yield chunk

    def _append(self, name: str, offset: int, content: bytes) -> None:
        with _told(self.title), self._client.open(name, "ab" if offset else "wb") as file:
            file.set_pipelined(True)
            for at in range(0, len(content), CHUNK):
                file.write(content[at : at + CHUNK])

    def _rename(self, name: str, target: str) -> None:
        with _told(self.title):
            # Fails where the target is there, unlike posix_rename.
            self._client.rename(name, target)

    def _remove(self, name: str) -> None:
        with _told(self.title):
            self._client.remove(name)

    def _put_aside(self, name: str, aside: str) -> None:
        with _told(self.title):
            try:
                self._client.mkdir(self.folder_of_old)
            except OSError:
                # It is there already, or the rename tells what is wrong.
                self._client.stat(self.folder_of_old)
            self._client.rename(name, aside)


def fingerprint(key: paramiko.PKey) -> str:
    """``SHA256:…`` of a host's key."""
    return "SHA256:" + b64encode(sha256(key.asbytes()).digest()).decode().rstrip("=")


def _connected(access: Access, title: str) -> paramiko.Transport:
    with _told(title):
        connection = socket.create_connection((access.host, access.port), access.timeout)
    transport = paramiko.Transport(connection)
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = access.timeout
    try:
        with _told(title):
            transport.start_client(timeout=access.timeout)
            if fingerprint(transport.get_remote_server_key()) != access.fingerprint:
                raise OutsideFault(f"「{title}」的主机密钥与登记的不符，已断开；请管理员核对", code="host_key")
            if access.key:
                transport.auth_publickey(access.user, _private(access.key, title))
            else:
                transport.auth_password(access.user, access.password, fallback=False)
    except Exception:
        transport.close()
        raise
    return transport


def _private(text: str, title: str) -> paramiko.PKey:
    for kind in KEYS:
        try:
            return kind.from_private_key(io.StringIO(text))
        except (paramiko.SSHException, ValueError):
            continue
    raise OutsideFault(f"「{title}」的登录私钥不能使用，请管理员核对", code="not_configured")


@contextmanager
def _told(title: str) -> Iterator[None]:
    """What paramiko and the network raise, as the two things that a connector raises."""
    try:
        yield
    except paramiko.AuthenticationException:
        raise OutsideFault(f"「{title}」不认可我方的凭据，请管理员核对密钥", code="unauthorised") from None
    except TimeoutError:
        raise Unreachable(f"「{title}」的文件服务没有应答") from None
    except FileNotFoundError:
        raise OutsideFault(f"「{title}」没有该目录或文件，请管理员核对", code="file_missing") from None
    except PermissionError:
        raise OutsideFault(f"「{title}」不允许读写该目录，请管理员核对权限", code="unauthorised") from None
    except (paramiko.SSHException, OSError, EOFError):
        raise Unreachable(f"连不上「{title}」的文件服务，或操作未完成") from None
