"""The gate at deploy time: the serving release's statements must work after the revisions that are about to run.

It reads the real database, with short timeouts, and works in a scratch database on the same server. Where it cannot, it says
so and lets the migration pass: only what was seen to break is refused.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from seachange_migrations.check import check
from seachange_migrations.check.findings import Finding, Source, Verdict
from seachange_migrations.check.scratch import ScratchError, scratch
from seachange_migrations.check.scratch.failure import in_words
from seachange_migrations.check.workload import INTERVAL_S, Proof, Workload, collect, prove
from seachange_migrations.connection import ConnectionSettings, connect
from seachange_migrations.errors import BreaksReleaseError, ConnectionFailedError, one_line
from seachange_migrations.locks import lock_held
from seachange_migrations.outlook import inspect
from seachange_migrations.phases import Phase
from seachange_migrations.report import OnProgress, silent
from seachange_migrations.running import TimeLeft, endless

# A proof takes some 20 s with a few dozen revisions; the migration itself comes after it.
LEAST_S, MOST_S, SHARE = 60.0, 180.0, 0.4
LISTED = 10


def gate_migration(
    settings: ConnectionSettings,
    directory: Path,
    phase: Phase,
    target: str,
    *,
    creator: ConnectionSettings | None = None,
    service: ConnectionSettings | None = None,
    on_progress: OnProgress = silent,
    time_left: TimeLeft = endless,
) -> bool:
    """`gate` for what `migrate` with the same arguments would apply; False too when that is nothing, or no expand.

    Raises LockHeldError while another deployer works, and what `migrate` would refuse.
    """
    if phase is not Phase.EXPAND:
        return False  # contract comes when no older release is left
    outlook = inspect(settings, directory, phase, target)
    if outlook.lock_holder:
        raise lock_held(settings.database, outlook.lock_holder)
    if outlook.is_first:
        return _skipped(on_progress, "nothing is served yet from a database that is empty")
    return bool(outlook.wanted) and gate(
        settings,
        directory,
        outlook.wanted,
        creator=creator,
        service=service,
        on_progress=on_progress,
        time_left=time_left,
    )


def gate(
    settings: ConnectionSettings,
    directory: Path,
    revisions: Sequence[str],
    *,
    creator: ConnectionSettings | None = None,
    service: ConnectionSettings | None = None,
    interval_s: float = INTERVAL_S,
    on_progress: OnProgress = silent,
    time_left: TimeLeft = endless,
) -> bool:
    """Whether `revisions`, ancestors first, were proven to leave the serving release working; False when that was skipped.

    `creator` makes the scratch database, the role of `settings` by default; `service` is the serving release's role, if its
    password is known: any other is taken on by SET ROLE. `interval_s` is `collect`'s. It takes at most two fifths of
    `time_left`, and never more than three minutes. Raises BreaksReleaseError, naming statement, revision, error and remedy.
    """
    started = time.monotonic()
    whole_s = min(time_left() * SHARE, MOST_S)

    def left() -> float:
        return started + whole_s - time.monotonic()

    if whole_s < LEAST_S * SHARE:
        return _skipped(on_progress, "too little time is left of this call")
    try:
        if begun := _begun(settings, revisions):
            return _skipped(on_progress, begun)
        on_progress({"event": "proof_started", "revisions": tuple(revisions)})
        workload = collect(settings, directory, service=service.user if service else None, interval_s=interval_s)
        if not workload.statements:
            return _skipped(on_progress, f"no statement of a service is known: {workload.origin}")
        with scratch(settings, directory, creator=creator, time_left=left) as made:
            logins = {service.user: service} if service else {}
            proof = prove(made, directory, revisions, workload, roles=logins, time_left=left)
            source = made.source
    except (ScratchError, ConnectionFailedError) as error:
        return _skipped(on_progress, one_line(error, 900))
    except (psycopg.Error, SQLAlchemyError) as error:
        return _skipped(on_progress, f"the proof failed by itself: {in_words(error)}")
    _refuse(directory, revisions, proof, on_progress)
    if proof.failed:
        return _skipped(on_progress, proof.failed)
    on_progress(
        {"event": "proven", "seconds": round(time.monotonic() - started, 1), "schema": source, **_told(workload, proof)}
    )
    return True


def _refuse(directory: Path, revisions: Sequence[str], proof: Proof, on_progress: OnProgress) -> None:
    """Refuses what breaks the serving release and what no author allows; only tells what may keep it waiting."""
    found = [
        finding
        for result in check(directory, revisions=revisions, observations=proof.observations).revisions
        for finding in result.findings
        if finding.allowed is None
    ]
    broken = [finding for finding in found if finding.source is Source.WORKLOAD and finding.verdict is Verdict.CONTRACT]
    if broken:
        more = f" And {len(broken) - 1} more." if len(broken) > 1 else ""
        raise BreaksReleaseError(f"{_sentence(broken[0])}{more} Nothing was applied.")
    waiting = [
        str(finding)
        for finding in found
        if finding.source is Source.OBSERVED and finding.verdict is Verdict.LOCK_HAZARD
    ]
    if waiting:
        on_progress({"event": "lock_hazards", "findings": waiting[:LISTED]})


def _sentence(finding: Finding) -> str:
    return one_line(
        f"revision {finding.revision} would break the release that serves: {finding.problem} {finding.remedy} "
        f"{finding.or_allow} The statement: {one_line(finding.statement, 300)}."
    )


def _told(workload: Workload, proof: Proof) -> dict[str, object]:
    return {
        "workload": workload.origin,
        "executed": proof.executed,
        "unknown": len(proof.unknown),
        "unknown_statements": [f"{one_line(each.sql, 200)}: {each.reason}" for each in proof.unknown[:LISTED]],
        "notes": proof.notes,
    }


def _skipped(on_progress: OnProgress, reason: str) -> bool:
    on_progress({"event": "proof_skipped", "reason": reason})
    return False


def _begun(settings: ConnectionSettings, revisions: Sequence[str]) -> str | None:
    """That one of the revisions has committed a part of itself: it cannot be applied from its beginning any more."""
    with connect(settings) as connection:
        for table, condition in (("seachange.journal", "true"), ("seachange.backfill", "proven_at IS NULL")):
            there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
            if not there or not there[0]:
                continue
            query = f"SELECT revision FROM {table} WHERE revision = ANY(%s) AND {condition} LIMIT 1"
            if found := connection.execute(query.encode(), [list(revisions)]).fetchone():
                return f"revision {found[0]} has begun already"
    return None
