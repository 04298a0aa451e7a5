"""Functions of the user's own at the events of a deployment."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from seachange.errors import InvalidArgumentError

SMOKE_EVENT = "AfterAllowTestTraffic"
"""The test listener serves the new release, production does not: the smoke test's moment."""

# https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html, Amazon ECS
LIFECYCLE_EVENTS = ("BeforeInstall", "AfterInstall", SMOKE_EVENT, "BeforeAllowTraffic", "AfterAllowTraffic")
"""Where a hook can be, in the order of a deployment."""

LONGEST_MINUTES = 60


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A Lambda function that CodeDeploy calls at one event of every deployment, and waits for.

    It gets `DeploymentId` and `LifecycleEventHookExecutionId`, and must answer with
    `codedeploy:PutLifecycleEventHookExecutionStatus`, `Succeeded` or `Failed`; returning does not answer. Failed, or
    no answer within an hour, ends the deployment, and CodeDeploy takes traffic back. Only at `BeforeInstall` nothing
    can be taken back: a failure there ends the deployment before it has begun. Lambda delivers an event at least once.

    Attributes:
        function: Yours. Its role is allowed to answer; an imported function without a role of this app must be
            allowed by you.
        timeout: The longest until it answers, counted in the deployment's time: 3 minutes by default, an hour at most,
            for CodeDeploy waits no longer. One such hook fits beside a smoke test and the traffic plan of their defaults:
            10 minutes for the start, 5, 3 and 27 are the 45 that there are. An approval by a person is such a hook.
    """

    function: lambda_.IFunction
    timeout: Duration = field(default_factory=lambda: Duration.minutes(3))

    def __post_init__(self) -> None:
        # What makes a function is its ARN: jsii knows the interface by it, whoever implements it.
        if not hasattr(type(self.function), "function_arn"):
            raise InvalidArgumentError(
                "Hook(function=)", self.function, "give a Lambda function of the CDK (IFunction)"
            )
        if not isinstance(self.timeout, Duration):
            raise InvalidArgumentError("Hook(timeout=)", self.timeout, "give a Duration, such as Duration.minutes(3)")
        if self.timeout.is_unresolved():
            return
        minutes = self.timeout.to_minutes(integral=False)
        if not 0 < minutes <= LONGEST_MINUTES:
            raise InvalidArgumentError(
                "Hook(timeout=)",
                f"{minutes:g} min",
                f"give more than 0 and {LONGEST_MINUTES} min at most: CodeDeploy waits no longer for an answer",
            )


def checked_hooks(hooks: Mapping[str, Hook], *, smoke_test: bool) -> dict[str, Hook]:
    """The hooks in the order of a deployment; InvalidArgumentError for an event that does not exist or is taken.

    Args:
        hooks: Lifecycle event → hook.
        smoke_test: Whether a smoke test has its event already.
    """
    for event in hooks:
        if event not in LIFECYCLE_EVENTS:
            close = difflib.get_close_matches(event, LIFECYCLE_EVENTS, n=1)
            meant = f"did you mean {close[0]}? " if close else ""
            raise InvalidArgumentError(
                "BlueGreenService(hooks=)", event, f"{meant}CodeDeploy has hooks at {', '.join(LIFECYCLE_EVENTS)}"
            )
    if smoke_test and SMOKE_EVENT in hooks:
        raise InvalidArgumentError(
            "BlueGreenService(hooks=)",
            SMOKE_EVENT,
            "the smoke test has this event, and CodeDeploy takes one function for each; use BeforeAllowTraffic, which comes next",
        )
    return {event: hooks[event] for event in LIFECYCLE_EVENTS if event in hooks}


def allow_answer(grantee: iam.IGrantable, deployment_group_arn: str) -> iam.Grant:
    """Lets a hook answer CodeDeploy about the deployments of one group.

    The Service Authorization Reference names no resource for this action; AWS's own policies for hooks
    (aws-cdk-lib's LambdaDeploymentGroup, the SAM guide) name the deployment group, and so does this.
    """
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["codedeploy:PutLifecycleEventHookExecutionStatus"],
        resource_arns=[deployment_group_arn],
    )
