"""Which alarms to put into which state so that an alarm which may stop the deployment is in ALARM, as `aws cloudwatch set-alarm-state` would."""

from collections.abc import Iterator, Mapping

from seachange.evaluation import Every, Is, Not, Rule, Some, State
from seachange.plan.model import Shift
from seachange.rehearsal.errors import NotApplicableError
from seachange.rehearsal.watch import AlarmWatch

Forced = Mapping[str, State]
# Which state to try first where several do. An alarm that need not be in ALARM stays as it is when a deployment starts here.
_FIRST: tuple[State, ...] = ("ALARM", "INSUFFICIENT_DATA", "OK")


def forcing(watch: AlarmWatch, shift: Shift) -> Forced:
    """The states to force: of an alarm that itself may stop the deployment, else of those that make the rule of such a composite hold.

    A composite is brought into ALARM through the alarms that it asks for, as it gets there in production.

    Raises:
        NotApplicableError: No alarm of the deployment can be brought into ALARM with what the stage measures.
    """
    for watched in watch.alarms:
        if watched.alarm.name in shift.decisive:
            return {watched.alarm.name: "ALARM"}
    rules = {composite.name: composite.rule for composite in watch.composites}
    for name, rule in rules.items():
        if name in shift.decisive and (found := next(_ways(rule, True, rules, {}), None)) is not None:
            return found
    raise NotApplicableError("no alarm that this stage can measure may stop the deployment")


def _ways(rule: Rule, holds: bool, rules: Mapping[str, Rule], given: Forced) -> Iterator[Forced]:
    """Every way to have a rule hold, or not, with the states that are given already."""
    match rule:
        case Is(state=state, alarm=name) if name in rules:
            # A composite is in ALARM while its rule holds, else in OK.
            if state != "INSUFFICIENT_DATA":
                yield from _ways(rules[name], holds == (state == "ALARM"), rules, given)
            elif not holds:
                yield given
        case Is(state=state, alarm=name):
            for forced in _FIRST:
                if (forced == state) == holds and given.get(name, forced) == forced:
                    yield {**given, name: forced}
        case Not(rule=inner):
            yield from _ways(inner, not holds, rules, given)
        case Every(rules=parts) | Some(rules=parts) if isinstance(rule, Every) == holds:
            yield from _ways_of_all(parts, holds, rules, given)
        case Every(rules=parts) | Some(rules=parts):
            for part in parts:
                yield from _ways(part, holds, rules, given)


def _ways_of_all(parts: tuple[Rule, ...], holds: bool, rules: Mapping[str, Rule], given: Forced) -> Iterator[Forced]:
    if not parts:
        yield given
        return
    for found in _ways(parts[0], holds, rules, given):
        yield from _ways_of_all(parts[1:], holds, rules, found)
