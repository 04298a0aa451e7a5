"""One HTTP request to a server that is known by addresses and by a name, within a time that holds for the whole of it."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass

# A node of the load balancer in the same network answers at once, or is gone.
_CONNECT_TIMEOUT_S = 3.0


@dataclass(kw_only=True)
class Server:
    """Where a release answers: addresses to connect to, the one in use first, and the name to ask for."""

    addresses: list[str]
    port: int
    tls: bool
    server_name: str | None

    @property
    def address(self) -> str:
        """The address in use."""
        return self.addresses[0]

    def ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, timeout_s: float
    ) -> tuple[int, bytes]:
        """Status and body of the answer; TimeoutError when it is not whole after `timeout_s` seconds."""
        sock = self._connect(timeout_s)
        expired = threading.Event()

        def end() -> None:
            # Socket timeouts hold for each piece of data alone: a server that trickles would never end.
            expired.set()
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

        timer = threading.Timer(timeout_s, end)
        timer.start()
        connection = http.client.HTTPConnection(self.address, self.port)
        connection.sock = sock
        try:
            named = {"Host": self.server_name} if self.server_name else {}
            connection.request(method, path, body=body, headers={**headers, **named})
            response = connection.getresponse()
            answer = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            if expired.is_set():
                raise TimeoutError(f"timed out after {timeout_s:.3g} s") from error
            raise
        finally:
            timer.cancel()
            connection.close()
            sock.close()
        if expired.is_set():
            raise TimeoutError(f"timed out after {timeout_s:.3g} s")
        return answer

    def _connect(self, timeout_s: float) -> socket.socket:
        """A socket to the first address that connects, which is then the one in use."""
        refusals: list[str] = []
        for _ in self.addresses:
            try:
                raw = socket.create_connection((self.address, self.port), min(timeout_s, _CONNECT_TIMEOUT_S))
                break
            except OSError as error:
                refusals.append(f"{self.address}: {error}")
                self.addresses.append(self.addresses.pop(0))
        else:
            raise ConnectionError("; ".join(refusals) or "no address is known")
        raw.settimeout(timeout_s)
        if not self.tls:
            return raw
        try:
            # http.client can only ask for the name that it connects to; here the name and the address differ.
            return ssl.create_default_context().wrap_socket(raw, server_hostname=self.server_name or self.address)
        except OSError:
            raw.close()
            raise
