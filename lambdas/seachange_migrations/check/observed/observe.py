"""Applies revisions to a scratch database one by one and says what each statement did."""

from collections.abc import Sequence
from pathlib import Path

from seachange_migrations.check.scratch import Scratch
from seachange_migrations.check.statement import RevisionObservation
from seachange_migrations.running import TimeLeft, endless


def observe(
    scratch: Scratch, directory: Path, revisions: Sequence[str], *, time_left: TimeLeft = endless
) -> list[RevisionObservation]:
    """Applies `revisions`, ancestors first, to `scratch`, and returns what each of them did, in this order.

    A revision that fails there ends it: it and those after it have a finding `unknown`.
    """
    raise NotImplementedError
