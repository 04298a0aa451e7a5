"""The doors of the deployment custom resources, for the CDK's Provider framework.

`on_event` only notes when CloudFormation asked. All work is in `is_complete`, which the framework calls again and
again: it may lose a throttled call without failing the stack.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from seachange_deployments import first_tasks
from seachange_deployments.guards import FIRST_TASKS
from seachange_deployments.observe import Clients
from seachange_deployments.reconcile import reconcile
from seachange_deployments.request import Request


def on_event(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers with the resource's stable id and the time, in seconds since 1970, from which the deadline counts."""
    kind = "first-tasks" if event.get("ResourceType") == FIRST_TASKS else "deployment"
    physical_id = event.get("PhysicalResourceId") or f"seachange-{kind}-{event['LogicalResourceId']}"
    return {"PhysicalResourceId": physical_id, "StartedAt": int(time.time())}


def is_complete(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Takes the next step of a deployment's Update, or of the first tasks' Create; nothing else has any."""
    logging.getLogger("seachange_deployments").setLevel(logging.INFO)
    if event.get("ResourceType") == FIRST_TASKS:
        watched = event["RequestType"] != "Create" or first_tasks.watch(Request.of(event), Clients.connect())
        return {"IsComplete": watched}
    if event["RequestType"] != "Update":  # ECS makes and ends the first task set itself
        return {"IsComplete": True, "Data": {"DeploymentId": ""}}
    attributes = reconcile(Request.of(event), Clients.connect())
    return {"IsComplete": False} if attributes is None else {"IsComplete": True, "Data": attributes}
