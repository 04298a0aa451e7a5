"""What a template can lack or hold that makes it unreadable.

SeaChangeError
├── PlanError             the assembly holds no deployment that we can read
└── UnreadableAlarmError  an alarm is beyond what we evaluate; reports list it
"""

from seachange.errors import SeaChangeError


class PlanError(SeaChangeError):
    """The cloud assembly holds nothing that can be rehearsed or simulated."""


class UnreadableAlarmError(SeaChangeError):
    """An alarm that is not evaluated, and why."""
