"""The door of the migrations Lambda: CloudFormation's events in, the Provider framework's answers out.

`on_event` and `is_complete` are the two handlers of a CDK `Provider`. An event may come twice. Delete does nothing: a
database outlives its stack. The migration's state machine calls published versions of `is_complete` too, for pieces of work.
"""

import time
from collections.abc import Mapping
from typing import Any

from seachange_migrations.deployed.carry_out import RESERVE_S
from seachange_migrations.deployed.resource import Context, migrate_for
from seachange_migrations.deployed.worker import work
from seachange_migrations.errors import one_line

# CloudFormation takes 4096 bytes, the framework's own words and the ids included.
ERROR_BYTES = 1500


class MigrationFailedError(Exception):
    """What CloudFormation shows as the reason: one line that fits its answer."""


def on_event(event: Mapping[str, Any], _: Context) -> dict[str, Any]:
    """Answers with the resource's stable id and the time, in seconds since 1970, from which its deadline counts.

    It refuses nothing, for it may not ask whether the stack rolls back; `is_complete` validates the request.
    """
    physical_id = event.get("PhysicalResourceId") or f"seachange-migrations-{event['LogicalResourceId']}"
    return {"PhysicalResourceId": physical_id, "StartedAt": int(time.time())}


def is_complete(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Migrates for as long as this call may last; what is left is done when it is asked again, or by the state machine."""
    if event.get("RequestType") == "Delete":
        return {"IsComplete": True}
    try:
        if "Work" in event:
            return work(event, lambda: context.get_remaining_time_in_millis() / 1000 - RESERVE_S)
        attributes = migrate_for(event, context)
    except Exception as error:
        raise MigrationFailedError(one_line(error, ERROR_BYTES)) from error
    return {"IsComplete": False} if attributes is None else {"IsComplete": True, "Data": attributes}
