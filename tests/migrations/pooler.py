"""A pooler that hands each transaction to another session of the server, as PgBouncer does in transaction mode."""

import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import psycopg

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
IDLE = b"I"


class TransactionPooler:
    """Listens on a loopback port; `sessions` of the server behind it, taken in turns (`round_robin`) or the last used first.

    Speaks as much of PostgreSQL's protocol as psycopg needs, and asks nobody for a password.
    """

    def __init__(self, dsn: str, *, sessions: int, round_robin: bool) -> None:
        self._round_robin = round_robin
        self._upstream = [psycopg.connect(dsn, autocommit=True) for _ in range(sessions)]
        self._free = deque(_socket_of(connection) for connection in self._upstream)
        self._change = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._clients: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for open_socket in (self._listener, *self._clients, *self._free):
            open_socket.close()
        for connection in self._upstream:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._clients.append(client)
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            self._greet(client)
            while True:
                with self._session() as server:
                    while self._forward(client, server) != IDLE:
                        pass
        except (OSError, EOFError, ValueError):
            client.close()

    @contextmanager
    def _session(self) -> Iterator["_Lazily"]:
        """A session for one transaction, taken when its first message comes."""
        lazily = _Lazily(self._take)
        try:
            yield lazily
        finally:
            if lazily.taken is not None:
                with self._change:
                    self._free.append(lazily.taken)
                    self._change.notify()

    def _take(self) -> socket.socket:
        with self._change:
            self._change.wait_for(lambda: bool(self._free))
            return self._free.popleft() if self._round_robin else self._free.pop()

    def _greet(self, client: socket.socket) -> None:
        while True:
            (length,) = struct.unpack("!i", _read(client, 4))
            payload = _read(client, length - 4)
            if struct.unpack("!i", payload[:4])[0] not in (SSL_REQUEST, GSS_REQUEST):
                break
            client.sendall(b"N")
        parameters = {"server_version": "18.0", "client_encoding": "UTF8", "standard_conforming_strings": "on"}
        told = [_message(b"S", f"{name}\0{value}\0".encode()) for name, value in parameters.items()]
        client.sendall(b"".join([_message(b"R", bytes(4)), *told, _message(b"K", bytes(8)), _message(b"Z", IDLE)]))

    def _forward(self, client: socket.socket, server: "_Lazily") -> bytes:
        """Passes one message on, and the answer back; the transaction's state, empty while nobody has asked for it."""
        kind, payload = _receive(client)
        if kind == b"X":
            raise EOFError
        session = server.get()
        session.sendall(_message(kind, payload))
        if kind not in (b"Q", b"S"):
            return b""
        while True:
            kind, payload = _receive(session)
            client.sendall(_message(kind, payload))
            if kind == b"Z":
                return payload


class _Lazily:
    def __init__(self, take: Callable[[], socket.socket]) -> None:
        self._take = take
        self.taken: socket.socket | None = None

    def get(self) -> socket.socket:
        if self.taken is None:
            self.taken = self._take()
        return self.taken


def _socket_of(connection: psycopg.Connection) -> socket.socket:
    """The socket of a session that psycopg has opened and authenticated."""
    found = socket.socket(fileno=os.dup(connection.fileno()))
    found.setblocking(True)
    return found


def _message(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("!i", len(payload) + 4) + payload


def _receive(source: socket.socket) -> tuple[bytes, bytes]:
    kind = _read(source, 1)
    (length,) = struct.unpack("!i", _read(source, 4))
    return kind, _read(source, length - 4)


def _read(source: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        if not (part := source.recv(size - len(found))):
            raise EOFError
        found += part
    return found
