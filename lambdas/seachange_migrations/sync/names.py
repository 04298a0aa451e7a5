"""Names of what a sync makes in the database."""

import hashlib

from seachange_migrations.sql import LONGEST_NAME, quoted

DISAGREED = "both sides were written and disagree; the new one was kept"
OVERWRITTEN = "overwritten: the new side did not hold it"
REFILLED = "overwritten by the backfill: it was not in step with the old side"
TAKEN = (DISAGREED, OVERWRITTEN, REFILLED)
"""Reasons of the entries for repair whose original the trigger itself took from the row; of all others it still stood there."""

TRIGGER_PREFIX = "~seachange_"
"""Triggers fire by name: `~` is the last printable character of ASCII."""


def trigger(sync: str) -> str:
    """The name of a sync's trigger."""
    return fitting(TRIGGER_PREFIX + sync)


def function(sync: str, part: str) -> str:
    """A function of a sync by what it does, qualified and quoted."""
    return f"seachange.{quoted(function_name(sync, part))}"


def function_name(sync: str, part: str) -> str:
    """The same, as the catalog has it."""
    return fitting(f"{sync}~{part}")


def conversion(sync: str, column: str) -> str:
    """The function of a sync that gives a value for `column`, qualified and quoted."""
    return f"seachange.{quoted(fitting(f'{sync}.{column}'))}"


def fitting(name: str) -> str:
    """`name`, cut where it is too long, and then told from others by a hash."""
    encoded = name.encode()
    if len(encoded) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return encoded[: LONGEST_NAME - 9].decode(errors="ignore") + "~" + digest
