"""Our reading of the CDK's Provider framework between CloudFormation and the Lambda; not its code.

From the source of aws-cdk-lib's provider framework and waiter state machine: an exception of the user's function is FAILED
at once, with its message; "not complete" is asked again after the query interval, until the total timeout; an event that
comes twice starts a second waiter beside the first; the first answer counts, and a waiter polls on whatever became of its
request. The CloudFormation user guide ("Custom resource response objects") limits the answer to 4096 bytes.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.model import doors
from tests.model.errors import LambdaDied
from tests.model.invariants import Cause, causes
from tests.model.names import LOGICAL_ID, STACK

if TYPE_CHECKING:
    from tests.model.world import World

QUERY_INTERVAL_S, TOTAL_TIMEOUT_S = 15, 50 * 60
_ATTEMPTS = TOTAL_TIMEOUT_S // QUERY_INTERVAL_S
_LONGEST_QUIET_S = 150.0
# What Node adds when the framework sends an error's stack.
_NODE = "\n    at invokeUserFunction (/var/task/framework.js:2:6)\n" + "".join(
    f"    at async {frame} (/var/task/{file}.js:1:1)\n"
    for frame, file in (("isComplete", "framework"), ("Runtime.handler", "cfn-response"))
)
_LOGS = "\n\nLogs: /aws/lambda/shop-CustomersDeploymentIsComplete0123456789AB-0123456789ab\n"


@dataclass
class Request:
    """One event for the custom resource, and the first answer to it."""

    id: str
    event: dict[str, Any]
    sent: float
    rolls_back: bool
    status: str | None = None
    reason: str = ""

    def answer(
        self, world: "World", status: str, reason: str, before: "list[Cause]", since: float = float("inf")
    ) -> None:
        """A reply reaches CloudFormation; only the first one counts. `before`: what stood in the way when it was begun."""
        if self.status is not None:
            return
        body = {
            "Status": status,
            "Reason": reason,
            "StackId": STACK,
            "RequestId": self.id,
            "PhysicalResourceId": f"seachange-deployment-{LOGICAL_ID}",
            "LogicalResourceId": self.event["LogicalResourceId"],
            "Data": {"DeploymentId": "d-000000000"},
        }
        size = len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
        world.broken.reply_fits(size, reason)
        self.status, self.reason = status, reason
        if status == "FAILED" and not self.rolls_back:
            world.broken.failure_names_its_cause(world, self, before, since)


class Waiter:
    """The framework's state machine: polls until the resource is complete, fails, or the time is over."""

    def __init__(self, world: "World", request: Request) -> None:
        self._world, self._request = world, request
        self._attempts = 0
        self._seen: object = None
        self._last = 0.0
        self.in_rollback = False
        self.wanted = True
        answer = doors.on_event(json.loads(json.dumps(request.event)))
        self._event = json.dumps({**request.event, **answer})
        world.clock.after(1, self._attempt, ticks=True)

    def _attempt(self) -> None:
        """One attempt; only counted while nothing has changed since the last poll, for the Lambda keeps no state."""
        world = self._world
        self._attempts += 1
        if self._fingerprint() != self._seen or world.clock.now - self._last >= _LONGEST_QUIET_S:
            if self._poll():
                return
            self._seen, self._last = None if world.faulted else self._fingerprint(), world.clock.now
        if self._attempts >= _ATTEMPTS:
            self._request.answer(world, "FAILED", "Operation timed out", [])
        else:
            world.clock.after(QUERY_INTERVAL_S + 1, self._attempt, ticks=True)  # the Lambda takes its second

    def _fingerprint(self) -> object:
        world = self._world
        return world.clock.happened, world.codedeploy.changes, world.stack.status, self._request.status

    def _poll(self) -> bool:
        """Whether this ends the waiter."""
        world = self._world
        world.polls += 1
        world.faulted = lost = world.polls in world.update.lost_polls
        since = world.clock.now
        over = self._outcome()
        if over and not lost:
            self._request.answer(world, *over, since)
        return over is not None and not lost

    def beside(self) -> None:
        """The same poll at the same time, in a second Lambda."""
        since = self._world.clock.now
        over = self._outcome()
        if over:
            self._request.answer(self._world, *over, since)

    def _outcome(self) -> tuple[str, str, list[Cause]] | None:
        """What the framework would answer to CloudFormation and what stood in the way; None for nothing yet."""
        outer, self.in_rollback = self.in_rollback, self._world.stack.rolling_back
        self.wanted = self._request.status is None
        before = causes(self._world, self._request)
        self._world.polling.append(self)
        try:
            answer = doors.is_complete(json.loads(self._event))
        except LambdaDied:
            if self.in_rollback:
                return None  # no code answers for a dead Lambda: here the framework's own dies with it, and asks again
            message = "RequestId: 6bc1f0b0 Error: Task timed out after 120.00 seconds"
            return "FAILED", f"Error: {message}{_LOGS}{_NODE}", [("Task timed out",)]
        except Exception as error:  # noqa: BLE001 - the framework reports whatever the function raises
            if self._world.faulted:
                before = [*before, ("AWS did not answer",)]
            return "FAILED", f"Error: {error}{_LOGS}{_NODE}", before
        finally:
            self._world.polling.pop()
            self.in_rollback = outer
        if answer["IsComplete"]:
            json.dumps(answer)
            return "SUCCESS", "SUCCESS", before
        assert not answer.get("Data"), '"Data" is not allowed if "IsComplete" is "False"'
        return None
