"""Smoke steps against a real HTTP server on loopback: a small customers API that keeps what it was asked."""

import datetime
import ipaddress
import json
import re
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from seachange_deployments.smoke import SmokeReport, Step, run, steps_from

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
        if named and int(named.group(1)) in api.customers:
            take = api.customers.pop if self.command == "DELETE" else api.customers.get
            return self.answer(200, take(int(named.group(1))))
        return self.answer(404, {"error": "no such thing"})

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def smoke(api: Api, *steps: dict[str, Any], **options: Any) -> SmokeReport:
    return run(steps_from(steps), ["127.0.0.1"], api.server_port, **options)


def problems(report: SmokeReport) -> dict[str, str | None]:
    return {step.name: step.problem for step in report.steps}


def test_create_read_delete_twice_in_a_row(api: Api) -> None:
    for _ in range(2):
        report = smoke(api, CREATE, READ, DELETE)
        assert report.passed, report
        assert [step.status for step in report.steps] == [201, 200, 200]
        assert all(step.duration_ms > 0 for step in report.steps)
        assert api.customers == {}
    assert len(api.emails) == 2


def test_every_request_is_marked_and_names_the_server(api: Api) -> None:
    smoke(api, {**READ, "path": "/echo", "check": {}, "headers": {"x-run": "{{unique}}"}}, server_name="shop.example")
    method, _, headers = api.seen[0]
    assert (method, headers["host"], headers["x-seachange-synthetic"]) == ("GET", "shop.example", "1")
    assert len(headers["x-run"]) == 12


def test_the_mark_may_be_another(api: Api) -> None:
    smoke(api, {"name": "health", "path": "/echo"}, header={"x-probe": "yes"})
    assert api.seen[0][2]["x-probe"] == "yes"
    assert "x-seachange-synthetic" not in api.seen[0][2]


def test_after_a_failure_only_the_clean_up_runs(api: Api) -> None:
    wrong = {**READ, "check": {"address.city": "Paris"}}
    report = smoke(api, CREATE, wrong, {**READ, "name": "again"}, DELETE)
    assert not report.passed
    assert problems(report) == {
        "create": None,
        "read": 'address.city is "Los Angeles" instead of "Paris"',
        "again": "not run: an earlier step failed",
        "delete": None,
    }
    assert api.customers == {}


def test_what_was_made_is_cleaned_up_even_if_its_own_check_fails(api: Api) -> None:
    report = smoke(api, {**CREATE, "check": {"address.city": "Paris"}}, DELETE)
    assert [step.status for step in report.steps] == [201, 200]
    assert not report.passed
    assert api.customers == {}


def test_a_clean_up_of_nothing_is_left_out(api: Api) -> None:
    report = smoke(api, {**CREATE, "path": "/nowhere"}, DELETE)
    assert [step.name for step in report.steps] == ["create"]
    assert report.steps[0].problem == 'status 404 instead of 201: {"error": "no such thing"}'


def test_a_failing_clean_up_fails_the_run(api: Api) -> None:
    report = smoke(api, CREATE, {**DELETE, "path": "/api/customers/{{id}}/gone"})
    assert problems(report)["delete"] == 'status 404 instead of 200 or 204: {"error": "no such thing"}'
    assert not report.passed


def test_redirects_are_not_followed(api: Api) -> None:
    report = smoke(api, {"name": "moved", "path": "/moved"}, {"name": "seen", "path": "/moved", "expect": 302})
    assert report.steps[0].status == 302
    assert not report.passed


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"body": "plain", "check": {"a": 1}}, "the answer is not JSON: plain"),
        ({"body": {"a": 1}, "check": {"a": 2}}, "a is 1 instead of 2"),
        ({"body": {"a": 1}, "capture": {"b": "b.c"}}, "nothing to capture for b at b.c"),
        ({"body": {"a": 1}, "check": {"length(a)": 1}}, "length(a) does not fit the answer"),
    ],
)
def test_answers_that_do_not_fit(api: Api, step: dict[str, Any], problem: str) -> None:
    report = smoke(api, {"name": "echo", "method": "POST", "path": "/echo", **step})
    assert problem in str(report.steps[0].problem)


def test_captured_values_are_quoted_in_paths_and_keep_their_type_in_bodies(api: Api) -> None:
    first = {"name": "first", "path": "/echo", "body": {"text": "a/b c", "number": 7}}
    first["capture"] = {"text": "text", "number": "number"}
    second = {"name": "second", "path": "/{{text}}", "expect": 404}
    third = {"name": "third", "path": "/echo", "body": ["{{number}}", "no. {{number}}"], "check": {"@": [7, "no. 7"]}}
    report = smoke(api, first, second, third)
    assert report.passed, report
    assert api.seen[1][1] == "/a%2Fb%20c"


def test_an_unknown_name_in_a_step_made_by_hand(api: Api) -> None:
    report = run([Step(name="read", path="/{{nobody}}")], ["127.0.0.1"], api.server_port)
    assert report.steps[0].problem == "{{nobody}} is unknown: no step has captured it"
    assert api.seen == []


def test_nobody_answers() -> None:
    with Api() as server:
        port = server.server_port
    report = run(steps_from([{"name": "health", "path": "/health"}]), ["127.0.0.1"], port)
    assert f"no answer from 127.0.0.1:{port}" in str(report.steps[0].problem)
    assert report.steps[0].status is None


def test_a_server_that_never_answers() -> None:
    with Api() as server:  # it listens, but nobody serves
        report = run([Step(name="health", path="/health")], ["127.0.0.1"], server.server_port, timeout_s=0.1)
    assert "timed out" in str(report.steps[0].problem)


def test_tls_checks_the_name_and_not_the_address(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = self_signed("shop.example", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    api.socket = context.wrap_socket(api.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    step = {"name": "health", "path": "/echo"}
    assert smoke(api, step, tls=True, server_name="shop.example").passed
    report = smoke(api, step, tls=True, server_name="other.example")
    assert "Hostname mismatch" in str(report.steps[0].problem)
    assert asked == ["shop.example", "other.example"]
    assert len(api.seen) == 1


def self_signed(name: str, folder: Path) -> tuple[Path, Path]:
    """A certificate for a name, valid for an hour, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    unencrypted = serialization.NoEncryption()
    key_format = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, key_format, unencrypted))
    return paths
