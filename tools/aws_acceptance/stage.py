"""What a check works with: AWS, the throwaway stacks, time, and a place for what it saw."""

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from tools.aws_acceptance.aws import Aws
from tools.aws_acceptance.cdk import Cdk, Running
from tools.aws_acceptance.clock import Clock
from tools.aws_acceptance.names import Names

Seen = TypeVar("Seen")
LONGEST_DEPLOY_MINUTES = 90


class NotPossibleError(Exception):
    """A check cannot go on: what it needs is not there."""


def fetch(url: str) -> int:
    """The status of one GET; 0 when nobody answered."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@dataclass(kw_only=True)
class Stage:
    """One run.

    Attributes:
        names: The stacks' names.
        aws, cdk, clock: The world.
        fetch: Gets an address and answers with the status.
        say: Tells the person what happens.
        running: Deployments that may be under way.
    """

    names: Names
    aws: Aws
    cdk: Cdk
    clock: Clock
    say: Callable[[str], None]
    fetch: Callable[[str], int] = fetch
    running: list[Running] = field(default_factory=list)
    _made: set[str] = field(default_factory=set)

    def wait(self, look: Callable[[], Seen | None], *, minutes: float, every: float = 15) -> Seen | None:
        """What `look` sees, asked until it is something; None when the time is over."""
        until = self.clock.now().timestamp() + 60 * minutes
        while (seen := look()) is None and self.clock.now().timestamp() < until:
            self.clock.sleep(every)
        return seen

    def need(self, stack: str) -> None:
        """Makes sure that a stack was created in this run, and the network before it."""
        for one in dict.fromkeys((self.names.plain, stack)):
            if one not in self._made:
                self.say(f"creating {one}")
                self._made.add(one)
                if self.deploy(one):
                    raise NotPossibleError(f"stack {one} could not be created: {self.status(one)}; see its cdk log")

    def start(
        self, stack: str, *, tags: Mapping[str, str] | None = None, release: str = "v1", **context: str
    ) -> Running:
        """Starts a deployment of a stack by the CDK."""
        self._made.add(stack)
        run = self.cdk.start(stack, {"name": self.names.plain, "release": release, **context}, tags or {})
        self.running.append(run)
        return run

    def ended(self, run: Running) -> int:
        """The exit code of a deployment by the CDK, waited for."""
        code = self.wait(run.poll, minutes=LONGEST_DEPLOY_MINUTES)
        if code is None:
            raise NotPossibleError(f"cdk deploy has not ended within {LONGEST_DEPLOY_MINUTES} minutes")
        return code

    def deploy(self, stack: str, *, tags: Mapping[str, str] | None = None, release: str = "v1", **context: str) -> int:
        """A whole deployment by the CDK; its exit code."""
        return self.ended(self.start(stack, tags=tags, release=release, **context))

    def describe(self, stack: str) -> dict[str, Any] | None:
        """A stack as CloudFormation describes it; None when there is none."""
        try:
            found: dict[str, Any] = self.aws.call("cloudformation.describe_stacks", StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return found

    def status(self, stack: str) -> str:
        """A stack's status; empty when there is none."""
        return str((self.describe(stack) or {}).get("StackStatus", ""))

    def outputs(self, stack: str) -> dict[str, str]:
        """What a stack says of itself."""
        found = (self.describe(stack) or {}).get("Outputs", [])
        return {one["OutputKey"].removeprefix("Out"): one["OutputValue"] for one in found}

    def last_event(self, stack: str) -> str:
        """The newest event's id, to ask later for all after it; empty when there is none."""
        if self.describe(stack) is None:
            return ""
        events = self.aws.call("cloudformation.describe_stack_events", StackName=stack)["StackEvents"]
        return events[0]["EventId"] if events else ""

    def events_after(self, stack: str, last: str) -> list[dict[str, Any]]:
        """The stack's events after that one, the oldest first."""
        found = []
        for event in self.aws.every("cloudformation.describe_stack_events", "StackEvents", StackName=stack):
            if event["EventId"] == last:
                break
            found.append(event)
        return found[::-1]

    def alarm(self, name: str, state: str) -> None:
        """Puts one of the run's alarms into a state."""
        self.aws.call(
            "cloudwatch.set_alarm_state", AlarmName=name, StateValue=state, StateReason="SeaChange acceptance"
        )
