"""How long a rehearsal may last."""

from seachange.plan.model import Plan
from seachange.rehearsal.options import Options

# The baseline itself, its processes' starts and ends, the simulations between, whatever a busy machine adds.
_SURROUNDINGS_S = 900.0


def longest_s(plan: Plan, options: Options, *, ready_timeout_s: float) -> float:
    """After how many seconds the load ends by itself, however the rehearsal fares: the longest that each part may take, one after the other.

    Args:
        plan: The deployment.
        options: Its drill may wait for an idle timeout; only the shift and the bake follow the speed.
        ready_timeout_s: Seconds that a colour's tasks have until all are healthy.
    """
    shift = plan.shift
    # Twice a colour starts and another ends under load: the twin of the baseline and green; the twin, and blue or green.
    starts_s = 2 * ready_timeout_s
    ends_s = 2 * (plan.deregistration_delay_s + max(plan.blue.stop_timeout_s, plan.green.stop_timeout_s))
    smoke_s = 0.0 if plan.smoke is None else plan.smoke.limit_s
    idle_s = plan.listener.idle_timeout_s if options.drill.idle else 0.0
    return (
        (shift.duration_s + shift.bake_s) / options.speed
        + plan.green.migration.limit_s
        + starts_s
        + smoke_s
        + idle_s
        + ends_s
        + _SURROUNDINGS_S
    )
