"""What a simulation refuses, and why.

SeaChangeError
└── SimulationError   unusable input: the command ends with exit code 2
"""

from seachange.errors import SeaChangeError


class SimulationError(SeaChangeError):
    """A simulation that cannot be made of what was given."""
