"""Our reading of CloudFormation's updates and rollbacks of a stack with our custom resource; not AWS's code.

From the CloudFormation user guide ("Custom resources", "Stack failure options", "Cancel a stack update", "Stack status
codes"): a failed Update is followed by an Update with the properties reversed; a resource whose properties did not change
gets no event.
"""

from typing import TYPE_CHECKING, Any

from tests.model.names import LOGICAL_ID, STACK, when
from tests.model.provider import Request, Waiter

if TYPE_CHECKING:
    from tests.model.world import World

SERVICE_TIMEOUT_S = 55 * 60


class Stack:
    """One stack with the deployment resource, last in its order."""

    def __init__(self, world: "World", properties: dict[str, Any]) -> None:
        self._world = world
        self.properties = properties
        self.status = "CREATE_COMPLETE"
        self._requests = 0
        self._cancelled = False
        self.answered: list[Request] = []

    @property
    def rolling_back(self) -> bool:
        return "ROLLBACK" in self.status

    def update(self, properties: dict[str, Any]) -> None:
        """One update, to its end."""
        world, clock = self._world, self._world.clock
        self.status, self._cancelled = "UPDATE_IN_PROGRESS", False
        if world.update.cancelled is not None:
            clock.after(world.update.cancelled, self._cancel)
        clock.sleep(20)  # everything else in the stack
        if world.update.other_fails or self._cancelled:
            self.status = "UPDATE_ROLLBACK_IN_PROGRESS"
            clock.sleep(20)
            self._end("UPDATE_ROLLBACK_COMPLETE")
            return
        if properties != self.properties:
            request = self._ask(properties, self.properties)
            if request.status != "SUCCESS":
                clock.sleep(5)  # from a resource's failure to the stack's own status
                self.status = "UPDATE_ROLLBACK_IN_PROGRESS"
                back = self._ask(self.properties, properties, rolls_back=True)
                world.broken.rollback_succeeds(back)
                self._end("UPDATE_ROLLBACK_COMPLETE" if back.status == "SUCCESS" else "UPDATE_ROLLBACK_FAILED")
                return
            self.properties = properties
        self._end("UPDATE_COMPLETE")

    def _end(self, status: str) -> None:
        self.status = status if status.endswith("FAILED") else f"{status}_CLEANUP_IN_PROGRESS"
        self._world.clock.sleep(5)
        self.status = status
        self._world.broken.stack_is_not_stuck(self)

    def ask_for_first_tasks(self, properties: dict[str, Any]) -> Request:
        """Sends the other resource's Create and waits for its answer."""
        event = {
            "RequestType": "Create",
            "ResourceType": "Custom::SeaChangeFirstTasks",
            "ResourceProperties": properties,
        }
        return self._send(event)

    def turn_to(self, status: str) -> None:
        """The stack's status changes from outside."""
        self.status = status

    def _ask(self, properties: dict[str, Any], old: dict[str, Any], *, rolls_back: bool = False) -> Request:
        """Sends an Update and waits for its answer."""
        event = {
            "RequestType": "Update",
            "ResourceType": "Custom::SeaChangeDeployment",
            "PhysicalResourceId": f"seachange-deployment-{LOGICAL_ID}",
            "ResourceProperties": properties,
            "OldResourceProperties": old,
        }
        return self._send(event, rolls_back=rolls_back)

    def _send(self, event: dict[str, Any], *, rolls_back: bool = False) -> Request:
        """Sends an event and waits for the first answer, a cancellation, or the resource's timeout."""
        world, clock = self._world, self._world.clock
        self._requests += 1
        event |= {
            "RequestId": f"{self._requests:08d}-5c1e-4a8e-9d55-0123456789ab",
            "StackId": STACK,
            "ResponseURL": "https://cloudformation.invalid/",
            "LogicalResourceId": LOGICAL_ID,
        }
        request = Request(event["RequestId"], event, clock.now, rolls_back)
        Waiter(world, request)
        if world.update.twice is not None:
            clock.after(world.update.twice, lambda: self._again(request))
        until = clock.now + SERVICE_TIMEOUT_S
        clock.after(SERVICE_TIMEOUT_S, lambda: None)
        while request.status is None and clock.now < until and not (self._cancelled and not rolls_back):
            clock.step()
        if request.status is None:
            cancelled = self._cancelled and not rolls_back
            request.status, request.reason = "FAILED", "Resource update cancelled" if cancelled else "timed out"
            if not cancelled:
                world.broken.ends_in_time(request)
        self.answered.append(request)
        return request

    def _again(self, request: Request) -> None:
        Waiter(self._world, request)

    def _cancel(self) -> None:
        if self.status == "UPDATE_IN_PROGRESS":
            self._cancelled = True

    # What boto3 answers.

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        assert StackName == STACK
        return {
            "Stacks": [{"StackName": "shop", "StackId": STACK, "StackStatus": self.status, "CreationTime": when(0)}]
        }
