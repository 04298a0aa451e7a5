"""An HTTP server for tests of the load: it remembers what it was asked, and by which connection."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it came in."""

    connection: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """Its port, and every request so far.

    `/close` hangs up, `/broken` answers 500, `/absent` 404, `/slow` after 0.6 s, `/never` not at all; other paths are answered at once.
    `/cookie` gives each connection a cookie of its own; `/forget` takes it back.
    """

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection to its end."""
        self.connections += 1
        number = self.connections
        try:
            while True:
                line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
                headers = {name.lower(): value for name, _, value in (item.partition(": ") for item in lines if item)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, path, _ = line.split(" ")
                self.asked.append(Asked(connection=number, method=method, path=path, headers=headers, body=body))
                if path == "/close":
                    break
                if path == "/never":
                    await asyncio.sleep(60)
                if path == "/slow":
                    await asyncio.sleep(0.6)
                writer.write(self._answer(number, method, path))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, number: int, method: str, path: str) -> bytes:
        status = {"/broken": "500 Broken", "/absent": "404 Not Found"}.get(path, "200 OK")
        cookie = {
            "/cookie": f"Set-Cookie: client=c{number}; Path=/; HttpOnly\r\n",
            "/forget": "Set-Cookie: client=; Max-Age=0\r\n",
        }.get(path, "")
        body = "" if method == "HEAD" else "hello"
        return f"HTTP/1.1 {status}\r\n{cookie}Content-Length: 5\r\n\r\n{body}".encode()


@contextmanager
def answering() -> Iterator[Server]:
    """A server on the loopback interface, in a thread of its own."""
    server, ready = Server(), threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, backlog=4096)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stopped
        listening.close()
        talking = asyncio.all_tasks() - {asyncio.current_task()}
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)

    stopped = loop.create_future()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield server
    loop.call_soon_threadsafe(stopped.set_result, None)
    thread.join(10)
    loop.close()
