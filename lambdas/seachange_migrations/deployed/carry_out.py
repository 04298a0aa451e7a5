"""Carries out what a custom resource asks for, with the roles and secrets that it names."""

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.deployed import aws
from seachange_migrations.deployed.free_storage import FreeStorage
from seachange_migrations.deployed.request import Request
from seachange_migrations.migrate import migrate
from seachange_migrations.report import Report
from seachange_migrations.roles import ensure_roles, protect_version_table
from seachange_migrations.running import TimeLeft, endless

# What stays for rolling back, unlocking and answering before Lambda ends the call.
RESERVE_S = 30.0


def carry_out(request: Request, time_left: TimeLeft, *, deferred_rows: float = math.inf) -> Report:
    """Makes the roles where they are managed, then migrates; raises what `migrate` raises."""
    owner = connecting = settings(request, request.secret_arn)
    application = None
    if request.owner_secret_arn is not None and request.application_secret_arn is not None:
        owner, application = (
            settings(request, secret) for secret in (request.owner_secret_arn, request.application_secret_arn)
        )
        ensure_roles(connecting, owner, application, log)
    _prove(request, owner, time_left, creator=connecting, service=application)
    report = migrate(
        owner,
        directory(request),
        request.phase,
        request.target,
        log,
        time_left=time_left,
        deferred_rows=deferred_rows,
        free_storage=free_storage(request),
    )
    if report.after and application is not None:
        protect_version_table(owner, application, report.version_table)
    return report


def _prove(
    request: Request,
    migrating: ConnectionSettings,
    time_left: TimeLeft,
    *,
    creator: ConnectionSettings,
    service: ConnectionSettings | None,
) -> None:
    """Raises BreaksReleaseError when a statement of the serving release would not survive the migration."""
    if not request.proof:
        return
    # With it comes the parser, which a call that has nothing to prove need not load.
    from seachange_migrations.check.gate import gate_migration

    gate_migration(
        migrating,
        directory(request),
        request.phase,
        request.target,
        creator=creator,
        service=service,
        on_progress=log,
        time_left=time_left,
    )


def directory(request: Request) -> Path:
    """The Alembic directory, below the Lambda's code or, by an absolute path, in an image."""
    return Path(os.environ.get("LAMBDA_TASK_ROOT", "/")) / request.directory


def migrating(request: Request) -> ConnectionSettings:
    """The connection of the role that migrates. Raises as `aws.credentials` does."""
    return settings(request, request.owner_secret_arn or request.secret_arn)


def settings(request: Request, secret_arn: str) -> ConnectionSettings:
    """The connection of the role whose credentials lie in a secret. Raises as `aws.credentials` does."""
    found = aws.credentials(secret_arn)
    return ConnectionSettings(
        host=request.host, port=request.port, database=request.database, user=found.username, password=found.password
    )


def free_storage(request: Request) -> Callable[[], float]:
    """Tells the bytes of storage that the database has left; without limit where nobody named its instance."""
    return FreeStorage(request.instance, log) if request.instance else endless


def log(entry: Mapping[str, object]) -> None:
    """One JSON line in the Lambda's log."""
    # In one write, for threads tell things too.
    print(json.dumps({"service": "seachange-migrations", **entry}, default=str) + "\n", end="", flush=True)
