"""How the load balancer asks a task whether it is well."""

from dataclasses import dataclass, field

from aws_cdk import Duration, Token

from seachange.errors import InvalidArgumentError
from seachange.known import check_number, known_time


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """One health check; the limits are Application Load Balancer's.

    Attributes:
        path: `/health/ready` by default.
        healthy_threshold: Good answers in a row until a sick target is well again: 2 by default, 2 to 10.
        unhealthy_threshold: Bad answers in a row until a target is sick: 3 by default, 2 to 10.
        interval: From one check to the next: 30 seconds by default, 5 to 300.
        timeout: How long to wait for the answer: 5 seconds by default, 2 to 120, shorter than `interval`.
    """

    path: str = "/health/ready"
    healthy_threshold: int = 2
    unhealthy_threshold: int = 3
    interval: Duration = field(default_factory=lambda: Duration.seconds(30))
    timeout: Duration = field(default_factory=lambda: Duration.seconds(5))

    def __post_init__(self) -> None:
        if not Token.is_unresolved(self.path) and not self.path.startswith("/"):
            raise InvalidArgumentError("HealthCheck(path=)", self.path, "start it with a slash")
        for name in ("healthy_threshold", "unhealthy_threshold"):
            check_number(f"HealthCheck({name}=)", getattr(self, name), lambda count: 2 <= count <= 10, "give 2 to 10")
        interval = known_time("HealthCheck(interval=)", self.interval, "seconds")
        timeout = known_time("HealthCheck(timeout=)", self.timeout, "seconds")
        if interval is not None and not 5 <= interval <= 300:
            raise InvalidArgumentError("HealthCheck(interval=)", f"{interval:g} s", "give 5 to 300 seconds")
        if timeout is None:
            return
        if not 2 <= timeout <= 120 or (interval is not None and timeout >= interval):
            shorter = "the interval takes" if interval is None else f"the interval's {interval:g}"
            raise InvalidArgumentError(
                "HealthCheck(timeout=)", f"{timeout:g} s", f"give 2 to 120 seconds, fewer than {shorter}"
            )
