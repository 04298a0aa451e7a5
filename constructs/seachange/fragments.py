"""The frozen fragments of a template: what must be the same at every deploy of a service under the CODE_DEPLOY controller.

Frozen are the whole properties, and `DependsOn`, of the ECS service, its listeners and its target groups, and the create-only properties of all
that these refer to, directly or through others: replacing a security group updates the service as surely as an edit of it does, and a
changed `DependsOn` alone has (aws-cdk#25777). So do the stack's own tags, which CloudFormation puts on every resource.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seachange.references import references
from seachange.ways_out import LISTENER, SERVICE, STACK, TARGET_GROUP, way_out

Fragments = dict[str, dict[str, Any]]

_WHOLE = frozenset({SERVICE, LISTENER, TARGET_GROUP, STACK})

# What CloudFormation replaces a resource for, of the types that a service, a listener or a target group can refer to (its resource schemas).
CREATE_ONLY: Mapping[str, frozenset[str]] = {
    "AWS::CertificateManager::Certificate": frozenset(
        {
            "CertificateAuthorityArn",
            "CertificateExport",
            "DomainName",
            "DomainValidationOptions",
            "KeyAlgorithm",
            "SubjectAlternativeNames",
        }
    ),
    "AWS::EC2::SecurityGroup": frozenset({"GroupDescription", "GroupName", "VpcId"}),
    "AWS::EC2::Subnet": frozenset(
        {
            "AvailabilityZone",
            "AvailabilityZoneId",
            "CidrBlock",
            "Ipv4IpamPoolId",
            "Ipv4NetmaskLength",
            "Ipv6IpamPoolId",
            "Ipv6Native",
            "Ipv6NetmaskLength",
            "OutpostArn",
            "VpcId",
        }
    ),
    "AWS::EC2::VPC": frozenset({"CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "VpcEncryptionControl"}),
    "AWS::ECS::Cluster": frozenset({"ClusterName"}),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": frozenset({"Name", "Scheme", "Type"}),
    "AWS::ElasticLoadBalancingV2::TrustStore": frozenset({"Name"}),
}


_UNTAGGED: Fragments = {STACK: {"Type": STACK, "Properties": {}}}


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One property of a frozen resource that is not what the record holds; the values as JSON, `nothing` for an absent one."""

    logical_id: str
    property: str
    before: str
    after: str
    way_out: str

    def __str__(self) -> str:
        if self.property == "resource":
            return f"{self.logical_id}: the {self.before} is gone"
        return f"{self.logical_id}: {self.property} moved from {_short(self.before)} to {_short(self.after)}"


def stack_fragment(tags: Mapping[str, str]) -> Fragments:
    """The tags of the stack itself, which stand in no template, as one more resource of it; nothing without any."""
    return {STACK: {"Type": STACK, "Properties": {"Tags": dict(tags)}}} if tags else {}


def frozen_fragments(resources: Mapping[str, Mapping[str, Any]], *, also: Iterable[str] = ()) -> Fragments:
    """Logical id → type, frozen properties and, for service, listeners and target groups, `DependsOn`; from a template's resources.

    It starts from the services under the CODE_DEPLOY controller and from what their deployment groups balance over.

    Args:
        resources: The template's, by logical id.
        also: Logical ids to start from besides: those of a record, for a service may have lost its controller.
    """
    fragments: Fragments = {}
    roots = [*also, *_roots(resources)]
    waiting = [*roots, STACK] if roots else []
    while waiting:
        logical_id = waiting.pop()
        body = resources.get(logical_id)
        if body is None or logical_id in fragments:
            continue  # a parameter, a pseudo parameter, or done
        properties = body.get("Properties", {})
        if body["Type"] not in _WHOLE:
            kept = CREATE_ONLY.get(body["Type"], frozenset())
            properties = {name: value for name, value in properties.items() if name in kept}
        fragments[logical_id] = {"Type": body["Type"], "Properties": properties}
        if body["Type"] in _WHOLE and "DependsOn" in body:
            needed = body["DependsOn"]
            fragments[logical_id]["DependsOn"] = sorted([needed] if isinstance(needed, str) else needed)
        waiting += references(properties)
    return dict(sorted(fragments.items()))


def moved(recorded: Fragments, found: Fragments) -> list[Moved]:
    """What of the recorded fragments is not in the template as it was; resources that the record does not know are new, and free."""
    differences: list[Moved] = []
    for logical_id, before in {**_UNTAGGED, **recorded}.items():
        after = found.get(logical_id, _UNTAGGED.get(logical_id))
        if after is None:
            gone = way_out(before["Type"], "resource")
            differences.append(
                Moved(logical_id=logical_id, property="resource", before=before["Type"], after="nothing", way_out=gone)
            )
            continue
        names = sorted({*before["Properties"], *after["Properties"]})
        pairs = [(name, before["Properties"].get(name), after["Properties"].get(name)) for name in names]
        pairs.append(("DependsOn", before.get("DependsOn"), after.get("DependsOn")))
        differences += [
            Moved(
                logical_id=logical_id,
                property=name,
                before=_text(old),
                after=_text(new),
                way_out=way_out(before["Type"], name),
            )
            for name, old, new in pairs
            if old != new
        ]
    return differences


def _roots(resources: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for logical_id, body in resources.items():
        properties = body.get("Properties", {})
        if body["Type"] == SERVICE and properties.get("DeploymentController", {}).get("Type") == "CODE_DEPLOY":
            yield logical_id
        elif body["Type"] == "AWS::CodeDeploy::DeploymentGroup":
            yield from references(properties.get("LoadBalancerInfo"))


def _text(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, sort_keys=True)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]} …"
