"""The names of everything a run makes: one suffix, by which all of it is found again."""

import re
import secrets
from dataclasses import dataclass

# Short: CloudFormation cuts a stack's name to fit it into the names it makes, and we find what is left by the whole of it.
PREFIX = "seachange-try"


@dataclass(frozen=True)
class Names:
    """The stacks of one run; `plain` has the network, so it is made first and destroyed last."""

    plain: str

    @classmethod
    def new(cls) -> "Names":
        """Names with a suffix that nobody has yet."""
        return cls(f"{PREFIX}-{secrets.token_hex(3)}")

    @classmethod
    def of(cls, text: str) -> "Names":
        """The names of an earlier run; ValueError for anything else, since what has this name will be destroyed."""
        if not re.fullmatch(rf"{PREFIX}-[0-9a-f]{{6}}", text):
            raise ValueError(f"{text!r} is no run's name; one is {PREFIX}- and six characters, as the run printed it")
        return cls(text)

    @property
    def database(self) -> str:
        """The service with a database and migrations."""
        return f"{self.plain}-db"

    @property
    def first(self) -> str:
        """The service whose first tasks die."""
        return f"{self.plain}-die"

    @property
    def all(self) -> tuple[str, ...]:
        """In the order of destruction."""
        return (self.first, self.database, self.plain)
