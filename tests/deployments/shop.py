"""A small customers API on loopback that keeps what it was asked, and smoke steps for it."""

import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CREATE = {
    "name": "create",
    "method": "POST",
    "path": "/api/customers",
    "body": {"email": "smoke-{{unique}}@example.com", "address": {"city": "Los Angeles", "lines": ["{{unique}}"]}},
    "expect": 201,
    "capture": {"id": "id", "email": "email"},
    "check": {"address.city": "Los Angeles", "email": "smoke-{{unique}}@example.com"},
}
READ = {"name": "read", "path": "/api/customers/{{id}}", "check": {"id": "{{id}}", "email": "{{email}}"}}
DELETE = {"name": "delete", "method": "DELETE", "path": "/api/customers/{{id}}", "expect": [200, 204], "always": True}


class Api(ThreadingHTTPServer):
    """Customers by id, and every request seen: method, path, headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.customers: dict[int, dict[str, Any]] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.emails: set[str] = set()
        self.delay_s = 0.0


class Handler(BaseHTTPRequestHandler):
    server: Api

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def answer(self, status: int, body: object = None) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def handle_any(self) -> None:
        api, length = self.server, int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        api.seen.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        time.sleep(api.delay_s)
        named = re.fullmatch(r"/api/customers/(\d+)", self.path)
        if self.command == "POST" and self.path == "/api/customers":
            customer = json.loads(body)
            if customer["email"] in api.emails:
                return self.answer(409, {"error": "the e-mail is taken"})
            api.emails.add(customer["email"])
            customer["id"] = len(api.emails)
            api.customers[customer["id"]] = customer
            return self.answer(201, customer)
        if self.path == "/echo":
            return self.answer(200, body.decode())
        if self.path == "/moved":
            return self.answer(302)
        if self.path == "/trickle":
            return self.trickle()
        if named and int(named.group(1)) in api.customers:
            take = api.customers.pop if self.command == "DELETE" else api.customers.get
            return self.answer(200, take(int(named.group(1))))
        return self.answer(404, {"error": "no such thing"})

    def trickle(self) -> None:
        """An answer of which a byte comes now and then, for ever."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b" ")
                time.sleep(0.02)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815


@contextlib.contextmanager
def serving() -> Iterator[Api]:
    """The API, served until the end."""
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
