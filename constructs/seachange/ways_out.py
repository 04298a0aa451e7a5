"""How to get what was wanted without touching what is frozen."""

SERVICE = "AWS::ECS::Service"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
STACK = "the stack itself"
"""No type of CloudFormation's: what CloudFormation holds of the stack beside its template."""

NEW_SERVICE = "make a second service under a new construct id and a new service_name, and remove this one when no traffic is left on it"
_PORT = "leave the load balancer's container port as it was and give the release's own port to BlueGreenService(container_port=)"
_CARRIED = "which the deployment carries"
_WAYS_OUT = {
    SERVICE: {
        "CapacityProviderStrategy": f"give it to BlueGreenService(capacity_providers=), {_CARRIED}",
        "DependsOn": "let nothing new stand before the service; if the library or the CDK moved it, stay on the version before",
        "DeploymentController": f"ECS cannot change a service's deployment engine in place: {NEW_SERVICE}",
        "DesiredCount": "leave initial_desired_count as it was; min_tasks and max_tasks own the count after the creation",
        "LaunchType": f"give BlueGreenService(capacity_providers=), {_CARRIED}",
        "LoadBalancers": _PORT,
        "NetworkConfiguration": "leave vpc_subnets as it was and give the release's own network to "
        "BlueGreenService(task_subnets=, task_security_groups=)",
        "PlatformVersion": f"give it to BlueGreenService(platform_version=), {_CARRIED}",
        "Tags": "tag the task definition instead: its tags reach the tasks",
    },
    LISTENER: {
        "Certificates": "leave the default certificate as it was and add an ApplicationListenerCertificate beside the listener",
    },
    TARGET_GROUP: {"Port": _PORT},
    STACK: {
        "Tags": "CloudFormation puts a stack's tags on every resource, the frozen ones too: leave them as they were, or tag resources "
        "only (feature flag @aws-cdk/core:explicitStackTags)",
    },
}
_GONE = "keep its construct id and its place in the tree; if it shall go, accept that with `seachange freeze --accept`"


def way_out(resource_type: str, name: str) -> str:
    """What to do instead of changing a property of a frozen resource; `resource` stands for the whole of it, which is gone."""
    if name == "resource":
        return _GONE
    return _WAYS_OUT.get(resource_type, {}).get(name, f"take the change back, or {NEW_SERVICE}")
