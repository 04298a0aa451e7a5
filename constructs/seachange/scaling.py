"""Autoscaling of a blue/green service, over both target groups."""

from dataclasses import dataclass

from aws_cdk import Duration, Names
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from seachange.errors import InvalidArgumentError
from seachange.known import check_number
from seachange.targets import Targets, through_network_load_balancer

# CodeDeploy gives a scaling event in the middle of a deployment five minutes to settle (CodeDeploy and ECS developer guides): the next one comes
# no sooner.
_COOLDOWN = Duration.minutes(5)


@dataclass(frozen=True, kw_only=True)
class ScalingTargets:
    """What the number of tasks shall keep; each is a policy of its own, and the highest number of tasks wins.

    During a deployment ECS scales out but never in, and blue and green each have the desired count: for its time there are up to twice
    `max_tasks` tasks. A scaling event has five minutes to settle then, or the deployment fails: so no policy scales out twice within five
    minutes.

    Attributes:
        cpu_percent: Average CPU of the service's tasks: no policy by default; 1 to 100.
        memory_percent: Average memory of the service's tasks: no policy by default; 1 to 100.
        requests_per_task: Requests in a minute for each healthy task, counted over both target groups, smoke tests included: no policy by
            default; more than 0.
    """

    cpu_percent: float | None = None
    memory_percent: float | None = None
    requests_per_task: float | None = None

    def __post_init__(self) -> None:
        for name in ("cpu_percent", "memory_percent"):
            percent = getattr(self, name)
            if percent is not None:
                check_number(f"ScalingTargets({name}=)", percent, lambda given: 1 <= given <= 100, "give 1 to 100")
        if self.requests_per_task is not None:
            check_number(
                "ScalingTargets(requests_per_task=)",
                self.requests_per_task,
                lambda given: given > 0,
                "give more than 0",
            )
        if (self.cpu_percent, self.memory_percent, self.requests_per_task) == (None, None, None):
            raise InvalidArgumentError("ScalingTargets()", "no target", "give one at least, or leave scaling out")


def keep_targets(
    scope: Construct, *, targets: ScalingTargets, scaling: ecs.ScalableTaskCount, load_balancer: Targets
) -> None:
    """Adds a policy to the scalable target for each target that is set."""
    if targets.cpu_percent is not None:
        scaling.scale_on_cpu_utilization(
            "CpuTarget",
            target_utilization_percent=targets.cpu_percent,
            scale_in_cooldown=_COOLDOWN,
            scale_out_cooldown=_COOLDOWN,
        )
    if targets.memory_percent is not None:
        scaling.scale_on_memory_utilization(
            "MemoryTarget",
            target_utilization_percent=targets.memory_percent,
            scale_in_cooldown=_COOLDOWN,
            scale_out_cooldown=_COOLDOWN,
        )
    if targets.requests_per_task is not None:
        _on_requests(scope, targets.requests_per_task, scaling, load_balancer)


def _on_requests(scope: Construct, target: float, scaling: ecs.ScalableTaskCount, load_balancer: Targets) -> None:
    """Requests of both groups together, over the tasks of the larger one: while traffic moves, all of it may soon lie on either."""
    if through_network_load_balancer(load_balancer):
        raise InvalidArgumentError(
            "ScalingTargets(requests_per_task=)", target, "leave it out: a Network Load Balancer counts no requests"
        )
    policy = autoscaling.CfnScalingPolicy
    scalable_target = scaling.node.find_child("Target").node.default_child
    assert isinstance(scalable_target, autoscaling.CfnScalableTarget)
    groups = {"blue": load_balancer.blue, "green": load_balancer.green}

    def query(
        name: str, metric: str, statistic: str
    ) -> autoscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
        group = groups[name]
        dimensions = {"LoadBalancer": group.first_load_balancer_full_name, "TargetGroup": group.target_group_full_name}
        return policy.TargetTrackingMetricDataQueryProperty(
            id=f"{name}_{metric.lower()}",
            return_data=False,
            metric_stat=policy.TargetTrackingMetricStatProperty(
                stat=statistic,
                metric=policy.TargetTrackingMetricProperty(
                    namespace="AWS/ApplicationELB",
                    metric_name=metric,
                    dimensions=[
                        policy.TargetTrackingMetricDimensionProperty(name=key, value=value)
                        for key, value in dimensions.items()
                    ],
                ),
            ),
        )

    requests = [query(name, "RequestCount", "Sum") for name in groups]
    tasks = [query(name, "HealthyHostCount", "Average") for name in groups]
    autoscaling.CfnScalingPolicy(
        scope,
        "RequestScaling",
        policy_name=f"{Names.unique_id(scope)}Requests",
        policy_type="TargetTrackingScaling",
        scaling_target_id=scalable_target.ref,
        target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=target,
            scale_in_cooldown=_COOLDOWN.to_seconds(),
            scale_out_cooldown=_COOLDOWN.to_seconds(),
            customized_metric_specification=policy.CustomizedMetricSpecificationProperty(
                metrics=[
                    *requests,
                    *tasks,
                    policy.TargetTrackingMetricDataQueryProperty(
                        id="per_task",
                        label="Requests in a minute for each healthy task",
                        return_data=True,
                        # The idle group sends neither metric: FILL makes it nothing rather than no point.
                        expression="(FILL(blue_requestcount, 0) + FILL(green_requestcount, 0)) "
                        "/ MAX([FILL(blue_healthyhostcount, 0), FILL(green_healthyhostcount, 0)])",
                    ),
                ]
            ),
        ),
    )
