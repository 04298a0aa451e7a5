"""Composite alarms: a rule over the states of other alarms (CloudWatch API Reference, PutCompositeAlarm)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seachange.evaluation.model import State


@dataclass(frozen=True)
class Is:
    """Whether an alarm is in a state."""

    state: State
    alarm: str


@dataclass(frozen=True)
class Not:
    """Whether a rule does not hold."""

    rule: "Rule"


@dataclass(frozen=True)
class Every:
    """Whether all rules hold (AND); without any, it does: TRUE."""

    rules: "tuple[Rule, ...]" = ()


@dataclass(frozen=True)
class Some:
    """Whether one of the rules holds (OR); without any, none does: FALSE."""

    rules: "tuple[Rule, ...]" = ()


Rule = Is | Not | Every | Some


@dataclass(frozen=True, kw_only=True)
class Composite:
    """A composite alarm; it is in ALARM while its rule holds."""

    name: str
    rule: Rule

    @property
    def children(self) -> frozenset[str]:
        """The alarms whose states it asks for."""
        return frozenset(_asked(self.rule))

    def state(self, states: Mapping[str, State]) -> State:
        """Its state, given its children's."""
        return "ALARM" if holds(self.rule, lambda asked: states[asked.alarm] == asked.state) else "OK"


def holds(rule: Rule, answer: Callable[[Is], Any]) -> Any:
    """Whether a rule holds, for one release or for many.

    Args:
        rule: The rule.
        answer: Whether an alarm is in a state: a bool, or an array of them.
    """
    match rule:
        case Is():
            return answer(rule)
        case Not(rule=inner):
            return holds(inner, answer) ^ True
        case Every(rules=rules) | Some(rules=rules):
            is_every = isinstance(rule, Every)
            result: Any = is_every
            for inner in rules:
                found = holds(inner, answer)
                result = result & found if is_every else result | found
            return result


def _asked(rule: Rule) -> list[str]:
    match rule:
        case Is(alarm=alarm):
            return [alarm]
        case Not(rule=inner):
            return _asked(inner)
        case Every(rules=rules) | Some(rules=rules):
            return [name for inner in rules for name in _asked(inner)]
