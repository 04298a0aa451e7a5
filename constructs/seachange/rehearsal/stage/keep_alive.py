"""Whether a task keeps an idle connection for as long as the load balancer does: if not, the load balancer sends requests into closed ones."""

import select
import socket
import time
from collections.abc import Sequence

from seachange.rehearsal.stage.ports import LOOPBACK

# Beyond the load balancer's timeout: closing at the same moment would be a race too.
_BEYOND_S = 1.0


def keeps(ports: Sequence[int], path: str, idle_timeout_s: float) -> bool:
    """Asks each port once, leaves the connection idle for the load balancer's timeout, and sees whether all are still open.

    Args:
        ports: The tasks' ports on the loopback interface.
        path: Where to ask, such as the health check's path.
        idle_timeout_s: The load balancer's idle timeout in seconds.
    """
    connections = []
    try:
        for port in ports:
            connection = socket.create_connection((LOOPBACK, port), timeout=10)
            connections.append(connection)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode())
            if b"HTTP/1.1" not in connection.recv(65536):
                return False
        end = time.monotonic() + idle_timeout_s + _BEYOND_S
        while (left := end - time.monotonic()) > 0:
            for connection in select.select(connections, [], [], left)[0]:
                # More of the answer, or the end of the connection.
                if not connection.recv(65536):
                    return False
        return True
    except OSError:
        return False
    finally:
        for connection in connections:
            connection.close()
