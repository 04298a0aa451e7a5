"""What a rehearsal refuses, and why.

SeaChangeError
└── RehearsalError        unusable input: the command ends with exit code 2
    ├── ConfigError       rehearsal.toml cannot be used
    ├── NotApplicableError   a drill that this service or template cannot have
    └── StageError        a part of the stage does not start or has ended
        └── MigrationFailedError   a release's migration did not take place
"""

from seachange.errors import SeaChangeError

# For whatever comes of too much load.
REMEDY = "lower --rate, or rehearse on a machine with more processors"


class RehearsalError(SeaChangeError):
    """A rehearsal that cannot be held."""


class ConfigError(RehearsalError):
    """rehearsal.toml cannot be used; the message names file, key, and remedy."""


class NotApplicableError(RehearsalError):
    """A drill that this service or template cannot have, and why."""


class StageError(RehearsalError):
    """A part of the stage does not start, or ended too early."""


class MigrationFailedError(StageError):
    """A release's migration did not take place; `refused` when the engine could run and must not."""

    def __init__(self, message: str, *, refused: bool) -> None:
        super().__init__(message)
        self.refused = refused
