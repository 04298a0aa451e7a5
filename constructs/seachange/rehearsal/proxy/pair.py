"""A pair of connections, the load balancer's and the task's, and what a fault does between them.

Bytes pass as they come, both ways; only the heads of requests are looked at. Each of the load balancer's connections has one of its own to the
task: it opens, idles, closes and breaks with it, so that keep-alive and timeouts stay the task's. The load balancer sends one request at a time
on a connection, as HTTP/1.1 proxies do, so a new request means that the answer before it is complete.

The stage's load balancer, like the ALB, tells the listener's port in X-Forwarded-Port, and nobody else can: what a client sends there it overwrites.
Its health checks have none. That tells the public's requests from smoke tests and health checks.
"""

import asyncio
import time

import httptools

from seachange.rehearsal.proxy.misbehaviour import Actor, Verdict
from seachange.rehearsal.stage.ports import LOOPBACK

_CONNECT_S = 10.0
_STATUS = {500: "Internal Server Error", 503: "Service Unavailable"}


class Side(asyncio.Protocol):
    """One end of a pair of connections; `other` is the opposite one."""

    transport: asyncio.Transport | None = None
    other: "Side"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exception: Exception | None) -> None:
        self.other.end(abort=exception is not None)

    def pause_writing(self) -> None:
        if self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other.transport:
            self.other.transport.resume_reading()

    def send(self, data: bytes) -> None:
        """Writes, unless this end is gone."""
        if self.transport and not self.transport.is_closing():
            self.transport.write(data)

    def end(self, *, abort: bool = False) -> None:
        """Closes after what is written has left, or at once."""
        if self.transport:
            if abort:
                self.transport.abort()
            else:
                self.transport.close()


class Front(Side):
    """The load balancer's end."""

    def __init__(self, actor: Actor, task_port: int) -> None:
        self._actor = actor
        self._task_port = task_port
        self._back = Back(actor)
        self._back.other, self.other = self, self._back
        self._parser = httptools.HttpRequestParser(self)
        self._upgraded = False
        # What comes before the task has taken the connection: in older Pythons a transport paused at its beginning reads all the same.
        self._early: list[bytes] | None = []
        self._begin()

    def _begin(self) -> None:
        self._held = b""
        self._url = b""
        self._forwarded_port: str | None = None
        self._verdict: Verdict | None = None
        self._complete = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport
        self.transport.pause_reading()
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def connection_lost(self, _: Exception | None) -> None:
        self._connecting.cancel()
        # A client that has left early leaves the task at once, whatever that still sends.
        self.other.end(abort=True)

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(_CONNECT_S):
                await asyncio.get_running_loop().create_connection(lambda: self._back, LOOPBACK, self._task_port)
        except OSError:
            self.end(abort=True)
        else:
            early, self._early = self._early or [], None
            if self.transport and not self.transport.is_closing():
                self.transport.resume_reading()
                for data in early:
                    self.data_received(data)
            else:
                self._back.end(abort=True)

    def data_received(self, data: bytes) -> None:
        if self._early is not None:
            self._early.append(data)
            return
        if self._upgraded:
            self._back.send(data)
            return
        if self._complete:
            self._begin()
        self._held += data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgraded = True
        except httptools.HttpParserError as error:
            print(f"a request that cannot be read ({error}): the connection is closed", flush=True)
            self.end(abort=True)
            return
        if self._verdict in ("pass", "slow"):
            self._back.send(self._held)
            self._held = b""
        elif self._verdict in ("error", "unhealthy"):
            self._held = b""
            if self._complete and self._verdict == "error":
                asyncio.get_running_loop().call_later(self._actor.wait_s(0), self._answer, 500)
            elif self._complete:
                self._answer(503)
        elif self._verdict == "reset":
            self.end(abort=True)

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("a second request before the first is answered")

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-forwarded-port":
            self._forwarded_port = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._verdict = self._actor.decide(self._url.decode("latin-1"), self._forwarded_port, time.time())
        self._back.expect(slow=self._verdict == "slow")

    def on_message_complete(self) -> None:
        self._complete = True

    def _answer(self, status: int) -> None:
        body = f"{status}: a drill of the rehearsal\n"
        self.send(
            f"HTTP/1.1 {status} {_STATUS[status]}\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
        )
        if not self._parser.should_keep_alive():
            self.end()


class Back(Side):
    """The task's end."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._since: float | None = None
        self._slow = False
        self._held: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def expect(self, *, slow: bool) -> None:
        """An answer will come, to a request that leaves now."""
        self._since, self._slow = asyncio.get_running_loop().time(), slow

    def data_received(self, data: bytes) -> None:
        if self._slow and self._since is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._actor.wait_s(loop.time() - self._since), self._release)
            self._since = None
        if self._timer:
            self._held.append(data)
            # What follows waits in the task, as behind a slow one.
            if self.transport:
                self.transport.pause_reading()
        else:
            self.other.send(data)

    def connection_lost(self, exception: Exception | None) -> None:
        self._closed = True
        if not self._timer:
            super().connection_lost(exception)

    def end(self, *, abort: bool = False) -> None:
        if self._timer:
            self._timer.cancel()
        super().end(abort=abort)

    def _release(self) -> None:
        self._timer = None
        for data in self._held:
            self.other.send(data)
        self._held.clear()
        if self._closed:
            self.other.end()
        elif self.transport and not self.transport.is_closing():
            self.transport.resume_reading()
