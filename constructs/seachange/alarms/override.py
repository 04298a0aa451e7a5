"""One release may ignore alarms that fire already."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from seachange.errors import InvalidArgumentError


@dataclass(frozen=True, kw_only=True)
class AlarmOverride:
    """Lets one release start although alarms fire: the fix for what makes them fire.

    It holds for that release alone, so it may stay in the program and does nothing for the next. An alarm that does not fire at the start keeps
    watching.

    Attributes:
        release: The release's name, as the service gets it.
        alarms: Those that may be ignored: their names, as the refused deployment printed them, or the alarms themselves.
        because: Why; whoever reads the program later will ask.
    """

    release: str
    alarms: Sequence[str | cloudwatch.IAlarm]
    because: str

    def __post_init__(self) -> None:
        if not self.release.strip():
            raise InvalidArgumentError(
                "AlarmOverride(release=)", self.release, "name the one release that may ignore alarms"
            )
        # A generator would be spent by the next look at it, and name nothing in the template.
        if not isinstance(self.alarms, Sequence) or isinstance(self.alarms, str) or not self.alarms:
            raise InvalidArgumentError("AlarmOverride(alarms=)", self.alarms, "give a list of one alarm at least")
        if any(isinstance(alarm, str) and not alarm.strip() for alarm in self.alarms):
            raise InvalidArgumentError("AlarmOverride(alarms=)", self.alarms, "name each alarm")
        if not self.because.strip():
            raise InvalidArgumentError("AlarmOverride(because=)", self.because, "say why this release may ignore them")

    def names(self, release: str) -> list[str]:
        """The names of the alarms that `release` may ignore; none for any other release than the override's.

        Args:
            release: The name of the release that is being deployed.
        """
        if release != self.release:
            return []
        return [alarm if isinstance(alarm, str) else alarm.alarm_name for alarm in self.alarms]
