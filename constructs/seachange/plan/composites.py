"""Composite alarms out of the template: the rule's text, whose names may be intrinsics, read into pure data.

The grammar is that of PutCompositeAlarm's `AlarmRule` (CloudWatch API Reference). It states no precedence; NOT binds more than AND, and AND more than
OR, as everywhere else.
"""

import re
from typing import Any

from seachange.assembly import Assembly, Resource, canonical, is_intrinsic, referenced
from seachange.evaluation import Composite, Every, Is, Not, Rule, Some, State
from seachange.plan.errors import UnreadableAlarmError

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
_STATES: dict[str, State] = {"ALARM": "ALARM", "OK": "OK", "INSUFFICIENT_DATA": "INSUFFICIENT_DATA"}
_TOKEN = re.compile(
    r'\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^()"]*?))\s*\)'
    r"|(?P<word>(?:AND|OR|NOT|TRUE|FALSE)\b|[()]))"
)
# Stands before a logical id where the template has an intrinsic: no alarm's name begins so.
_REFERENCE = "\0"


def read_composite(assembly: Assembly, resource: Resource) -> tuple[Composite, tuple[Resource, ...]]:
    """A composite alarm, and the alarms that its rule asks for; UnreadableAlarmError with the reason when its rule cannot be read."""
    reader = _Reader(assembly, resource)
    return Composite(name=resource.logical_id, rule=reader.whole()), tuple(reader.children.values())


class _Reader:
    """Reads one rule from left to right."""

    def __init__(self, assembly: Assembly, resource: Resource) -> None:
        self._assembly = assembly
        self._resource = resource
        self._text = _text(resource.properties["AlarmRule"])
        self._at = 0
        self.children: dict[str, Resource] = {}

    def whole(self) -> Rule:
        rule = self._some()
        if self._text[self._at :].strip():
            raise self._unreadable()
        return rule

    def _some(self) -> Rule:
        rules = [self._every()]
        while self._takes("OR"):
            rules.append(self._every())
        return Some(tuple(rules)) if len(rules) > 1 else rules[0]

    def _every(self) -> Rule:
        rules = [self._one()]
        while self._takes("AND"):
            rules.append(self._one())
        return Every(tuple(rules)) if len(rules) > 1 else rules[0]

    def _one(self) -> Rule:
        if self._takes("NOT"):
            return Not(self._one())
        if self._takes("TRUE"):
            return Every()
        if self._takes("FALSE"):
            return Some()
        if self._takes("("):
            rule = self._some()
            if not self._takes(")"):
                raise self._unreadable()
            return rule
        match = _TOKEN.match(self._text, self._at)
        if match is None or match["state"] is None:
            raise self._unreadable()
        self._at = match.end()
        child = self._child(match["quoted"] if match["quoted"] is not None else match["bare"])
        self.children[child.logical_id] = child
        return Is(_STATES[match["state"]], child.logical_id)

    def _takes(self, word: str) -> bool:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match["word"] != word:
            return False
        self._at = match.end()
        return True

    def _child(self, name: str) -> Resource:
        """The alarm of a name or of an ARN, which ends with the name."""
        name = name.rpartition(":alarm:")[2]
        for found in (*self._assembly.of_type(ALARM), *self._assembly.of_type(COMPOSITE)):
            if found.stack == self._resource.stack and name in (
                f"{_REFERENCE}{found.logical_id}",
                found.properties.get("AlarmName"),
            ):
                return found
        raise UnreadableAlarmError(
            f"its rule asks for {name.removeprefix(_REFERENCE)}, which is not in the service's template"
        )

    def _unreadable(self) -> UnreadableAlarmError:
        rest = self._text[self._at :].strip().replace(_REFERENCE, "") or "its end"
        return UnreadableAlarmError(f"its rule cannot be read from here on: {rest}")


def _text(rule: Any) -> str:
    """The rule as one text; pseudo parameters, which occur in ARNs, are left out."""
    match rule:
        case str():
            return rule
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_text(part) for part in parts)
        case _ if is_intrinsic(rule) and (name := referenced(rule)):
            return "" if name.startswith("AWS::") else f"{_REFERENCE}{name}"
    raise UnreadableAlarmError(f"its rule is known only on AWS: {canonical(rule)}")
