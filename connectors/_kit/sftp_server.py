"""A real SFTP server over a folder, in this process, for simulators: one user, one password or key, cuts on demand."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko

NO_SUCH, FAILED, OK = paramiko.SFTP_NO_SUCH_FILE, paramiko.SFTP_FAILURE, paramiko.SFTP_OK


class SftpServer:
    """Serves ``folder`` on a free port. ``cut_after``: bytes written until the connection is cut once (None: never)."""

    def __init__(self, folder: Path, user: str, password: str = "", key: paramiko.PKey | None = None) -> None:
        self.folder, self.user, self.password, self.key = folder, user, password, key
        self.host_key = paramiko.ECDSAKey.generate()
        self.cut_after: int | None = None
        self.damage = False
        self.transports: list[paramiko.Transport] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def run(self) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self)
            self.transports.append(transport)
            # With an event it does not wait: one client that says nothing must not keep the others out.
            transport.start_server(event=threading.Event(), server=_Door(self))

    def stop(self) -> None:
        """Close the port and every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for transport in self.transports:
            transport.close()
            transport.join(2)


@contextmanager
def serving(folder: Path, user: str, password: str = "", key: paramiko.PKey | None = None) -> Iterator[SftpServer]:
    """The server, running in a thread of its own."""
    server = SftpServer(folder, user, password, key)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


class _Door(paramiko.ServerInterface):
    def __init__(self, server: SftpServer) -> None:
        self.server = server

    def check_auth_password(self, username: str, password: str) -> int:
        right = self.server.password and (username, password) == (self.server.user, self.server.password)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        right = self.server.key and username == self.server.user and key.asbytes() == self.server.key.asbytes()
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


class _Handle(paramiko.SFTPHandle):
    owner: SftpServer
    gone = False

    def write(self, offset: int, data: bytes) -> int:
        owner = self.owner
        if self.gone:
            return int(FAILED)
        if owner.cut_after is not None and offset + len(data) > owner.cut_after:
            super().write(offset, data[: max(owner.cut_after - offset, 0)])
            self.writefile.flush()
            owner.cut_after, self.gone = None, True
            owner.transports[-1].close()
            return FAILED
        if owner.damage:
            data = b"?" + data[1:]
        return int(super().write(offset, data))


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, door: _Door, owner: SftpServer, *args: Any, **named: Any) -> None:
        super().__init__(door, *args, **named)
        self.owner = owner

    def _path(self, name: str) -> Path:
        return self.owner.folder / self.canonicalize(name).lstrip("/")

    def _attempt(self, work: Callable[[], Any]) -> Any:
        try:
            found = work()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return OK if found is None else found

    def list_folder(self, path: str) -> Any:
        def work() -> list[paramiko.SFTPAttributes]:
            found = []
            for each in self._path(path).iterdir():
                one = paramiko.SFTPAttributes.from_stat(each.stat())
                one.filename = each.name
                found.append(one)
            return found

        return self._attempt(work)

    def stat(self, path: str) -> Any:
        return self._attempt(lambda: paramiko.SFTPAttributes.from_stat(self._path(path).stat()))

    lstat = stat

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> Any:
        def work() -> _Handle:
            mode = "wb" if flags & os.O_TRUNC else "ab" if flags & os.O_APPEND else "rb"
            file = self._path(path).open(mode)
            handle = _Handle(flags)
            handle.owner = self.owner
            if mode == "rb":
                handle.readfile = file
            else:
                handle.writefile = file
            return handle

        return self._attempt(work)

    def remove(self, path: str) -> Any:
        return self._attempt(lambda: self._path(path).unlink())

    def rename(self, oldpath: str, newpath: str) -> Any:
        if self._path(newpath).exists():
            return FAILED
        return self._attempt(lambda: os.rename(self._path(oldpath), self._path(newpath)))

    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> Any:
        return self._attempt(lambda: self._path(path).mkdir())
