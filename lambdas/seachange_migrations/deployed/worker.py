"""What the migration's state machine asks of a worker, a call of the Lambda or a task: one piece of work, for as long as a call may last.

A piece that is not ready says so and is asked for again. Everything that must be remembered lies in the database, so a worker may die at
any moment.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import DBAPIError

from seachange_migrations.backfill import run_range, split, store
from seachange_migrations.backfill.errors import BackfillPendingError
from seachange_migrations.connection import open_connection
from seachange_migrations.deployed import aws
from seachange_migrations.deployed.carry_out import carry_out, directory, free_storage, log, migrating
from seachange_migrations.deployed.long_way import DEFERRED_ROWS
from seachange_migrations.deployed.request import Request
from seachange_migrations.deployed.status import status
from seachange_migrations.directory import configuration, load
from seachange_migrations.errors import InvalidRequestError, LockHeldError, OutOfTimeError, UnreachableError
from seachange_migrations.plan import pending
from seachange_migrations.running import Run, TimeLeft, running

# More than the workers of the widest machine, so that the last range is a short one.
RANGES = 16
PAUSE_S = 5.0
# A failover or a reboot.
CONNECTION_PATIENCE_S = 3 * 60

Answer = dict[str, Any]


def work(message: Mapping[str, Any], time_left: TimeLeft) -> Answer:
    """Does one piece of work.

    `message` holds `Work`: `migrate`, `range` or `status`; `Request`, the properties of the custom resource; and for a range its
    `Range`: `Name`, the backfill's, and `Number`. Answers to `migrate` with `State`: `done` and `Report`, `backfill` and `Ranges`, or
    `again`; to `range` with `State`: `done` or `again`. Raises a MigrationError for what no repetition mends.
    """
    request = Request.parse({"ResourceProperties": message.get("Request")})
    kind = message.get("Work")
    if kind == "migrate":
        return _patiently(lambda: _migrate(request, time_left), time_left)
    if kind == "range":
        name, number = str(message["Range"]["Name"]), int(message["Range"]["Number"])
        return _patiently(lambda: _range(request, name, number, time_left), time_left)
    if kind == "status":
        return status(request).to_json()
    raise InvalidRequestError(f"work {kind!r} is none of migrate, range and status")


def _migrate(request: Request, time_left: TimeLeft) -> Answer:
    try:
        report = carry_out(request, time_left, deferred_rows=DEFERRED_ROWS)
    except BackfillPendingError as error:
        log({"event": "backfill_deferred", "backfill": error.name, "rows": error.rows})
        with open_connection(migrating(request)) as connection:
            spec = store.spec(connection, error.name)
            connection.rollback()
            numbers = split(connection, spec, RANGES)
        return {"State": "backfill", "Ranges": [{"Name": error.name, "Number": number} for number in numbers]}
    if request.since is not None:
        where = directory(request)
        applied = pending(load(where, configuration(where)), request.since, report.after)
        report = replace(report, before=request.since, revisions=applied)
    return {"State": "done", "Report": report.attributes()}


def _range(request: Request, name: str, number: int, time_left: TimeLeft) -> Answer:
    run = Run(on_progress=log, time_left=time_left, free_storage=free_storage(request))
    with running(run), open_connection(migrating(request)) as connection:
        # While another session has it, too, so that the machine's history grows by a few events for each whole call.
        while not run_range(connection, name, number):
            if time_left() < 2 * PAUSE_S:
                return {"State": "again"}
            time.sleep(PAUSE_S)
    return {"State": "done"}


def _patiently(attempt: Callable[[], Answer], time_left: TimeLeft) -> Answer:
    """Tries again within the call while another deployer works, or the database is away; each try counts its patience anew."""
    away_since: float | None = None
    while True:
        try:
            return attempt()
        except OutOfTimeError as error:
            log({"event": "not_complete", "reason": str(error)})
            return {"State": "again"}
        except Exception as error:
            if not (_is_away(error) or isinstance(error, LockHeldError) or aws.is_throttled(error)):
                raise
            if _is_away(error):
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > CONNECTION_PATIENCE_S:
                    raise
            log({"event": "waiting", "reason": str(error)})
            if time_left() < 2 * PAUSE_S:
                return {"State": "again"}
            time.sleep(PAUSE_S)


def _is_away(error: BaseException | None) -> bool:
    """Whether the database or AWS could not be reached, or went away in the middle."""
    while error is not None:
        if isinstance(error, UnreachableError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
            return True
        if isinstance(error, Exception) and aws.is_unreachable(error):
            return True
        error = error.__cause__
    return False
