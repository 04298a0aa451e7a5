"""What a hook says of a deployment: the line that it logs, and how that line is found again.

CodeDeploy takes no more than a status from a hook: what failed is only in the hook's own log.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_MARK = "Smoke test of deployment"
_LONGEST_LINE = 600


def verdict_line(deployment_id: str, problem: str | None) -> str:
    """The one line that the smoke test's hook logs for a deployment."""
    verdict = f"failed: {' '.join(problem.split())}" if problem else "passed"
    return f"{_MARK} {deployment_id} {verdict}"


def hook_lines(
    logs: "CloudWatchLogsClient", hook_logs: Mapping[str, str], deployment_id: str, *, since: float
) -> list[str]:
    """The last line of each hook's log that names the deployment, with its lifecycle event.

    A hook that logged no such line is left out: a function of the user's need not name the deployment.

    Args:
        logs: CloudWatch Logs; the caller needs logs:FilterLogEvents on the groups.
        hook_logs: Lifecycle event → log group.
        deployment_id: CodeDeploy's.
        since: When the deployment was asked for, in seconds since 1970; older lines are not read.
    """
    found: list[str] = []
    for event, group in hook_logs.items():
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern=f'"{deployment_id}"', startTime=int(since * 1000)
        )
        lines = [(line.get("timestamp", 0), line.get("message", "")) for page in pages for line in page["events"]]
        if lines:
            found.append(f"{event} hook: {_plain(max(lines)[1])}")
    return found


def _plain(message: str) -> str:
    """A message in one line of bearable length, without what the Lambda runtime puts before ours."""
    line = " ".join(message[max(0, message.find(_MARK)) :].split())
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} … (cut)"
