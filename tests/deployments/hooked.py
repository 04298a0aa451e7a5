"""The smoke test's hook as Lambda calls it, with EC2 and CodeDeploy behind botocore's Stubber."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tools.aws_acceptance.dry.shapes import check_enums

EVENT = {"DeploymentId": "d-ABCDEF123", "LifecycleEventHookExecutionId": "execution-1"}
BALANCER = "app/shop/50dc6c495c0c9188"
DESCRIBED = {
    "Filters": [
        {"Name": "description", "Values": [f"ELB {BALANCER}"]},
        {"Name": "status", "Values": ["in-use"]},
    ]
}


VARIABLES = {"SMOKE_LOAD_BALANCER": BALANCER, "SMOKE_TLS": "no"}


class Context:
    """Lambda's context of a call that has so many seconds left."""

    def __init__(self, seconds: float = 300) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Aws:
    """EC2 and CodeDeploy as the hook meets them."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {
            name: boto3.client(
                name, region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
            )
            for name in ("ec2", "codedeploy")
        }
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def has_nodes(self, *addresses: str) -> "Aws":
        interfaces = [{"PrivateIpAddress": address} for address in addresses]
        self.stubs["ec2"].add_response("describe_network_interfaces", {"NetworkInterfaces": interfaces}, DESCRIBED)
        return self

    def is_answered(self, status: str, *, error: str = "") -> "Aws":
        request = {
            "deploymentId": EVENT["DeploymentId"],
            "lifecycleEventHookExecutionId": EVENT["LifecycleEventHookExecutionId"],
            "status": status,
        }
        model = self.clients["codedeploy"].meta.service_model
        operation = "put_lifecycle_event_hook_execution_status"
        check_enums(
            model.operation_model("PutLifecycleEventHookExecutionStatus").input_shape,
            request,
            "PutLifecycleEventHookExecutionStatus",
        )
        if error:
            self.stubs["codedeploy"].add_client_error(operation, error, expected_params=request)
        else:
            answer = {"lifecycleEventHookExecutionId": EVENT["LifecycleEventHookExecutionId"]}
            self.stubs["codedeploy"].add_response(operation, answer, request)
        return self

    def connect(self, monkeypatch: pytest.MonkeyPatch) -> "Aws":
        """Takes the place of boto3's clients."""
        monkeypatch.setattr(boto3, "client", lambda name, **_: self.clients[name])
        return self

    def settled(self) -> None:
        """Fails for a call that was expected and not made."""
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()
