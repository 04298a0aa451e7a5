"""Smoke steps against a real HTTP server on loopback."""

import datetime
import ipaddress
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from seachange_deployments.smoke import SmokeReport, Step, run, steps_from
from tests.deployments.shop import CREATE, DELETE, READ, Api, serving


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as server:
        yield server


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


def test_an_answer_that_trickles_ends_with_the_requests_time(api: Api) -> None:
    started = time.monotonic()
    report = smoke(api, {"name": "slow", "path": "/trickle"}, timeout_s=0.3)
    assert "timed out after 0.3 s" in str(report.steps[0].problem)
    assert 0.3 <= time.monotonic() - started < 2


def test_the_run_ends_with_its_time_and_still_cleans_up(api: Api) -> None:
    slow = {"name": "slow", "path": "/trickle"}
    started = time.monotonic()
    report = smoke(api, CREATE, slow, DELETE, limit_s=2)
    assert 1.4 < time.monotonic() - started < 2.5  # a quarter is kept
    assert [step.status for step in report.steps] == [201, None, 200]
    assert "timed out" in str(report.steps[1].problem)
    assert api.customers == {}
    assert not report.passed


def test_no_step_begins_when_the_time_is_over(api: Api) -> None:
    report = smoke(api, CREATE, READ, DELETE, limit_s=0)
    assert report.failure == "step 'create': not run: the 0 s for all steps are over"
    assert api.seen == []


def test_an_address_that_does_not_connect_gives_way_to_the_next(api: Api) -> None:
    # The server listens on 127.0.0.1 alone.
    report = run(steps_from([CREATE, READ, DELETE]), ["127.0.0.2", "127.0.0.3", "127.0.0.1"], api.server_port)
    assert report.passed, report
    assert [method for method, _, _ in api.seen] == ["POST", "GET", "DELETE"]


def test_no_address_connects_and_all_are_named(api: Api) -> None:
    report = run([Step(name="health", path="/health")], ["127.0.0.2", "127.0.0.3"], api.server_port)
    assert "127.0.0.2: " in str(report.failure)
    assert "127.0.0.3: " in str(report.failure)


def test_a_request_that_was_sent_is_not_sent_again() -> None:
    with serving() as server:
        server.delay_s = 0.5
        report = run(steps_from([CREATE]), ["127.0.0.1", "127.0.0.1"], server.server_port, timeout_s=0.2)
    assert not report.passed
    assert len(server.seen) == 1


def test_the_failure_names_what_failed_and_not_what_was_left_out(api: Api) -> None:
    wrong = {**READ, "check": {"address.city": "Paris"}}
    bad_clean_up = {**DELETE, "path": "/api/customers/{{id}}/gone"}
    report = smoke(api, CREATE, wrong, {**READ, "name": "again"}, bad_clean_up)
    assert report.failure == (
        'step \'read\': address.city is "Los Angeles" instead of "Paris"; '
        'step \'delete\': status 404 instead of 200 or 204: {"error": "no such thing"}'
    )
    assert smoke(api, CREATE, DELETE).failure is None


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
