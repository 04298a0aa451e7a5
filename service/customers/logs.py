"""Logs: one JSON object a line on stdout, each with the release. Neither e-mail addresses nor bodies are logged."""

import json
import logging
import re
import sys
import time
import traceback
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_request_context, request

FIELDS = ("method", "path", "status", "duration_ms")
REQUEST_ID = re.compile(r"[\w=;:.-]{1,128}", re.ASCII)  # X-Amzn-Trace-Id fits

log = logging.getLogger("customers.requests")


class JsonFormatter(logging.Formatter):
    """A log record as a line of JSON; `release` is a field of every line."""

    def __init__(self, release: str) -> None:
        super().__init__()
        self._release = release

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "release": self._release,
            "message": record.getMessage(),
        }
        if has_request_context():
            line["request_id"] = g.request_id
        line |= {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info and (error := record.exc_info[1]):
            # What and where, but not the message: a database's quotes the row.
            line["exception"] = type(error).__name__
            line["sqlstate"] = getattr(error, "sqlstate", None)
            line["stack"] = [f"{at.filename}:{at.lineno} {at.name}" for at in traceback.extract_tb(error.__traceback__)]
        return json.dumps(line)


def log_as_json(release: str) -> None:
    """Send every logger's lines to stdout: the service's own from INFO on, others' warnings and errors."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(release))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("customers").setLevel(logging.INFO)


def log_requests(app: Flask) -> None:
    """Log each request when it is answered, but not the health checks that find nothing."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        given = request.headers.get("X-Amzn-Trace-Id") or request.headers.get("X-Request-Id") or ""
        g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        if request.path.startswith("/health") and response.status_code == 200:
            return response
        fields = {
            "method": request.method,
            # A path that no route knows may hold anything, an e-mail address too.
            "path": request.path if request.url_rule else None,
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.started) * 1000, 2),
        }
        log.info("request", extra=fields)
        return response
