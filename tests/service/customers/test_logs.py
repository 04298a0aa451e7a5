"""Logs: JSON, with the release, and silent about what is well and about whom it concerns."""

import json
import logging

import pytest
from customers.logs import JsonFormatter
from flask.testing import FlaskClient


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [
        json.loads(JsonFormatter("v1").format(record))
        for record in caplog.records
        if record.name == "customers.requests"
    ]


def test_a_request_is_one_line_of_json(v1: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "customers"):
        body = {"name": "Jane", "email": "jane@example.com"}
        response = v1.post("/api/customers", json=body, headers={"X-Amzn-Trace-Id": "Root=1-67891233-abcdef"})
    (line,) = logged(caplog)
    assert (line["release"], line["method"], line["path"], line["status"]) == ("v1", "POST", "/api/customers", 201)
    assert line["duration_ms"] > 0
    assert response.headers["X-Request-Id"] == "Root=1-67891233-abcdef"
    assert "jane" not in json.dumps(line)


def test_health_checks_that_find_nothing_are_not_logged(v1: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "customers"):
        v1.get("/health/ready")
        v1.get("/health/live")
        v1.get("/jane@example.com", headers={"X-Request-Id": "jane@example.com"})
    (line,) = logged(caplog)
    assert (line.get("path"), line["status"]) == (None, 404)
    assert "jane" not in json.dumps(line)
