"""The errors of the library.

SeaChangeError            one clear line: what happened, why, what to do
└── InvalidArgumentError  an argument of a construct that cannot work; also a ValueError
"""


class SeaChangeError(Exception):
    """Something the user can mend; the message is one clear line."""


class InvalidArgumentError(SeaChangeError, ValueError):
    """An argument that cannot work.

    Args:
        argument: The argument's name, with its class or function where that helps: `TrafficShift.linear(percent=)`.
        value: What was given.
        remedy: What to give instead, and why.
    """

    def __init__(self, argument: str, value: object, remedy: str) -> None:
        super().__init__(f"{argument} cannot be {value!r}: {remedy}")
        self.argument = argument
        self.value = value
        self.remedy = remedy
