"""What CodeDeploy calls in the course of a deployment, event by event."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange.deployment.hooks import SMOKE_EVENT, Hook, allow_answer, checked_hooks
from seachange.deployment.smoke import SmokeTest
from seachange.deployment.smoke_hook import SmokeTestHook
from seachange.targets import Targets


class Lifecycle(Construct):
    """The smoke test's function and the user's own, each allowed to answer CodeDeploy about this service's deployments.

    Args:
        smoke_test: Run when the test listener serves the new release; None for no smoke test.
        hooks: Lifecycle event → the user's function.
        load_balancer: The smoke test asks its test listener.
        vpc, vpc_subnets: Where the smoke test's function runs.
        deployment_group_arn: The group whose deployments they may answer.

    Attributes:
        functions: Lifecycle event → function.
        times: Lifecycle event → the longest that its function may take.
        logs: Lifecycle event → where its function says what failed; ours alone, for we know nothing of another's log.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        smoke_test: SmokeTest | None,
        hooks: Mapping[str, Hook],
        load_balancer: Targets,
        vpc: ec2.IVpc,
        vpc_subnets: ec2.SubnetSelection,
        deployment_group_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        hooks = checked_hooks(hooks, smoke_test=smoke_test is not None)
        self.functions: dict[str, lambda_.IFunction] = {event: hook.function for event, hook in hooks.items()}
        self.times: dict[str, Duration] = {event: hook.timeout for event, hook in hooks.items()}
        self.logs: dict[str, logs.ILogGroup] = {}
        for hook in hooks.values():
            role: iam.IRole | None = hook.function.role
            if role is not None:
                allow_answer(role, deployment_group_arn)
        if smoke_test is not None:
            smoke = SmokeTestHook(
                self,
                "SmokeTest",
                test=smoke_test,
                load_balancer=load_balancer,
                deployment_group_arn=deployment_group_arn,
                vpc=vpc,
                vpc_subnets=vpc_subnets,
            )
            self.functions[SMOKE_EVENT] = smoke.function
            self.times[SMOKE_EVENT] = smoke_test.timeout
            self.logs[SMOKE_EVENT] = smoke.log_group
