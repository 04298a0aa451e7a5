"""What a release can do wrong: a simulation assumes it, a drill performs it, in the same words."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault of the green release; by default there is none.

    It concerns the requests that green gets on the production listener: `share` of them, from `after_s` on, while `above_rps` holds.

    Attributes:
        errors: Probability that a request concerned is answered 500; between 0 and 1.
        resets: Probability that green closes the connection of a request concerned without an answer: a 502 of the load balancer's.
        slowdown: Factor on the response time of a request concerned; 1 by default.
        delay_s: Seconds added to that response time.
        unhealthy: Whether green's targets fail their health check; a group of nothing else still gets its traffic (fail open).
        share: Share of the traffic that is concerned; 1 by default. One endpoint or one tenant is a share.
        path: The prefix of the one endpoint that is concerned; every path by default. A simulation needs its `share` beside it.
        bursty: Whether the concerned requests come in bursts, as one tenant's do, instead of evenly; a simulation's word, which no drill uses.
        after_s: Seconds of the plan's clock, from green's first request on, before the fault begins; 0 by default.
        until_s: Seconds after which it ends, as a cold start does; never by default.
        above_rps: The fault shows only while green gets more requests per second than this; 0 by default.
    """

    errors: float = 0.0
    resets: float = 0.0
    slowdown: float = 1.0
    delay_s: float = 0.0
    unhealthy: bool = False
    share: float = 1.0
    path: str | None = None
    bursty: bool = False
    after_s: float = 0.0
    until_s: float = float("inf")
    above_rps: float = 0.0


NO_FAULT = Fault()
