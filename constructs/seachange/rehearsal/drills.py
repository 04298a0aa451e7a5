"""Drills: what is made to go wrong on purpose."""

import re
from dataclasses import dataclass
from typing import Self

from seachange.rehearsal.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One fault.

    Attributes:
        green_errors_percent: Percent of green's answers on the production listener that become 500.
    """

    name: str
    green_errors_percent: float = 0

    @classmethod
    def named(cls, name: str) -> Self:
        """The drill of that name; ConfigError, listing those there are, otherwise."""
        if name == "none":
            return cls(name=name)
        match = re.fullmatch(r"errors-(\d{1,3})", name)
        if match and 1 <= int(match[1]) <= 100:
            return cls(name=name, green_errors_percent=int(match[1]))
        raise ConfigError(
            f"there is no drill {name!r}; name errors-1 to errors-100: green answers 500 to that percent of its requests"
        )
