"""Bad input is refused with a reason, as JSON and without a stack trace; a database that is away is a 503."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import customers.database
import pytest
from customers.logs import JsonFormatter
from flask.testing import FlaskClient

URL = "/api/customers"
GOOD = {"name": "Jane Smith", "email": "jane@example.com", "address": "1 Main St, Springfield, IL, 62701"}
PARTS = {"street": "1 Main St", "city": "Springfield", "state": "IL", "zip": "62701"}

REFUSED = [
    ({"email": "jane@example.com"}, "name is missing"),
    ({"name": "Jane"}, "email is missing"),
    ({**GOOD, "name": " "}, "name is empty"),
    ({**GOOD, "name": None}, "name must be a string"),
    ({**GOOD, "name": "x" * 101}, "name is longer than 100 characters"),
    ({**GOOD, "name": "a\0b"}, "a text holds a null character or half a surrogate pair"),
    ({**GOOD, "name": "\ud800"}, "a text holds a null character or half a surrogate pair"),
    ({**GOOD, "email": 5}, "email must be a string"),
    ({**GOOD, "email": "jane"}, "email is not an e-mail address"),
    ({**GOOD, "email": "jane @example.com"}, "email is not an e-mail address"),
    ({**GOOD, "email": "a@" + "b" * 250 + ".com"}, "email is longer than 254 characters"),
    ({**GOOD, "address": 5}, "address must be a string"),
    ({**GOOD, "address": ["a"]}, "address must be a string"),
    ({**GOOD, "address": "x" * 201}, "address is longer than 200 characters"),
    ({**GOOD, "address": "a\0"}, "a text holds a null character or half a surrogate pair"),
    ({**GOOD, "admin": True}, "unknown field 'admin'; a customer has name, email, address"),
    ([GOOD], "the body must be a JSON object"),
    ("text", "the body must be a JSON object"),
]
REFUSED_STRUCTURES = [
    ({}, "address.street is missing"),
    ({**PARTS, "zip": None}, "address.zip is missing"),
    ({**PARTS, "zip": 62701}, "address.zip must be a string"),
    ({**PARTS, "street": "\0"}, "a text holds a null character or half a surrogate pair"),
    ({**PARTS, "country": "US"}, "address has an unknown field 'country'; it has street, city, state, zip"),
    ({**PARTS, "street": "x" * 190}, "address is longer than 200 characters"),
    ({"street": "x" * 201}, "address is longer than 200 characters"),
    *(
        ({**PARTS, name: value}, "address needs a street, a city without comma")
        for name, value in [
            ("city", "Springfield, West"),
            ("city", " Springfield"),
            ("city", ""),
            ("state", "Il"),
            ("state", "ILL"),
            ("zip", "62"),
            ("zip", "62701!"),
            ("zip", "62701\n"),
            ("zip", "12345678901"),
            ("street", "1 Main St "),
            ("street", ""),
        ]
    ),
]


def reason(response: Any, status: int) -> str:
    """The reason of a refusal, which is JSON and shows nothing of the service's inside."""
    assert response.status_code == status, response.data
    assert response.content_type == "application/json"
    assert set(response.json) == {"error", "reason"}
    assert b"Traceback" not in response.data
    assert b"psycopg" not in response.data
    return response.json["reason"]


def test_bad_fields_are_refused(both: tuple[FlaskClient, FlaskClient]) -> None:
    for client in both:
        for body, why in REFUSED:
            assert reason(client.post(URL, json=body), 400).startswith(why)
        assert client.get(URL).json["customers"] == []


def test_bad_structures_are_refused(v2: FlaskClient) -> None:
    for address, why in REFUSED_STRUCTURES:
        assert reason(v2.post(URL, json={**GOOD, "address": address}), 400).startswith(why), address


def test_v1_does_not_know_the_structure(v1: FlaskClient) -> None:
    assert reason(v1.post(URL, json={**GOOD, "address": PARTS}), 400) == "address must be a string"


def test_what_is_not_json_is_refused(v1: FlaskClient) -> None:
    for body in [b"", b"{", b"{'a': 1}", b"\xff", b'{"name": ' + b"9" * 5000 + b"}", b"[" * 9000]:
        assert reason(v1.post(URL, data=body, content_type="application/json"), 400).startswith("the body is")


def test_a_body_without_its_type_is_refused(v1: FlaskClient) -> None:
    for arguments in [{"data": "{"}, {"data": "name=Jane"}, {"data": "{", "content_type": "text/plain"}]:
        why = reason(v1.post(URL, **arguments), 400)
        assert why == "send the customer as JSON, with Content-Type: application/json"


def test_a_body_too_large_is_refused(v1: FlaskClient) -> None:
    why = reason(v1.post(URL, data=b" " * 20_000, content_type="application/json"), 400)
    assert why == "the body is longer than 16384 bytes"


def test_protocol_errors_are_json_too(v1: FlaskClient) -> None:
    refused = v1.patch(f"{URL}/1", json={"name": "x"})
    reason(refused, 405)
    assert "PUT" in refused.headers["Allow"]
    reason(v1.get("/nothing"), 404)


def test_unknown_customers_are_not_found(v1: FlaskClient) -> None:
    for number in ["1", "0", "-1", "abc", "1.5", str(2**63 - 1), str(2**63), "9" * 50]:
        where = f"{URL}/{number}"
        for response in (v1.get(where), v1.put(where, json={"name": "x"}), v1.delete(where)):
            reason(response, 404)


def test_an_empty_change_is_refused(v1: FlaskClient) -> None:
    assert reason(v1.put(f"{URL}/1", json={}), 400).startswith("nothing to change")


def test_bad_pages_are_refused(v1: FlaskClient) -> None:
    for query in ["limit=0", "limit=101", "limit=x", "limit=", "after=-1", f"after={2**63}", "after=\u0661"]:
        assert "must be a whole number" in reason(v1.get(f"{URL}?{query}"), 400)


def test_a_taken_email_conflicts(both: tuple[FlaskClient, FlaskClient]) -> None:
    for client in both:
        client.post(URL, json=GOOD)
        assert reason(client.post(URL, json=GOOD), 409) == "a customer with this email exists"
        other = client.post(URL, json={**GOOD, "email": f"{id(client)}@example.com"}).json["id"]
        assert reason(client.put(f"{URL}/{other}", json={"email": GOOD["email"]}), 409)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests wait half a second for a connection."""
    assert customers.database.ACQUIRE_TIMEOUT < 5  # the load balancer's health check timeout
    monkeypatch.setattr(customers.database, "ACQUIRE_TIMEOUT", 0.5)


@pytest.mark.usefixtures("impatient")
def test_a_database_that_goes_away_is_a_503_and_comes_back(database: Any, start: Callable[..., FlaskClient]) -> None:
    database.upgrade("0001")
    v1 = start("v1")
    assert v1.get("/health/ready").json["status"] == "ready"
    made = v1.post(URL, json=GOOD).json
    database.allow_connections(False)
    response = v1.get(f"{URL}/{made['id']}")
    assert reason(response, 503) == "the database cannot be reached; try again"
    assert response.headers["Retry-After"] == "1"
    ready, everything = v1.get("/health/ready"), v1.get("/health")
    assert (ready.status_code, ready.json["status"], ready.json["database"]) == (200, "degraded", "unreachable")
    assert (everything.status_code, everything.json["status"]) == (503, "unhealthy")
    assert v1.get("/health/live").status_code == 200

    database.allow_connections(True)
    deadline = time.monotonic() + 10
    while v1.get(f"{URL}/{made['id']}").status_code != 200:
        assert time.monotonic() < deadline
    assert v1.get("/health/ready").json["status"] == "ready"


@pytest.mark.usefixtures("impatient")
def test_a_service_that_never_saw_its_database_is_not_ready(
    start: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    client = start("v1")
    assert (client.get("/health/ready").status_code, client.get("/health/live").status_code) == (503, 200)
    reason(client.get(URL), 503)


def test_an_unforeseen_failure_shows_nothing_and_logs_no_data(
    v1: FlaskClient, database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute("ALTER TABLE customers ADD CONSTRAINT odd CHECK (name <> 'Odd')")
    with caplog.at_level(logging.INFO):
        response = v1.post(URL, json={**GOOD, "name": "Odd"})
    assert reason(response, 500) == "the service failed; its log says where"
    lines = [JsonFormatter("v1").format(record) for record in caplog.records]
    failure = next(json.loads(line) for line in lines if "CheckViolation" in line)
    assert failure["sqlstate"] == "23514"
    assert any("store.py" in frame for frame in failure["stack"])
    assert "example.com" not in "".join(lines)
