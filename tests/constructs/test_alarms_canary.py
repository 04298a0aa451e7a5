"""`SyntheticsCanary`, and the script that it runs."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import Duration
from aws_cdk import aws_synthetics as synthetics

from seachange import InvalidArgumentError
from seachange.alarms import SyntheticsCanary, canary_script
from tests.constructs.apps import Resources, new_stack, only, resources

URL = "https://orders.example.com/health"


@pytest.fixture(scope="module")
def found() -> Resources:
    stack = new_stack()
    canary = SyntheticsCanary(
        stack, "Canary", url=URL, status=204, latency=Duration.millis(1500), rate=Duration.minutes(10)
    )
    assert stack.resolve(canary.alarm.alarm_name)
    return resources(stack)


def test_it_asks_one_url_at_a_fixed_rate(found: Resources) -> None:
    _, body = only(found, "AWS::Synthetics::Canary")
    canary = body["Properties"]
    assert canary["Schedule"]["Expression"] == "rate(10 minutes)"
    assert canary["RunConfig"]["EnvironmentVariables"] == {"URL": URL, "STATUS": "204", "SECONDS": "1.5"}
    assert canary["Code"] == {"Handler": "index.handler", "Script": Path(canary_script.__file__).read_text("utf-8")}
    assert canary["RuntimeVersion"].startswith("syn-python-selenium-")


def test_no_newer_python_runtime_is_known(found: Resources) -> None:
    _, body = only(found, "AWS::Synthetics::Canary")
    prefix = "SYNTHETICS_PYTHON_SELENIUM_"
    versions = [
        tuple(map(int, name.removeprefix(prefix).split("_")))
        for name in dir(synthetics.Runtime)
        if name.startswith(prefix)
    ]
    assert body["Properties"]["RuntimeVersion"] == "syn-python-selenium-{}.{}".format(*max(versions))


def test_two_failed_runs_of_three_fire(found: Resources) -> None:
    _, body = only(found, "AWS::CloudWatch::Alarm")
    alarm = body["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("CloudWatchSynthetics", "SuccessPercent")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 100)
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"], alarm["Period"]) == (2, 3, 600)
    # One that was made a moment ago has no runs.
    assert alarm["TreatMissingData"] == "notBreaching"


def test_the_bucket_is_private_encrypted_and_empties_itself(found: Resources) -> None:
    logical_id, body = only(found, "AWS::S3::Bucket")
    bucket = body["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 31
    _, policy = only(found, "AWS::S3::BucketPolicy")
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    _, canary = only(found, "AWS::Synthetics::Canary")
    assert json.dumps({"Ref": logical_id}) in json.dumps(canary["Properties"]["ArtifactS3Location"])


def test_the_role_reaches_its_own_bucket_logs_and_namespace(found: Resources) -> None:
    _, canary = only(found, "AWS::Synthetics::Canary")
    _, role = only(found, "AWS::IAM::Role")
    assert "ManagedPolicyArns" not in role["Properties"]
    [policy] = role["Properties"]["Policies"]
    wide = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        if statement["Resource"] == "*":
            wide |= {statement["Action"]}
            if statement["Action"] == "cloudwatch:PutMetricData":
                assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "CloudWatchSynthetics"}}
        elif "logs:PutLogEvents" in statement["Action"]:
            assert f"cwsyn-{canary['Properties']['Name']}-*" in json.dumps(statement["Resource"])
    assert wide == {"s3:ListAllMyBuckets", "cloudwatch:PutMetricData"}


def test_a_url_may_be_known_only_on_aws() -> None:
    stack = new_stack()
    SyntheticsCanary(stack, "Canary", url=cdk.Fn.import_value("url"))
    _, body = only(resources(stack), "AWS::Synthetics::Canary")
    assert body["Properties"]["RunConfig"]["EnvironmentVariables"]["URL"] == {"Fn::ImportValue": "url"}
    assert body["Properties"]["Schedule"]["Expression"] == "rate(5 minutes)"


def test_status_and_latency_may_be_known_only_on_aws() -> None:
    stack = new_stack()
    number: Any = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
    SyntheticsCanary(stack, "Canary", url=URL, status=number, latency=Duration.seconds(number))
    _, body = only(resources(stack), "AWS::Synthetics::Canary")
    environment = body["Properties"]["RunConfig"]["EnvironmentVariables"]
    assert (environment["STATUS"], environment["SECONDS"]) == ({"Ref": "Number"}, {"Ref": "Number"})


def test_a_runtime_that_the_cdk_does_not_know_can_be_named() -> None:
    stack = new_stack()
    runtime = synthetics.Runtime("syn-python-selenium-14.0", synthetics.RuntimeFamily.PYTHON)
    SyntheticsCanary(stack, "Canary", url=URL, runtime=runtime)
    _, body = only(resources(stack), "AWS::Synthetics::Canary")
    assert body["Properties"]["RuntimeVersion"] == "syn-python-selenium-14.0"


def test_two_canaries_have_two_names() -> None:
    stack = new_stack()
    for name in ("One", "Two"):
        SyntheticsCanary(stack, name, url=URL)
    names = {
        body["Properties"]["Name"] for body in resources(stack).values() if body["Type"] == "AWS::Synthetics::Canary"
    }
    assert len(names) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "orders.example.com"},
        {"status": 99},
        {"rate": Duration.seconds(90)},
        {"rate": Duration.minutes(61)},
        {"latency": Duration.seconds(0)},
        {"latency": Duration.minutes(5)},
        {"status": "200"},
        {"latency": 2},
        {"rate": Duration.minutes(cdk.Token.as_number(cdk.Fn.import_value("rate")))},
    ],
)
def test_refuses(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        SyntheticsCanary(cdk.Stack(), "Canary", **{"url": URL, **arguments})


# --- the script, as Synthetics would run it --------------------------------------------------------------------------------------


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(0.4)
        status = {"/missing": 404, "/moved": 302}.get(self.path, 200)
        self.send_response(status)
        self.send_header("location", "/")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("STATUS", "200")
    monkeypatch.setenv("SECONDS", "0.3")
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def run(monkeypatch: pytest.MonkeyPatch, url: str) -> str:
    monkeypatch.setenv("URL", url)
    return canary_script.handler(None, None)


def test_a_good_answer_passes(monkeypatch: pytest.MonkeyPatch, site: str) -> None:
    assert "answered 200" in run(monkeypatch, f"{site}/")


@pytest.mark.parametrize(("path", "why"), [("/missing", "answered 404, not 200"), ("/moved", "answered 302, not 200")])
def test_another_status_fails(monkeypatch: pytest.MonkeyPatch, site: str, path: str, why: str) -> None:
    with pytest.raises(RuntimeError, match=why):
        run(monkeypatch, f"{site}{path}")


def test_a_wanted_redirect_passes(monkeypatch: pytest.MonkeyPatch, site: str) -> None:
    monkeypatch.setenv("STATUS", "302")
    assert "answered 302" in run(monkeypatch, f"{site}/moved")


def test_a_slow_answer_fails(monkeypatch: pytest.MonkeyPatch, site: str) -> None:
    with pytest.raises(RuntimeError, match=r"slow gave no answer within 0.3 s"):
        run(monkeypatch, f"{site}/slow")


@pytest.mark.usefixtures("site")
def test_no_answer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="refused"):
        run(monkeypatch, "http://127.0.0.1:1/")
