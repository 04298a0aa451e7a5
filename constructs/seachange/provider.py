"""The CDK's Provider framework behind our custom resources, with roles that reach one log group and two functions."""

from aws_cdk import Duration, custom_resources
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange.findings import LAMBDA_FINDINGS, acknowledge, wildcard

_WAITER_FINDINGS = {
    "AwsSolutions-SF1": "Step Functions keeps the history of each execution for 90 days, and what it calls writes its own log. To log here too, "
    "its role would need to change the log delivery of the whole account.",
    "AwsSolutions-SF2": "Its one step calls one function again and again; the function's log has what a trace would show.",
}
_INVOKE = "The versions of one function; the CDK's framework grants them together with the function."


def scoped_provider(
    scope: Construct,
    construct_id: str,
    *,
    on_event: lambda_.Function,
    is_complete: lambda_.Function,
    query_interval: Duration,
    total_timeout: Duration,
    log_group: logs.LogGroup,
) -> custom_resources.Provider:
    """A provider whose framework functions have roles of ours instead of AWS's managed policies.

    Args:
        scope: Whose child it is.
        construct_id: It decides the logical ids of the framework's functions, which a custom resource can never change.
        on_event, is_complete: The handlers.
        query_interval: From one call of `is_complete` to the next.
        total_timeout: How long it goes on calling.
        log_group: Where the framework's functions write.
    """
    roles = [
        iam.Role(
            scope,
            f"{construct_id}{name}Role",
            description="The framework behind a custom resource",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        for name in ("OnEvent", "IsComplete")
    ]
    for role in roles:
        log_group.grant_write(role)
        acknowledge(
            role, {wildcard(scope, f"{function.function_arn}:*"): _INVOKE for function in (on_event, is_complete)}
        )
    provider = custom_resources.Provider(
        scope,
        construct_id,
        on_event_handler=on_event,
        is_complete_handler=is_complete,
        query_interval=query_interval,
        total_timeout=total_timeout,
        log_group=log_group,
        framework_on_event_role=roles[0],
        framework_complete_and_timeout_role=roles[1],
    )
    waiter = provider.node.find_child("waiter-state-machine")
    acknowledge(waiter, _WAITER_FINDINGS)
    for name in ("onEvent", "isComplete", "onTimeout"):
        function = provider.node.find_child(f"framework-{name}")
        assert isinstance(function, lambda_.Function)
        acknowledge(function, LAMBDA_FINDINGS)
        acknowledge(waiter, {wildcard(scope, f"{function.function_arn}:*"): _INVOKE})
    return provider
