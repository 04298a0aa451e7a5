"""The doors of the deployment custom resource, for the CDK's Provider framework.

`on_event` only notes when CloudFormation asked. All work is in `is_complete`, which the framework calls again and
again: it may lose a throttled call without failing the stack.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from seachange_deployments.errors import is_passing
from seachange_deployments.observe import Clients
from seachange_deployments.reconcile import Request, reconcile

logger = logging.getLogger(__name__)


def on_event(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers with the resource's stable id and the time, in seconds since 1970, from which the deadline counts."""
    physical_id = event.get("PhysicalResourceId") or f"seachange-deployment-{event['LogicalResourceId']}"
    return {"PhysicalResourceId": physical_id, "StartedAt": int(time.time())}


def is_complete(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Takes the next step of an Update; Create and Delete need none (ECS makes and ends the first task set itself)."""
    if event["RequestType"] != "Update":
        return {"IsComplete": True, "Data": {"DeploymentId": ""}}
    try:
        attributes = reconcile(Request.of(event), Clients.connect())
    except (ClientError, BotoCoreError) as error:
        if not is_passing(error):
            raise
        logger.warning("AWS did not answer, looking again later: %s", error)
        attributes = None
    return {"IsComplete": False} if attributes is None else {"IsComplete": True, "Data": attributes}
