"""Where a load balancer answers inside its own network."""

from typing import TYPE_CHECKING

from seachange_deployments.errors import DeploymentError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def private_addresses(ec2: "EC2Client", load_balancer: str) -> list[str]:
    """The private IPv4 addresses of an Application Load Balancer's nodes; `load_balancer` is `app/<name>/<id>`.

    Its name leads a caller inside the VPC of an internet-facing load balancer to public addresses, and there no rule
    that names the caller's security group ever matches. AWS describes the nodes' network interfaces as
    `ELB app/<name>/<id>` (https://repost.aws/knowledge-center/elb-find-load-balancer-ip). They come and go as it scales.

    Raises DeploymentError when there is none.
    """
    pages = ec2.get_paginator("describe_network_interfaces").paginate(
        Filters=[
            {"Name": "description", "Values": [f"ELB {load_balancer}"]},
            {"Name": "status", "Values": ["in-use"]},
        ]
    )
    found = {interface["PrivateIpAddress"] for page in pages for interface in page["NetworkInterfaces"]}
    if not found:
        raise DeploymentError(
            f"Load balancer {load_balancer} has no network interface in use: look whether it is active, and in this "
            "account and region."
        )
    return sorted(found)
