"""How many tasks a service may have, on what they run, and what that asks of the database."""

from collections.abc import Sequence
from typing import NoReturn

from aws_cdk import Annotations, Token
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from seachange.errors import InvalidArgumentError
from seachange.known import check_number

_OWN_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


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


def check_capacity(strategies: Sequence[ecs.CapacityProviderStrategy]) -> None:
    """Refuses a strategy that ECS would refuse when the deployment starts (ECS API Reference, CapacityProviderStrategyItem).

    Names, bases and weights that are known only when the stack deploys are let through.
    """
    if not 1 <= len(strategies) <= 20:
        _refuse(f"{len(strategies)} of them", "give 1 to 20, or none")
    names = [strategy.capacity_provider for strategy in strategies]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        _refuse(", ".join(twice), "name each capacity provider once, with all of its weight")
    for strategy in strategies:
        _check_whole(f"base of {strategy.capacity_provider}", strategy.base, 100_000)
        _check_whole(f"weight of {strategy.capacity_provider}", strategy.weight, 1000)
    if not any(strategy.weight for strategy in strategies):
        _refuse(
            "weights that are all 0",
            "give one of them a weight of 1 or more: a provider of weight 0 gets no task beyond its base",
        )
    based = [s.capacity_provider for s in strategies if s.base and not Token.is_unresolved(s.base)]
    if len(based) > 1:
        _refuse(f"a base for each of {', '.join(based)}", "give one of them a base: ECS takes one in a strategy")


def check_own_capacity(strategies: Sequence[ecs.CapacityProviderStrategy]) -> None:
    """Refuses providers that a cluster of our own does not have; see `every_capacity`."""
    unknown = [
        strategy.capacity_provider
        for strategy in strategies
        if not Token.is_unresolved(strategy.capacity_provider) and strategy.capacity_provider not in _OWN_PROVIDERS
    ]
    if unknown:
        _refuse(
            ", ".join(unknown),
            f"give {' or '.join(_OWN_PROVIDERS)}: the service's own cluster has no other; for one of yours give its cluster",
        )


def _check_whole(what: str, value: float | None, most: int) -> None:
    if value is not None:
        check_number(
            f"BlueGreenService(capacity_providers=), {what}",
            value,
            lambda given: given % 1 == 0 and 0 <= given <= most,
            f"give a whole number from 0 to {most:,}",
        )


def _refuse(found: str, remedy: str) -> NoReturn:
    raise InvalidArgumentError("BlueGreenService(capacity_providers=)", found, remedy)


def every_capacity(scope: Construct, cluster: ecs.ICluster) -> ecs.CfnClusterCapacityProviderAssociations:
    """Lets any release choose its capacity. ECS takes a provider from a cluster only when no task uses it: the service must go first."""
    return ecs.CfnClusterCapacityProviderAssociations(
        scope,
        "Capacity",
        cluster=cluster.cluster_name,
        capacity_providers=list(_OWN_PROVIDERS),
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
