"""An address in its two forms: one string (release v1), and street, city, state and zip (release v2)."""

import re
from typing import NamedTuple

# The rule of migrations/versions/0002_structured_address.py; a test holds the two together.
RULE = re.compile(
    r"([^ ]|[^ ].*[^ ]), ([^ ,]|[^ ,][^,]*[^ ,]), ([A-Z]{2}), ([0-9A-Za-z-][0-9A-Za-z -]{1,8}[0-9A-Za-z-])", re.DOTALL
)


class Address(NamedTuple):
    """The structured form. An address that does not parse lies whole in `street`, the rest being None."""

    street: str | None
    city: str | None
    state: str | None
    zip: str | None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """The structured form of a string; `joined` gives the same string back."""
        match = RULE.fullmatch(text)
        return cls(*match.groups()) if match else cls(text, None, None, None)

    @property
    def joined(self) -> str:
        """The form of release v1."""
        return ", ".join(part for part in self if part is not None)
