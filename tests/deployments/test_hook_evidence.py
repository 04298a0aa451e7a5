"""The hook's line, found again in its log."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from seachange_deployments.hook_evidence import hook_lines, verdict_line

HOOK_LOGS = {"AfterAllowTestTraffic": "/smoke", "BeforeAllowTraffic": "/theirs"}


class Logs:
    """CloudWatch Logs: what each search finds."""

    def __init__(self) -> None:
        self.client: Any = boto3.client(
            "logs", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        self.stub = Stubber(self.client)
        self.stub.activate()

    def holds(self, group: str, *lines: tuple[int, str], more: str = "", after: str = "") -> "Logs":
        answer: dict[str, Any] = {"events": [{"timestamp": at, "message": message} for at, message in lines]}
        request = {"logGroupName": group, "filterPattern": '"d-ABC"', "startTime": 1_800_000_000_500}
        self.stub.add_response(
            "filter_log_events",
            answer | ({"nextToken": more} if more else {}),
            request | ({"nextToken": after} if after else {}),
        )
        return self

    def lines(self) -> list[str]:
        return hook_lines(self.client, HOOK_LOGS, "d-ABC", since=1_800_000_000.5)


@pytest.fixture
def logs() -> Iterator[Logs]:
    made = Logs()
    yield made
    made.stub.assert_no_pending_responses()


def test_the_last_line_of_each_hook(logs: Logs) -> None:
    line = verdict_line("d-ABC", "step 'read': status 500 instead of 200: oh\n no")
    logs.holds("/smoke", (1, "[INFO]\tearlier"), (2, f"[ERROR]\t2026-11-25T01:00:00Z\tid-1\t{line}\n"))
    logs.holds("/theirs", (3, "gate  of d-ABC\nrefused"))
    assert logs.lines() == [
        "AfterAllowTestTraffic hook: Smoke test of deployment d-ABC failed: step 'read': status 500 instead of 200: oh no",
        "BeforeAllowTraffic hook: gate of d-ABC refused",
    ]


def test_every_page_is_read(logs: Logs) -> None:
    logs.holds("/smoke", more="next").holds("/smoke", (1, verdict_line("d-ABC", None)), after="next").holds("/theirs")
    assert logs.lines() == ["AfterAllowTestTraffic hook: Smoke test of deployment d-ABC passed"]


def test_a_long_line_is_cut(logs: Logs) -> None:
    logs.holds("/smoke", (1, verdict_line("d-ABC", "x" * 5000))).holds("/theirs")
    [line] = logs.lines()
    assert len(line) < 700
    assert line.endswith("… (cut)")
