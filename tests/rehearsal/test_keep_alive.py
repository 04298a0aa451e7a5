"""Whether a task keeps idle connections for long enough, asked of real servers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from seachange.rehearsal.stage.keep_alive import keeps

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@contextmanager
def server(idle_s: float) -> Iterator[int]:
    """Answers one request on a connection and closes it after so many idle seconds."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(ANSWER)
            connection.settimeout(idle_s)
            try:
                connection.recv(1)
            except TimeoutError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


def test_a_server_that_outlives_the_load_balancer_keeps_it() -> None:
    with server(idle_s=5) as port:
        assert keeps([port], "/", 0.5)


def test_a_server_that_closes_earlier_does_not() -> None:
    with server(idle_s=0.2) as port:
        assert not keeps([port], "/", 0.5)


def test_one_that_closes_is_one_too_many() -> None:
    with server(idle_s=5) as lasting, server(idle_s=0.2) as hasty:
        assert not keeps([lasting, hasty], "/", 0.5)


def test_nobody_there_keeps_nothing() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert not keeps([port], "/", 0.1)
