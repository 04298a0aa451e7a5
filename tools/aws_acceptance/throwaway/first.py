"""A service that never becomes healthy: its container dies."""

from aws_cdk import CfnWaitCondition, CfnWaitConditionHandle, Stack
from constructs import Construct

from seachange import BlueGreenLoadBalancer, BlueGreenService, Network
from tools.aws_acceptance.throwaway.parts import DYING, quick_health, small_service

SIBLING_S = 15 * 60


class FirstStack(Stack):
    """The service, and beside it a resource that fails for certain, should nothing in the service have failed the create before."""

    def __init__(self, scope: Construct, construct_id: str, *, network: str) -> None:
        super().__init__(scope, construct_id, description="SeaChange acceptance: delete me")
        vpc = Network.published(self, "Network", prefix=f"/{network}")
        # Nobody calls it, so it fails when its time is over; no event of the service can end it.
        CfnWaitCondition(
            self, "Sibling", count=1, timeout=str(SIBLING_S), handle=CfnWaitConditionHandle(self, "Handle").ref
        )
        BlueGreenService(
            self,
            "Service",
            vpc=vpc,
            load_balancer=BlueGreenLoadBalancer(self, "LoadBalancer", vpc=vpc, health_check=quick_health()),
            service_name="first",
            **small_service("v1", DYING),
        )
