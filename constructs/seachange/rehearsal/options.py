"""What goes into a rehearsal beside its plan and the service's part."""

from dataclasses import dataclass
from pathlib import Path

from seachange.rehearsal.drills import Drill


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to rehearse.

    Attributes:
        speed: Seconds of the plan's clock per second here.
        rate: Requests per second; the service's own by default.
        rows: Rows to seed; the service's own by default; None where a dump is restored.
        port: The production listener's local port; a free one by default.
        drill: What goes wrong on purpose.
        logs: A directory for the logs.
    """

    speed: float
    rate: float
    rows: int | None
    port: int | None
    drill: Drill
    logs: Path
