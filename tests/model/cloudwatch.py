"""Alarms as CodeDeploy and the deployment resource see them: names and states, and a composite over all of them."""

from typing import TYPE_CHECKING, Any

from tests.model.names import ALARMS, COMMON_ALARM, COMPOSITE_ALARM, when

if TYPE_CHECKING:
    from tests.model.world import World


class CloudWatch:
    """The stack's alarms."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.firing: set[str] = set()
        self._since = dict.fromkeys(ALARMS, world.clock.now)

    def turn(self, name: str, *, fires: bool) -> None:
        """An alarm changes its state."""
        if fires == (name in self.firing):
            return
        self._since[name] = self._world.clock.now
        if fires:
            self.firing.add(name)
            self._world.codedeploy.alarm_fires()
        else:
            self.firing.discard(name)

    def behind(self, name: str) -> list[str]:
        """The alarms that fire and make this one fire, if it does."""
        return sorted(self.firing & ({COMMON_ALARM} if name == COMPOSITE_ALARM else {name}))

    def describe_alarms(
        self, *, AlarmNames: list[str] | None = None, StateValue: str | None = None, **_: Any
    ) -> dict[str, Any]:
        found = [
            {
                "AlarmName": name,
                "AlarmArn": f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}",
                "StateValue": "ALARM" if self.behind(name) else "OK",
                "StateReason": "Threshold Crossed: 3 out of the last 3 datapoints",
                "StateUpdatedTimestamp": when(self._since.get(name, self._since[COMMON_ALARM])),
                "StateTransitionedTimestamp": when(self._since.get(name, self._since[COMMON_ALARM])),
            }
            for name in (*ALARMS, COMPOSITE_ALARM)
            if AlarmNames is None or name in AlarmNames
        ]
        shown = [alarm for alarm in found if StateValue is None or alarm["StateValue"] == StateValue]
        composite = [alarm for alarm in shown if alarm["AlarmName"] == COMPOSITE_ALARM]
        return {"MetricAlarms": [alarm for alarm in shown if alarm not in composite], "CompositeAlarms": composite}
