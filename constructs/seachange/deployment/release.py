"""What a release brings besides its image, and the frozen service must not hold: it travels in the deployment's AppSpec."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Tokenization
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from seachange.capacity import check_capacity
from seachange.errors import InvalidArgumentError
from seachange.task import check_port


@dataclass(frozen=True, kw_only=True)
class ReleaseTarget:
    """Container, port, network, platform and capacity of one release.

    Attributes:
        name: The release's name.
        container_name, container_port: What gets the traffic.
        subnets: The tasks' subnets, by id.
        security_groups: The tasks' security groups.
        platform_version: Fargate's; None leaves the one that serves.
        capacity_providers: None leaves the capacity that serves.
    """

    name: str
    container_name: str
    container_port: int
    subnets: Sequence[str]
    security_groups: Sequence[ec2.ISecurityGroup]
    platform_version: ecs.FargatePlatformVersion | None
    capacity_providers: Sequence[ecs.CapacityProviderStrategy] | None

    def __post_init__(self) -> None:
        # ECS API Reference, AwsVpcConfiguration.
        for argument, items, most in (
            ("task_subnets", self.subnets, 16),
            ("task_security_groups", self.security_groups, 5),
        ):
            if not 1 <= len(items) <= most:
                raise InvalidArgumentError(
                    f"BlueGreenService({argument}=)", f"{len(items)} of them", f"give 1 to {most}: ECS takes no more"
                )
        check_port(self.container_port)
        if self.platform_version is not None and not isinstance(self.platform_version, ecs.FargatePlatformVersion):
            raise InvalidArgumentError(
                "BlueGreenService(platform_version=)",
                self.platform_version,
                "give one of ecs.FargatePlatformVersion, such as ecs.FargatePlatformVersion.VERSION1_4",
            )
        if self.capacity_providers is not None:
            check_capacity(self.capacity_providers)

    def properties(self) -> dict[str, Any]:
        """The deployment resource's properties for it; numbers as text, as CloudFormation hands them over."""
        properties: dict[str, Any] = {
            "Release": self.name,
            "ContainerName": self.container_name,
            "ContainerPort": Tokenization.stringify_number(self.container_port),
            "Subnets": list(self.subnets),
            "SecurityGroups": [group.security_group_id for group in self.security_groups],
            "AssignPublicIp": "DISABLED",
        }
        if self.platform_version is not None:
            properties["PlatformVersion"] = _PLATFORMS[self.platform_version]
        if self.capacity_providers is not None:
            properties["CapacityProviders"] = [
                {
                    "CapacityProvider": strategy.capacity_provider,
                    "Base": Tokenization.stringify_number(strategy.base or 0),
                    "Weight": Tokenization.stringify_number(strategy.weight or 0),
                }
                for strategy in self.capacity_providers
            ]
        return properties


_PLATFORMS = {
    ecs.FargatePlatformVersion.LATEST: "LATEST",
    ecs.FargatePlatformVersion.VERSION1_4: "1.4.0",
    ecs.FargatePlatformVersion.VERSION1_3: "1.3.0",
    ecs.FargatePlatformVersion.VERSION1_2: "1.2.0",
    ecs.FargatePlatformVersion.VERSION1_1: "1.1.0",
    ecs.FargatePlatformVersion.VERSION1_0: "1.0.0",
}
