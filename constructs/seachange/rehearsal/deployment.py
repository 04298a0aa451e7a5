"""The deployment as CodeDeploy and the deployment resource carry it out: green gets ready, is tested, gets traffic, and blue bakes."""

import math
import time

from seachange.plan.model import Plan
from seachange.rehearsal.acts import Moment
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.forcing import forcing
from seachange.rehearsal.live import Live, StoppedError
from seachange.rehearsal.options import Options
from seachange.rehearsal.stage.keep_alive import keeps
from seachange.rehearsal.watch import AlarmWatch
from seachange_deployments.smoke import run as run_steps


def deploy(live: Live, plan: Plan, options: Options, *, ready_timeout_s: float) -> None:
    """Takes all traffic to green, whose tasks start, and bakes; StoppedError when that does not go on to its end."""
    _wait_until_ready(live, ready_timeout_s)
    if options.drill.idle:
        _watch_idle_connections(live, plan)
    _smoke(live, plan)
    _shift_and_bake(live, plan, options)
    live.finish_background()


def _wait_until_ready(live: Live, limit_s: float) -> None:
    green = live.deploying
    assert green is not None  # the run has started them
    live.wait(time.time() + limit_s, sooner=green.ready)
    if not green.ready():
        raise StoppedError(
            "rolls-back",
            f"because green's tasks were not healthy after {limit_s:.0f} s; a task's last lines: {green.last_lines()}",
        )


def _watch_idle_connections(live: Live, plan: Plan) -> None:
    ports = list(live.stage.balancer.health("green"))

    def look() -> None:
        live.outcome.kept_idle = keeps(ports, plan.health.path, plan.listener.idle_timeout_s)

    live.in_background(look, "idle connections")


def _smoke(live: Live, plan: Plan) -> None:
    """The release's smoke test behind the test listener; a release without one passes."""
    if plan.smoke is None:
        return
    live.begin("smoke tests")
    balancer = live.stage.balancer
    live.outcome.smoke = run_steps(
        plan.smoke.steps,
        [balancer.host],
        balancer.test_port,
        server_name=plan.smoke.host,
        limit_s=plan.smoke.limit_s,
    )
    if not live.outcome.smoke.passed:
        failure = " ".join(str(live.outcome.smoke.failure).split())
        raise StoppedError(
            "rolls-back", f"because the smoke test failed behind the test listener: {failure}; traffic never shifted"
        )


def _shift_and_bake(live: Live, plan: Plan, options: Options) -> None:
    shift, slice_s = plan.shift, 60.0 / options.speed
    assert live.measurements is not None  # the load runs
    # The plan's clock starts on a whole slice, so that alarm periods and measurements agree.
    clock = Clock(start=slice_s * math.ceil(time.time() / slice_s), speed=options.speed)
    watch = AlarmWatch(plan, live.measurements, clock)
    if options.drill.alarm_at_start:
        watch.force(forcing(watch, shift))
    if firing := watch.firing():
        live.outcome.watch = watch
        raise StoppedError("refused", f"before it started: alarm {', '.join(firing)} is in ALARM already")
    live.begin("shift")
    live.outcome.clock = clock
    live.watch = live.outcome.watch = watch
    acts = options.drill.acts
    live.plan_acts(
        [act for act in acts if act.moment is Moment.SHIFT], lambda act: clock.real(act.at * shift.duration_s)
    )
    live.plan_acts(
        [act for act in acts if act.moment is Moment.BAKE],
        lambda act: clock.real(shift.duration_s + act.at * shift.bake_s),
    )
    for step in shift.steps:
        live.wait(clock.real(step.at_s))
        # An act of this very moment comes first: without requests no step brings any.
        live.tick()
        live.weigh(step.green_weight)
    live.begin("bake")
    live.wait(clock.real(shift.duration_s + shift.bake_s))
