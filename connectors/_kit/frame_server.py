"""A small threaded TCP server for simulators; it knows how long a length is and shares no code with a client."""

from __future__ import annotations

import atexit
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Takes what follows the length; gives all bytes to send back (None: nothing, and the connection ends).
Handle = Callable[[bytes], bytes | None]


class FrameServer(socketserver.ThreadingTCPServer):
    """Reads frames whose first ``digits`` bytes are their length in ASCII; answers each with what ``handle`` gives."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, handle: Handle, digits: int = 8, port: int = 0) -> None:
        self.handle_frame, self.digits = handle, digits
        self.open_connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Conversation)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def hang_up(self) -> None:
        """End all conversations, as a firewall does with idle ones."""
        for connection in list(self.open_connections):
            connection.shutdown(socket.SHUT_RDWR)


class _Conversation(socketserver.StreamRequestHandler):
    server: FrameServer

    def handle(self) -> None:
        self.server.open_connections.add(self.connection)
        try:
            while len(head := self.rfile.read(self.server.digits)) == self.server.digits:
                body = self.rfile.read(int(head))
                answer = self.server.handle_frame(body)
                if answer is None:
                    return
                self.wfile.write(answer)
                self.wfile.flush()
        except (OSError, ValueError):
            # The client hung up or sent no number; a real front end says nothing either.
            return
        finally:
            self.server.open_connections.discard(self.connection)


@contextmanager
def serving(handle: Handle, digits: int = 8, port: int = 0) -> Iterator[FrameServer]:
    """The server, running in a thread of its own."""
    with FrameServer(handle, digits, port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def start(handle: Handle, digits: int = 8, port: int = 0) -> FrameServer:
    """The server in a thread that ends with the process; its port is closed then."""
    server = FrameServer(handle, digits, port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    atexit.register(server.server_close)
    return server
