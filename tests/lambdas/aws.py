"""AWS's endpoints on loopback, with the one answer that each action has in a test; every call is kept."""

import json
import threading
import time
import urllib.parse
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Endpoint(ThreadingHTTPServer):
    """Answers an action with a document (JSON protocol) or a text (query protocol), after `delay_s` seconds.

    A list holds an action's answers in turn, the last one for ever; a function makes the answer of the action's parameters. A document
    with `__type` is an error.
    """

    def __init__(self, answers: Mapping[str, Any], *, delay_s: float = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.delay_s = delay_s
        self.calls: list[tuple[str, dict[str, Any]]] = []

    @property
    def variables(self) -> dict[str, str]:
        """Leads AWS clients here."""
        return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server_port}"}

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            action, parameters = target.rsplit(".", 1)[1], json.loads(body)
        else:
            parameters = dict(urllib.parse.parse_qsl(body))
            action = parameters["Action"]
        self.server.calls.append((action, parameters))
        time.sleep(self.server.delay_s)
        answer = self.server.answers.get(action, {"__type": "NotExpected", "message": action})
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(parameters)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(400 if "__type" in answer else 200)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
