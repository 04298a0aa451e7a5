"""Ports on the loopback interface."""

import socket

from seachange.rehearsal.errors import StageError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def claim(port: int) -> int:
    """`port` itself, when nothing listens on it; StageError with the remedy otherwise."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except PermissionError as error:
            raise StageError(
                f"port {port} may be used by root alone; give --port 1024 or higher, or leave it out for a free one"
            ) from error
        except OSError as error:
            raise StageError(
                f"port {port} is in use on {LOOPBACK}; end what listens there, or leave --port out for a free one"
            ) from error
    return port
