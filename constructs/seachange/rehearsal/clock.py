"""The plan's clock: what the template says in minutes passes `speed` times as fast; nothing else does."""

from dataclasses import dataclass

from seachange.plan.model import HealthCheck


@dataclass(frozen=True)
class Clock:
    """Maps seconds of the plan to epoch seconds here.

    Attributes:
        start: The epoch second at which the plan's clock reads 0.
        speed: Seconds of the plan per second here.
    """

    start: float
    speed: float

    def real(self, plan_s: float) -> float:
        """The epoch second of a moment of the plan."""
        return self.start + plan_s / self.speed

    def plan(self, epoch_s: float) -> float:
        """The plan's second at an epoch second."""
        return (epoch_s - self.start) * self.speed


_SHORTEST_HEALTH_INTERVAL_S = 1.0


def local_health_interval_s(health: HealthCheck, speed: float) -> float:
    """The health check's interval here: scaled like the plan's clock, but never below a second, as checks cost the service work."""
    return max(_SHORTEST_HEALTH_INTERVAL_S, health.interval_s / speed)


def healthy_within_s(health: HealthCheck, speed: float, ready_timeout_s: float) -> float:
    """How long started tasks may take here until they are healthy: to start, and then for the checks, the first of which may come too early."""
    return ready_timeout_s + (health.healthy + 1) * local_health_interval_s(health, speed)
