"""Clients: keep-alive connections, as many as are busy at once, each with a cookie jar when asked for; no retries."""

import asyncio
from typing import Any, cast

import httptools


class Connection(asyncio.Protocol):
    """One connection, which carries one request at a time.

    `jar` holds the cookies of whoever uses it; None keeps none.
    """

    def __init__(self, jar: dict[str, str] | None) -> None:
        self.jar = jar
        self.usable = True
        self.idle_since = 0.0
        self._answer: asyncio.Future[int] | None = None
        self._bodiless = False
        self._parser: Any = None

    async def ask(self, request: bytes, *, bodiless: bool) -> int:
        """Sends a request and returns its answer's status; OSError or EOFError when the connection ends before.

        Args:
            request: All of it.
            bodiless: The answer has no body whatever its headers say: it is HEAD's.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._bodiless = bodiless
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        """Closes it at once."""
        self.usable = False
        self._transport.abort()

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            # Nobody asked: no next request may take this for its answer.
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(error)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or EOFError("the connection was closed before the answer was complete"))

    # --- what httptools calls ---

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        if key == b"connection" and value.strip().lower() == b"close":
            self.usable = False
        elif key == b"set-cookie" and self.jar is not None:
            _keep(self.jar, value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        if self._bodiless and self._parser.get_status_code() >= 200:
            self._complete()

    def on_message_complete(self) -> None:
        # 1xx only announce an answer.
        if self._parser.get_status_code() >= 200:
            self._complete()

    def _complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self.usable = self.usable and (self._bodiless or self._parser.should_keep_alive())
            self._answer.set_result(self._parser.get_status_code())


class Clients:
    """All clients of the load: one that is idle sends the next request; a client whose connection was closed opens another one.

    Args:
        host, port: Whom they ask.
        keep_idle_s: Seconds after which an idle connection is not used again. A client that keeps one for as long as the load balancer does now and
            then sends a request just when that closes it; such a failure would say nothing of the release.
        cookies: Whether each keeps the cookies that it is given.
    """

    def __init__(self, host: str, port: int, *, keep_idle_s: float, cookies: bool) -> None:
        self._address = (host, port)
        self._keep_idle_s = keep_idle_s
        self._cookies = cookies
        self._idle: list[Connection] = []
        self._jars: list[dict[str, str]] = []

    async def ask(self, head: bytes, body: bytes, *, bodiless: bool) -> int:
        """Sends a request, `head` without the empty line at its end, and returns the status; OSError or EOFError without an answer."""
        connection = await self._client()
        try:
            cookies = f"Cookie: {_said(connection.jar)}\r\n".encode("latin-1") if connection.jar else b""
            return await connection.ask(head + cookies + b"\r\n" + body, bodiless=bodiless)
        except BaseException:
            connection.usable = False
            raise
        finally:
            if connection.usable:
                connection.idle_since = asyncio.get_running_loop().time()
                self._idle.append(connection)
            else:
                self._leave(connection)

    def close(self) -> None:
        """Closes what is idle."""
        for connection in self._idle:
            connection.close()

    async def _client(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and asyncio.get_running_loop().time() - connection.idle_since < self._keep_idle_s:
                return connection
            self._leave(connection)
        jar = None if not self._cookies else self._jars.pop() if self._jars else {}
        try:
            _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(jar), *self._address)
        except BaseException:
            if jar:
                self._jars.append(jar)
            raise
        return connection

    def _leave(self, connection: Connection) -> None:
        connection.close()
        if connection.jar:
            self._jars.append(connection.jar)


def _keep(jar: dict[str, str], cookie: str) -> None:
    """Keeps a Set-Cookie, or forgets the cookie when its Max-Age says so; other attributes are not looked at: there is one host."""
    pair, *attributes = cookie.split(";")
    name, _, value = pair.strip().partition("=")
    for attribute in attributes:
        key, _, seconds = attribute.strip().partition("=")
        if key.lower() == "max-age" and seconds.strip().lstrip("-").isdigit() and int(seconds) <= 0:
            jar.pop(name, None)
            return
    jar[name] = value


def _said(jar: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in jar.items())
