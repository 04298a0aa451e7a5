"""How many tasks a service may have, on what they run, and what that asks of the database."""

from aws_cdk import Annotations, Token
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from seachange.errors import InvalidArgumentError


def check_counts(initial_desired_count: int, min_tasks: int, max_tasks: int) -> None:
    """Refuses counts that contradict each other; what is known only when the stack deploys is let through."""
    if any(Token.is_unresolved(count) for count in (initial_desired_count, min_tasks, max_tasks)):
        return
    if not 0 <= min_tasks <= max_tasks:
        bounds = f"{min_tasks} and {max_tasks}"
        raise InvalidArgumentError(
            "BlueGreenService(min_tasks=, max_tasks=)", bounds, "give 0 <= min_tasks <= max_tasks"
        )
    if initial_desired_count < 0:
        raise InvalidArgumentError("BlueGreenService(initial_desired_count=)", initial_desired_count, "give 0 or more")


def every_capacity(scope: Construct, cluster: ecs.ICluster) -> ecs.CfnClusterCapacityProviderAssociations:
    """Lets any release choose its capacity. ECS takes a provider from a cluster only when no task uses it: the service must go first."""
    return ecs.CfnClusterCapacityProviderAssociations(
        scope,
        "Capacity",
        cluster=cluster.cluster_name,
        capacity_providers=["FARGATE", "FARGATE_SPOT"],
        default_capacity_provider_strategy=[],
    )


def warn_of_connections(scope: Construct, *, max_tasks: int, per_task: int | None, most: int | None) -> None:
    """Warns when blue and green together can ask the database for more connections than it takes.

    Args:
        scope: Where the warning shows.
        max_tasks: The most tasks of one release.
        per_task: Connections of one task's pool; None says nothing.
        most: What the database takes; None says nothing.
    """
    if per_task is None or most is None or any(Token.is_unresolved(count) for count in (max_tasks, per_task, most)):
        return
    wanted = 2 * max_tasks * per_task
    if wanted > most:
        Annotations.of(scope).add_warning_v2(
            "@seachange/service:connections",
            f"Blue and green can ask the database for {wanted} connections (2 x max_tasks={max_tasks} x connections_per_task={per_task}), and it "
            f"takes max_connections={most}: give fewer tasks, a smaller pool, or a larger instance.",
        )
