"""Where a database is with its migrations, in a form that travels: what `heads --stack` and the custom resource's messages say."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seachange_migrations.backfill import BackfillStatus
from seachange_migrations.backfill import status as backfills
from seachange_migrations.connection import open_connection
from seachange_migrations.deployed.carry_out import directory, migrating
from seachange_migrations.deployed.request import Request
from seachange_migrations.outlook import Outlook, inspect


@dataclass(frozen=True, kw_only=True)
class Status:
    """`outlook` is None where this engine has no revisions: they lie in the service's own image."""

    outlook: Outlook | None
    backfills: tuple[BackfillStatus, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON-able, with the names that `StackHeads.status` gives."""
        known: Mapping[str, Any] = {}
        if self.outlook is not None:
            known = {
                "revisions": list(self.outlook.before),
                "wanted": list(self.outlook.wanted),
                "waiting": list(self.outlook.waiting),
                "phases": {revision: str(phase) for revision, phase in self.outlook.phase_of.items()},
                "lock_holder": self.outlook.lock_holder,
            }
        return {**known, "backfills": [asdict(one) for one in self.backfills], "summary": self.summary()}

    def summary(self) -> str:
        """One line: what is under way and how far it is."""
        unfinished = [one for one in self.backfills if not one.proven]
        return "; ".join(map(backfill_line, unfinished)) or "no backfill is under way"


def status(request: Request) -> Status:
    """Asks the database of a request. Raises a MigrationError when it gives no answer."""
    where = directory(request)
    has_revisions = (where / "env.py").is_file()
    return Status(
        outlook=inspect(migrating(request), where, request.phase, request.target) if has_revisions else None,
        backfills=_backfills(request),
    )


def progress(request: Request) -> str:
    """One line: how far the backfills of a request's database are."""
    return Status(outlook=None, backfills=_backfills(request)).summary()


def backfill_line(found: BackfillStatus) -> str:
    """How far one backfill is, with its rate and what is left at that."""
    share = f" ({min(100, 100 * found.rows_done // found.rows_estimated)} %)" if found.rows_estimated else ""
    text = f"backfill {found.name} has written {found.rows_done:,} of about {found.rows_estimated:,} rows{share}"
    if found.ranges:
        text += f", {found.ranges_finished} of {found.ranges} ranges are finished"
    if found.paused:
        return f"{text}, and is paused"
    if found.rate is not None and found.seconds_left is not None:
        text += f", {found.rate:,.0f} rows/s, about {max(1, round(found.seconds_left / 60))} min left"
    return text


def _backfills(request: Request) -> tuple[BackfillStatus, ...]:
    with open_connection(migrating(request)) as connection:
        return tuple(backfills(connection))
