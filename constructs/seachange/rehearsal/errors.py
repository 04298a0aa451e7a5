"""What a rehearsal refuses, and why.

SeaChangeError
└── RehearsalError        unusable input: the command ends with exit code 2
    ├── ConfigError       rehearsal.toml cannot be used
    ├── PlanError         the assembly holds nothing that can be rehearsed, or something we cannot read
    ├── UnreadableAlarmError   an alarm is beyond what we evaluate; the report lists it
    └── StageError        a part of the stage does not start or has ended
"""

from seachange.errors import SeaChangeError


class RehearsalError(SeaChangeError):
    """A rehearsal that cannot be held."""


class ConfigError(RehearsalError):
    """rehearsal.toml cannot be used; the message names file, key, and remedy."""


class PlanError(RehearsalError):
    """The cloud assembly cannot be rehearsed."""


class UnreadableAlarmError(RehearsalError):
    """An alarm that is not evaluated here, and why."""


class StageError(RehearsalError):
    """A part of the stage does not start, or ended too early."""
