"""What an author of migrations can mend."""

from seachange.errors import SeaChangeError


class AuthoringError(SeaChangeError):
    """The directory, the models or their `info` cannot be used; nothing is written."""
