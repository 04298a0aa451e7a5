"""`seachange migrate`"""

import json
import math
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seachange.cli.progress import Format, Shown, shown
from seachange.errors import SeaChangeError

if TYPE_CHECKING:
    from seachange_migrations.connection import ConnectionSettings
    from seachange_migrations.report import Report

SCHEMA = "seachange.migrate/1"
INTERRUPTED = "interrupted; what was committed stays, and the next run goes on from there"


def migrate(
    phase: Annotated[
        Literal["expand", "contract"],
        typer.Option(help="expand, before the new release: adds. contract, when the old one is gone: takes away."),
    ],
    directory: Annotated[Path, typer.Argument(help="The Alembic directory.")] = Path("migrations"),
    url: Annotated[
        str | None,
        typer.Option(
            envvar="DATABASE_URL",
            show_envvar=True,
            help="postgresql://USER@HOST:PORT/DATABASE; the password from PGPASSWORD, ~/.pgpass or the URL. TLS is verified "
            "where neither sslmode= nor PGSSLMODE says otherwise.",
        ),
    ] = None,
    target: Annotated[str, typer.Option(help="A revision, LABEL@head, or heads: how far to go.")] = "heads",
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would run; nothing is changed.")] = False,
    profile: Annotated[
        Literal["gentle", "fast"],
        typer.Option(help="The pace of backfills: gentle leaves requests as quick as they are, fast takes more."),
    ] = "gentle",
    timeout: Annotated[
        float | None,
        typer.Option(min=1, help="Seconds after which it stops in good order, waiting included; never by default."),
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", help="For people, or JSON lines for programs.")
    ] = Format.TERMINAL,
) -> None:
    """Bring a PostgreSQL database to the directory's revisions.

    One phase at a time, while the service runs. Each revision is one transaction that waits 2 s for a lock and then gives way.
    What was committed stays, whatever happens, and the next run goes on from there. Of several deployers one works; the others
    wait and say for whom.

    \b
    seachange migrate migrations --phase expand --url postgresql://owner@db.example.com/shop --plan
    PGPASSWORD=… seachange migrate --phase expand --url postgresql://owner@db.example.com/shop
    seachange migrate --phase contract --target 0003 --profile fast

    With --format json each line is an event; the last one is "finished" or "failed", with "schema": "seachange.migrate/1".

    Exit code 0: done. 1: refused, failed or not finished in time; one line says why. 2: unusable input. 130: interrupted.
    """
    from seachange.cli.connecting import exit_code, settings_of
    from seachange_migrations.errors import MigrationError

    # The revisions may import the application, which is found from the folder where the command is given.
    sys.path.insert(0, str(Path.cwd()))
    # A cancelled pipeline sends SIGTERM: it ends in good order, like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = settings_of(url)
        if plan:
            from seachange.cli.planned import planned, render

            print(render(planned(settings, directory, phase, target), output))
            return
        with shown(output) as progress:
            report = _migrated(settings, directory, phase, target, profile, timeout, progress)
    except (MigrationError, SeaChangeError) as error:
        code = exit_code(error) if isinstance(error, MigrationError) else 2
        _say(output, {"event": "failed", "error": type(error).__name__, "reason": str(error), "exit_code": code})
        print(f"seachange: {error}", file=sys.stderr)
        raise typer.Exit(code) from None
    except KeyboardInterrupt:
        _say(output, {"event": "failed", "error": "Interrupted", "reason": INTERRUPTED, "exit_code": 130})
        print(f"seachange: {INTERRUPTED}", file=sys.stderr)
        raise typer.Exit(130) from None
    _say(output, {"event": "finished", **_as_json(report)})
    if output is Format.TERMINAL:
        print(_as_text(report))


def _migrated(
    settings: "ConnectionSettings",
    directory: Path,
    phase: str,
    target: str,
    profile: Literal["gentle", "fast"],
    timeout: float | None,
    progress: Shown,
) -> "Report":
    """Migrates, and waits for another deployer for as long as it takes. Raises a MigrationError."""
    from seachange_migrations.errors import LockHeldError
    from seachange_migrations.migrate import migrate as engine
    from seachange_migrations.phases import Phase

    deadline = math.inf if timeout is None else time.monotonic() + timeout

    def time_left() -> float:
        return deadline - time.monotonic()

    while True:
        try:
            return engine(settings, directory, Phase(phase), target, progress, time_left=time_left, profile=profile)
        except LockHeldError:
            # It has polled for ten seconds and said for whom.
            if time_left() <= 0:
                raise


def _say(output: Format, event: dict[str, object]) -> None:
    if output is Format.JSON:
        print(json.dumps({"schema": SCHEMA, **event}), flush=True)


def _as_json(report: "Report") -> dict[str, object]:
    return {
        "from": list(report.before),
        "to": list(report.after),
        "revisions": list(report.revisions),
        "duration_s": round(report.duration_s, 3),
        "max_lock_wait_ms": round(report.lock_wait_ms, 1),
        "rows_backfilled": report.rows_backfilled,
    }


def _as_text(report: "Report") -> str:
    at = ", ".join(report.after) or "no revision"
    if not report.revisions:
        return f"done: nothing had to run; the database is at {at}"
    count = len(report.revisions)
    return (
        f"done: {count} {'revision' if count == 1 else 'revisions'} in {report.duration_s:.1f} s, longest lock wait "
        f"{report.lock_wait_ms:.0f} ms, {report.rows_backfilled:,} rows backfilled; the database is at {at}"
    )
