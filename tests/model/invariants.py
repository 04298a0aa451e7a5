"""What must hold after every sequence, one function for each promise."""

import re
from typing import TYPE_CHECKING

from tests.model.ecs import STOP_REASON
from tests.model.names import BLUE_ALARM, COMMON_ALARM, GREEN_ALARM, GROUPS, task_definition

if TYPE_CHECKING:
    from tests.model.cloudformation import Stack
    from tests.model.ecs import Ecs
    from tests.model.provider import Request
    from tests.model.world import World

_DEADLINE_S = 45 * 60
DEADLINE = r"4[5-8] min"

# The regular expressions of which a message about the cause matches every one.
Cause = tuple[str, ...]


class Broken:
    """Collects broken promises: the code under test could swallow an exception raised inside an AWS call."""

    def __init__(self) -> None:
        self.promises: list[str] = []

    def _unless(self, holds: object, promise: str, detail: str) -> None:
        if not holds:
            self.promises.append(f"{promise}: {detail}")

    def stack_is_not_stuck(self, stack: "Stack") -> None:
        """(1) The stack never ends in UPDATE_ROLLBACK_FAILED."""
        self._unless(stack.status != "UPDATE_ROLLBACK_FAILED", "stack_is_not_stuck", stack.status)

    def traffic_points_at_running_tasks(self, ecs: "Ecs") -> None:
        """(2) No target group without running tasks has a listener's weight."""
        for group, weight in ecs.weights.items():
            self._unless(
                not weight or ecs.running_in(group), "traffic_points_at_running_tasks", f"{weight} % on {group}"
            )

    def may_start(self, world: "World", release: str) -> None:
        """What must hold when the deployment resource starts a deployment."""
        self._no_failed_release_by_rollback(world, release)
        self._no_second_deployment(world, release)
        self.acts_for_the_living(world, f"starts {release}")

    def _no_failed_release_by_rollback(self, world: "World", release: str) -> None:
        """(3) No release whose last deployment failed or was stopped is ever started by a stack rollback."""
        last = world.codedeploy.last_of(release)
        bad = last and last.status in ("Failed", "Stopped")
        by_rollback = world.polling[-1].in_rollback
        self._unless(not (bad and by_rollback), "no_failed_release_by_rollback", f"{release} after {last}")

    def _no_second_deployment(self, world: "World", release: str) -> None:
        """(4) No second deployment for a release that already serves."""
        serves = world.ecs.primary.task_definition == release
        self._unless(not serves, "no_second_deployment", f"{release} serves already")

    def acts_for_the_living(self, world: "World", does: str) -> None:
        """(6) Between two updates of the stack nothing starts a deployment or ends a bake, though an old event come late.

        During the next update an old event cannot be told from a new one: the custom resource's events carry no time.
        """
        alive = world.polling[-1].wanted or world.stack.status == "UPDATE_IN_PROGRESS"
        self._unless(alive, "acts_for_the_living", f"{does} while the stack is {world.stack.status}")

    def failure_names_its_cause(self, world: "World", request: "Request", before: "list[Cause]", since: float) -> None:
        """(5) Every failure names its cause, as it was when the Lambda began to look (`since`), meanwhile, or as it is now."""
        wanted = [*before, *causes(world, request), *_meanwhile(world, since)]
        named = any(all(re.search(part, request.reason) for part in cause) for cause in wanted)
        self._unless(named, "failure_names_its_cause", f"none of {wanted} is in: {request.reason[:600]}")

    def reply_fits(self, size: int, reason: str) -> None:
        """A reply is 4096 bytes at most."""
        self._unless(size <= 4096, "reply_fits", f"{size} bytes: {reason[:100]}")

    def ends_in_time(self, request: "Request") -> None:
        """The resource answers before its ServiceTimeout."""
        self._unless(False, "ends_in_time", request.id)

    def rollback_succeeds(self, request: "Request") -> None:
        """In a stack rollback the resource always succeeds."""
        self._unless(request.status == "SUCCESS", "rollback_succeeds", request.reason[:600])


def causes(world: "World", request: "Request") -> list[Cause]:
    """What truly stands in the way of a request; if its own release failed last, nothing but that."""
    wanted = request.event["ResourceProperties"].get("TaskDefinition", task_definition(1))
    all_of_them = list(world.codedeploy.deployments.values())
    mine = [
        one
        for one in all_of_them
        if one.task_definition == wanted
        and not one.hidden
        and one.status in ("Failed", "Stopped")
        and not one.rolls_back
        and one.ended is not None
        and one.ended >= request.sent
    ]
    started = [one for one in all_of_them if not one.rolls_back]
    if mine and mine[-1] is started[-1]:
        return [mine[-1].cause]
    found: list[Cause] = [one.cause for one in mine]
    active = world.codedeploy.active
    overdue = world.clock.now - request.sent >= _DEADLINE_S
    if active and overdue:
        found.append((active.id, DEADLINE))
    elif active and (active.task_definition != wanted or active.hidden):
        found.append((active.id,))
    elif active and active.plan.crashes:
        found.append((active.id, STOP_REASON))
    serves_blue = world.ecs.primary.target_group == GROUPS[0]
    directed = GREEN_ALARM if serves_blue else BLUE_ALARM
    found += [(name,) for name in (directed, COMMON_ALARM) if name in world.cloudwatch.firing]
    if active:  # its own alarms keep its bake from being ended
        found += [(cause,) for name in active.alarms for cause in world.cloudwatch.behind(name)]
    other = next(group for group in GROUPS if group != world.ecs.primary.target_group)
    if world.ecs.weights[other]:
        found.append((f"{world.ecs.weights[other]} %", other.split("/")[1]))
    if world.ecs.primary.crashes:
        found.append((STOP_REASON,))
    if overdue:
        found.append((DEADLINE,))
    return found


def _meanwhile(world: "World", since: float) -> list[Cause]:
    """Deployments that ended during a look which took its time, and the traffic that they moved."""
    ended = [one for one in world.codedeploy.deployments.values() if one.ended is not None and one.ended >= since]
    during = [*ended, *([world.codedeploy.active] if world.codedeploy.active else [])]
    return [(one.id, "still shifting") for one in ended] + ([("% of the traffic goes",)] if during else [])
