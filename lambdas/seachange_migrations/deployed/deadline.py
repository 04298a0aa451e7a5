"""How long the custom resource may take, over all calls of the Lambda.

The framework counts its calls, and a call may last 14 minutes; CloudFormation's `ServiceTimeout` would end the wait
first, with an error that says nothing. So the Lambda ends it itself, `TimeoutSeconds` after the event came: no later
than the framework's last call, which comes after as many seconds of waiting alone, and five minutes before
`ServiceTimeout`, in which the call under way ends.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

DEFAULT_TIMEOUT_S = 50 * 60
# A failover, a reboot, the first instance of a cluster that is still being made.
CONNECTION_PATIENCE_S = 3 * 60


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """Counts from `started_at`, in seconds since 1970; None for an event that does not say when it came."""

    started_at: float | None
    timeout_s: int

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """The deadline of an event as `is_complete` gets it; without a usable `TimeoutSeconds` after 50 minutes."""
        properties = event.get("ResourceProperties")
        given = str(properties.get("TimeoutSeconds", "")) if isinstance(properties, Mapping) else ""
        timeout_s = int(given) if given.isdecimal() and int(given) > 0 else DEFAULT_TIMEOUT_S
        started_at = event.get("StartedAt")
        return cls(started_at=None if started_at is None else float(started_at), timeout_s=timeout_s)

    def time_left(self) -> float:
        """Seconds; without limit when nobody said when the event came."""
        return math.inf if self.started_at is None else self.started_at + self.timeout_s - time.time()

    def is_past(self) -> bool:
        return self.time_left() <= 0

    def waits_for_connections(self) -> bool:
        """Whether a database or service that cannot be reached may still be on its way."""
        return self.started_at is not None and time.time() - self.started_at < CONNECTION_PATIENCE_S
