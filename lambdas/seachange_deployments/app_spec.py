"""The AppSpec of an ECS deployment: written for our own, read from any.

https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from seachange_deployments import release
from seachange_deployments.release import Release

_HOOKS = ("BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic")
# Somebody else's AppSpec may be YAML, which this runtime cannot read; the key and the ARN look the same in both.
_TASK_DEFINITION = re.compile(r"""TaskDefinition["']?\s*:\s*["']?(arn:[^\s"',}]+)""")


def app_spec(properties: Mapping[str, Any]) -> str:
    """The AppSpec of the resource's properties, as JSON; CodeDeploy minds the casing."""
    target: dict[str, Any] = {
        "TaskDefinition": properties["TaskDefinition"],
        "LoadBalancerInfo": {
            "ContainerName": properties["ContainerName"],
            "ContainerPort": int(properties["ContainerPort"]),
        },
    }
    if platform := properties.get("PlatformVersion"):
        target["PlatformVersion"] = platform
    network = {
        name: properties[name] for name in ("Subnets", "SecurityGroups", "AssignPublicIp") if properties.get(name)
    }
    if network:
        target["NetworkConfiguration"] = {"AwsvpcConfiguration": network}
    if providers := properties.get("CapacityProviders"):
        target["CapacityProviderStrategy"] = [
            {"CapacityProvider": name, "Base": base, "Weight": weight}
            for name, base, weight in sorted(release.capacity(providers))
        ]
    spec: dict[str, Any] = {
        "version": 0.0,
        "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": target}}],
    }
    given = properties.get("Hooks") or {}
    if hooks := [{event: given[event]} for event in _HOOKS if given.get(event)]:
        spec["Hooks"] = hooks
    return json.dumps(spec, separators=(",", ":"))


def release_in(content: str) -> Release:
    """The release that an AppSpec deploys; of one in YAML the task definition alone is known.

    Hooks are no part of it. What an AppSpec in JSON leaves out counts as empty, so it differs from a release that states it.
    """
    try:
        target = json.loads(content)["Resources"][0]["TargetService"]["Properties"]
        load_balancer = target["LoadBalancerInfo"]
        network = target.get("NetworkConfiguration", {}).get("AwsvpcConfiguration", {})
        return Release(
            task_definition=target["TaskDefinition"],
            container=(load_balancer["ContainerName"], int(load_balancer["ContainerPort"])),
            subnets=frozenset(network.get("Subnets", [])),
            security_groups=frozenset(network.get("SecurityGroups", [])),
            public_ip=network.get("AssignPublicIp", ""),
            platform=target.get("PlatformVersion", ""),
            capacity=release.capacity(target.get("CapacityProviderStrategy", [])),
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        named = _TASK_DEFINITION.search(content)
        return Release(task_definition=named.group(1) if named else None)
