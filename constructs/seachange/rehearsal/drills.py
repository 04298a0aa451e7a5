"""Drills: what is made to go wrong on purpose, each as data. `acts` performs what is no fault of a release."""

import re
from dataclasses import dataclass, replace

from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import Shift
from seachange.rehearsal import acts
from seachange.rehearsal.acts import Act, Moment
from seachange.rehearsal.errors import ConfigError

# Where a fault concerns one endpoint: the path that the load's least frequent request has.
ONE_ENDPOINT = "{one endpoint}"


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One thing that goes wrong, or nothing.

    Attributes:
        name: What `--drill` calls it.
        what: What happens, in a sentence.
        green, blue: What that colour does wrong.
        begins: When green's fault begins, if not with its first request.
        smoke_fails: The smoke test finds green answering 500.
        crash_after_s: Every task of green ends so many seconds after its start; never by default.
        breaks_blue: The release's expand migration takes away a column that blue reads.
        alarm_at_start: A decisive alarm is in ALARM already when the deployment would start.
        sticky: Needs a listener whose target groups are sticky.
        idle: Connections idle for as long as the load balancer keeps them.
        acts: What is done at which moment.
        loses_requests: Requests may fail: the fault or the act itself fails them.
        unforeseen: Why nothing can be expected of it; empty where something can.
        decided: `rolls-back` or `refused` where a rule of the deployment decides, whatever the alarms say; None where they do.
    """

    name: str
    what: str
    green: Fault = NO_FAULT
    blue: Fault = NO_FAULT
    begins: Moment | None = None
    smoke_fails: bool = False
    crash_after_s: float | None = None
    breaks_blue: bool = False
    alarm_at_start: bool = False
    sticky: bool = False
    idle: bool = False
    acts: tuple[Act, ...] = ()
    loses_requests: bool = False
    unforeseen: str = ""
    decided: str | None = None

    @property
    def silent(self) -> bool:
        """Whether no request comes while alarms watch."""
        return any(act.do is acts.silence for act in self.acts)

    def fault(self, shift: Shift) -> Fault:
        """What green does wrong, on the clock of this plan: a fault that begins later does so in the middle of its moment."""
        match self.begins:
            case Moment.SHIFT:
                return replace(self.green, after_s=shift.duration_s / 2)
            case Moment.BAKE:
                return replace(self.green, after_s=shift.duration_s + shift.bake_s / 2)
        return self.green


def named(name: str) -> Drill:
    """The drill of that name; ConfigError, listing those there are, otherwise."""
    match = re.fullmatch(r"errors-(\d{1,3})", name)
    if match and 1 <= int(match[1]) <= 100:
        return _errors(int(match[1]))
    for drill in all_drills():
        if drill.name == name:
            return drill
    raise ConfigError(
        f"there is no drill {name!r}; there are errors-1 to errors-100, {', '.join(drill.name for drill in all_drills())}"
    )


def _errors(percent: int) -> Drill:
    return Drill(
        name=f"errors-{percent}",
        what=f"green answers {percent} % of its requests with 500",
        green=Fault(errors=percent / 100),
        loses_requests=True,
    )


NONE = Drill(name="none", what="nothing goes wrong: a good release")


def all_drills() -> tuple[Drill, ...]:
    """Every drill, in the order of their table."""
    return (
        NONE,
        *(_errors(percent) for percent in (1, 5, 50)),
        Drill(
            name="one-endpoint",
            what="green answers 500 at one endpoint, the one that is asked least",
            green=Fault(errors=1.0, path=ONE_ENDPOINT),
            loses_requests=True,
        ),
        Drill(name="slow", what="every answer of green's takes two seconds longer", green=Fault(delay_s=2.0)),
        Drill(
            name="leak",
            what="green's connection pool runs dry in the middle of the shift: each request waits, then fails",
            green=Fault(errors=1.0, delay_s=0.5),
            begins=Moment.SHIFT,
            loses_requests=True,
        ),
        Drill(
            name="leak-in-bake",
            what="the same, in the middle of the bake",
            green=Fault(errors=1.0, delay_s=0.5),
            begins=Moment.BAKE,
            loses_requests=True,
        ),
        Drill(
            name="closes-connections",
            what="green closes the connection of every tenth request without an answer",
            green=Fault(resets=0.1),
            loses_requests=True,
        ),
        Drill(
            name="crash-loop",
            what="green's tasks end half a second after they start, and are replaced",
            crash_after_s=0.5,
            decided="rolls-back",
        ),
        Drill(
            name="smoke-test",
            what="the smoke test finds green answering 500",
            smoke_fails=True,
            decided="rolls-back",
        ),
        Drill(
            name="breaks-blue",
            what="the release's expand migration drops a column that blue reads",
            breaks_blue=True,
            decided="refused",
        ),
        Drill(
            name="migration-killed",
            what="the migration's process is killed half-way, and the next deploy goes on with it",
            acts=(Act(moment=Moment.MIGRATION, at=1.0, do=acts.kill_migration),),
        ),
        Drill(
            name="long-transaction",
            what="a transaction that has read every table stays open for 15 seconds of the migration",
            acts=(Act(moment=Moment.BEFORE_MIGRATION, at=0.0, do=acts.hold_tables),),
        ),
        Drill(
            name="database-restart",
            what="the database restarts in the middle of the shift",
            acts=(Act(moment=Moment.SHIFT, at=0.5, do=acts.restart_database),),
            loses_requests=True,
            unforeseen="how long the database is away, and what the service makes of it, stands in no template",
        ),
        Drill(
            name="rollback-in-shift",
            what="somebody stops the deployment with rollback, in the middle of the shift",
            acts=(Act(moment=Moment.SHIFT, at=0.5, do=acts.stop_deployment),),
            decided="rolls-back",
        ),
        Drill(
            name="rollback-in-bake",
            what="somebody stops the deployment with rollback, in the middle of the bake",
            acts=(Act(moment=Moment.BAKE, at=0.5, do=acts.stop_deployment),),
            decided="rolls-back",
        ),
        Drill(
            name="alarm-at-start",
            what="a decisive alarm is in ALARM already when the deployment would start",
            alarm_at_start=True,
            decided="refused",
        ),
        Drill(
            name="no-data",
            what="no request comes from the first step on",
            acts=(Act(moment=Moment.SHIFT, at=0.0, do=acts.silence),),
        ),
        Drill(
            name="sick-blue",
            what="blue answers a fifth of its requests with 500, and green heals that",
            blue=Fault(errors=0.2),
            loses_requests=True,
        ),
        Drill(
            name="all-unhealthy",
            what="every target of green's fails its health check from the middle of the shift on, and answers all the same",
            green=Fault(unhealthy=True),
            begins=Moment.SHIFT,
            # The load balancer fails open, to replacements that do not listen yet too.
            loses_requests=True,
        ),
        Drill(
            name="sticky",
            what="clients with the load balancer's cookie stay with their colour, also when its weight is 0",
            sticky=True,
        ),
        Drill(
            name="idle",
            what="connections idle for as long as the load balancer keeps them, and are used again",
            idle=True,
        ),
    )
