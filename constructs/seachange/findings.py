"""Findings of cdk-nag and checkov that a construct leaves on purpose, acknowledged beside what causes them.

cdk-nag reads the CDK's own acknowledgements; checkov reads the metadata of a resource, so its reasons stand in the template too.
"""

import json
from collections.abc import Mapping

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from constructs import IConstruct

LAMBDA_FINDINGS = {
    "CKV_AWS_115": "Called a few times in a deployment. In an account that starts with a quota of 10 concurrent executions none can be "
    "reserved, and the function could not be created.",
    "CKV_AWS_116": "Whoever calls it waits for its answer and fails without one; no event is left that a queue could keep.",
    "CKV_AWS_117": "It talks to AWS APIs alone, which check its role; inside a VPC it would gain routes and lose none.",
    "CKV_AWS_173": "Its variables are names and ARNs, no secrets; Lambda encrypts them at rest with a key of its own.",
}
"""Reasons for the Lambda functions behind custom resources and hooks, the CDK's own among them."""

HANDLER_FINDINGS = {
    **LAMBDA_FINDINGS,
    "AwsSolutions-L1": "Lambda supports Python 3.13 until 2029, and the migrations' pinned wheels are built for it; all functions run the same.",
}
"""Reasons for the library's own functions."""

VPC_HANDLER_FINDINGS = {finding: reason for finding, reason in HANDLER_FINDINGS.items() if finding != "CKV_AWS_117"}
"""Reasons for those of them that run in a VPC."""

LOG_GROUP_FINDINGS = {
    "CKV_AWS_158": "CloudWatch Logs encrypts every group at rest; a key of yours adds a way to lose the logs with the key.",
}

SECRET_FINDINGS = {
    "CKV_AWS_149": "Encrypted with the account's key for Secrets Manager; a key of yours is needed only to share it with other accounts.",
}


def acknowledge(construct: IConstruct, findings: Mapping[str, str]) -> None:
    """Acknowledges findings of one construct, each with its reason.

    Args:
        construct: An L1 resource, or a construct whose default child is one. What cdk-nag finds is acknowledged for all within it.
        findings: Full ids, `AwsSolutions-…` for cdk-nag and `CKV_…` for checkov, to reasons that a security engineer would accept.
    """
    checkov = {finding: reason for finding, reason in findings.items() if finding.startswith("CKV_")}
    if nag := [Acknowledgment(id=i, reason=reason) for i, reason in findings.items() if i not in checkov]:
        Validations.of(construct).acknowledge(*nag)
    if checkov:
        resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
        assert isinstance(resource, CfnResource)
        known = (resource.get_metadata("checkov") or {"skip": []})["skip"]
        # Several constructs of a stack may share one resource of the CDK's.
        reasons = {entry["id"]: entry["comment"] for entry in known} | checkov
        resource.add_metadata("checkov", {"skip": [{"id": i, "comment": reason} for i, reason in reasons.items()]})


def wildcard(scope: IConstruct, resource: str) -> str:
    """The id under which cdk-nag reports an IAM statement on `resource`, an ARN with a `*` in it or `*` alone."""
    return f"AwsSolutions-IAM5[Resource::{_flat(Stack.of(scope).resolve(resource))}]"


def managed_policy(scope: IConstruct, name: str) -> str:
    """The id under which cdk-nag reports an AWS managed policy, such as `service-role/AWSLambdaBasicExecutionRole`."""
    arn = Stack.of(scope).format_arn(service="iam", region="", account="aws", resource="policy", resource_name=name)
    return f"AwsSolutions-IAM4[Policy::{_flat(Stack.of(scope).resolve(arn))}]"


def _flat(value: object) -> str:
    """An intrinsic function as cdk-nag writes it in its ids."""
    match value:
        case str():
            return value
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_flat(part) for part in parts)
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case _:
            return json.dumps(value, separators=(",", ":"))
