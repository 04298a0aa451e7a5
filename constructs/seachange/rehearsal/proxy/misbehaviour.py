"""Decides what happens to each request of a task that has a fault."""

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from seachange.plan.faults import Fault

# Over so many seconds requests are counted, for a fault that shows only above a rate.
_WINDOW_S = 1.0

Verdict = Literal["pass", "error", "reset", "slow", "unhealthy"]


@dataclass
class Performed:
    """What the proxy has done so far.

    Attributes:
        requests: Those of the production listener.
        errors, resets, slow: How many of them were answered 500, closed without an answer, or delayed.
        smoke: Requests of the smoke test that were answered 500.
        checks: Health checks that were answered 503.
        since: The epoch second from which the fault's times count: green's first request; None before it.
    """

    requests: int = 0
    errors: int = 0
    resets: int = 0
    slow: int = 0
    smoke: int = 0
    checks: int = 0
    since: float | None = None


@dataclass
class Actor:
    """Decides what happens to each request.

    Attributes:
        fault: What goes wrong; times in real seconds, `above_rps` of this one task's requests.
        production_port: The X-Forwarded-Port of the requests that are the public's.
        health_path: The health check's path.
        smoke: Whether the smoke test's requests, those of any other listener, are answered 500.
    """

    fault: Fault
    production_port: str
    health_path: str
    smoke: bool = False
    performed: Performed = field(default_factory=Performed)
    _arrivals: deque[float] = field(default_factory=deque)

    def decide(self, path: str, forwarded_port: str | None, now: float) -> Verdict:
        """What happens to a request that arrives at epoch second `now`."""
        if forwarded_port is None:
            return self._check(path, now)
        if forwarded_port != self.production_port:
            self.performed.smoke += self.smoke
            return "error" if self.smoke else "pass"
        self.performed.requests += 1
        self.performed.since = now if self.performed.since is None else self.performed.since
        self._count(now)
        fault = self.fault
        if not self._acts(now) or not path.startswith(fault.path or "") or random.random() >= fault.share:
            return "pass"
        chance = random.random()
        if chance < fault.resets:
            self.performed.resets += 1
            return "reset"
        if chance < fault.resets + fault.errors:
            self.performed.errors += 1
            return "error"
        if fault.delay_s or fault.slowdown != 1:
            self.performed.slow += 1
            return "slow"
        return "pass"

    def wait_s(self, response_s: float) -> float:
        """How long an answer is held back that took the task `response_s` seconds; an error, which never reached it, took none."""
        return max(0.0, self.fault.delay_s + (self.fault.slowdown - 1) * response_s)

    def _check(self, path: str, now: float) -> Verdict:
        if self.fault.unhealthy and path.partition("?")[0] == self.health_path.partition("?")[0] and self._acts(now):
            self.performed.checks += 1
            return "unhealthy"
        return "pass"

    def _acts(self, now: float) -> bool:
        """Whether the fault shows now: its time has come, and the load is high enough."""
        since = self.performed.since
        if since is None or not self.fault.after_s <= now - since < self.fault.until_s:
            return False
        if not self.fault.above_rps:
            return True
        return len(self._arrivals) > self.fault.above_rps * _WINDOW_S

    def _count(self, now: float) -> None:
        self._arrivals.append(now)
        while self._arrivals[0] <= now - _WINDOW_S:
            self._arrivals.popleft()
