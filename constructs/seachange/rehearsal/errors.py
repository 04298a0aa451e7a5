"""What a rehearsal refuses, and why.

SeaChangeError
└── RehearsalError        unusable input: the command ends with exit code 2
    ├── ConfigError       rehearsal.toml cannot be used
    └── StageError        a part of the stage does not start or has ended
"""

from seachange.errors import SeaChangeError


class RehearsalError(SeaChangeError):
    """A rehearsal that cannot be held."""


class ConfigError(RehearsalError):
    """rehearsal.toml cannot be used; the message names file, key, and remedy."""


class StageError(RehearsalError):
    """A part of the stage does not start, or ended too early."""
