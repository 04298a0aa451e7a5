"""The engine's events in words: a line for each that people want to read."""

from collections.abc import Callable, Mapping
from typing import Any

Event = Mapping[str, Any]


def sentence(event: Event) -> str | None:
    """The line for an event, None where there is nothing to say; an event that is unknown here is shown as it is."""
    words = SENTENCES.get(str(event["event"]), _as_it_is)
    return words(event)


def _as_it_is(event: Event) -> str:
    rest = ", ".join(f"{name} {_listed(value)}" for name, value in event.items() if name != "event" and value != ())
    return f"{str(event['event']).replace('_', ' ')}: {rest}" if rest else str(event["event"])


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _planned(event: Event) -> str:
    at = _listed(event["from"]) or "no revision"
    count = len(event["revisions"])
    if not count:
        return f"{event['phase']}: nothing to apply; the database is at {at}"
    return f"{event['phase']}: {count} {'revision' if count == 1 else 'revisions'} to apply, from {at}"


def _lock_timeout(event: Event) -> str:
    blockers = "; ".join(event["blocked_by"]) or "a session that is gone"
    return (
        f"{event['revision']}  gives way after try {event['attempt']}, again in {event['retry_in_s']:.1f} s; "
        f"blocked by {blockers}"
    )


def _backfill(event: Event) -> str:
    share = 100 * event["rows"] // max(event["estimated"], 1)
    which = f", range {event['range']} of {event['ranges']}" if event["ranges"] > 1 else ""
    checked = "" if event["pass"] == 1 else f", pass {event['pass']}"
    rest = f"paused: {event['paused']}" if event["paused"] else pace(event)
    return (
        f"backfill {event['name']}{which}{checked}: {event['rows']:,} of about {event['estimated']:,} rows ({share} %), "
        f"{rest}"
    )


def pace(event: Event) -> str:
    """Its rate and the time that is left at it."""
    left = event["seconds_left"]
    return f"{event['rows_per_s']:,.0f} rows/s" + ("" if left is None else f", {duration(left)} left")


def duration(seconds: float) -> str:
    """Seconds as people read them."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


SENTENCES: Mapping[str, Callable[[Event], str | None]] = {
    "planned": _planned,
    "revision_started": lambda _: None,
    "revision_applied": lambda event: f"{event['revision']}  applied in {event['seconds']:.1f} s",
    "lock_timeout": _lock_timeout,
    "waiting_for_deployer": lambda event: (
        f"waiting: another deployer migrates database {event['database']!r}: {event['holder'] or 'it has just finished'}"
    ),
    "lock_watch_ended": lambda event: (
        f"who blocks is no longer watched ({event['reason']}); the migration goes on without"
    ),
    "connection_lost": lambda event: f"the server went away ({event['reason']}); waiting for it to come back",
    "newer_server": lambda event: (
        f"PostgreSQL {event['version']} is newer than what this engine is tested with ({event['tested_to']})"
    ),
    "not_empty": lambda event: (
        f"the database has no revision, and yet tables ({_listed(event['tables'])}): it may be serving, so only one phase is "
        "applied. Where revisions made them, tell Alembic which: alembic stamp"
    ),
    "backfill": _backfill,
    "backfill_alone": lambda event: f"backfill {event['name']} works on one session: {event['why']}",
    "backfilled": lambda event: (
        f"backfill {event['name']} of {event['table']} is complete: {event['written']:,} rows in "
        f"{duration(event['seconds'])}, and a fresh scan found none left"
    ),
    "round_trip_verified": lambda event: (
        f"sync {event['sync']}: the conversion survives there and back on {event['rows']:,} rows"
    ),
    "trigger_does_not_fire": lambda event: (
        f"sync {event['sync']}: does not fire for derived values: {event['trigger']}"
    ),
}
