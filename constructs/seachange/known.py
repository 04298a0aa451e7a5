"""What is known when the app is synthesized, and what only when the stack deploys.

A number that CloudFormation fills in is a float far below zero until then, and a time of it has one unit alone: neither may be compared.
"""

import math
from collections.abc import Callable
from typing import Literal

from aws_cdk import Duration, Token

from seachange.errors import InvalidArgumentError

LATER = "a value that is known only when the stack deploys"
"""What messages show in place of such a value."""


def check_number(argument: str, value: float, holds: Callable[[float], bool], remedy: str) -> None:
    """Refuses what is no number, and a number that does not hold; one that is known only when the stack deploys is let through.

    Args:
        argument: The argument's name, for the message: `HealthCheck(interval=)`.
        value: What was given.
        holds: What must be true of it; NaN and infinity never hold.
        remedy: What to give instead.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidArgumentError(argument, value, f"{remedy}, as a number")
    # Neither NaN nor infinity is JSON, and jsii asks the CDK in JSON.
    if not math.isfinite(value) or (not Token.is_unresolved(value) and not holds(value)):
        raise InvalidArgumentError(argument, value, remedy)


def known_time(argument: str, time: Duration, unit: Literal["seconds", "minutes", "days"]) -> float | None:
    """A time in its unit; None when it is known only when the stack deploys, and then it must be given in that unit.

    Args:
        argument: The argument's name, for the message.
        time: What was given.
        unit: What the template counts in.
    """
    if not isinstance(time, Duration):
        raise InvalidArgumentError(argument, time, f"give a Duration, such as Duration.{unit}(5)")
    if not time.is_unresolved():
        return float(getattr(time, f"to_{unit}")(integral=False))
    try:
        getattr(time, f"to_{unit}")()
    except RuntimeError:  # the CDK converts no time that it does not know
        raise InvalidArgumentError(
            argument, LATER, f"give it as Duration.{unit}(...): it cannot be converted at synthesis"
        ) from None
    return None


def synthesis_time(argument: str, time: Duration, unit: Literal["seconds", "minutes"], reason: str) -> float:
    """A time in its unit, which must be known when the app is synthesized.

    Args:
        argument: The argument's name, for the message.
        time: What was given.
        unit: The unit.
        reason: Why it must be known.
    """
    if isinstance(time, Duration) and time.is_unresolved():
        raise InvalidArgumentError(argument, LATER, f"give a time that the program knows: {reason}")
    found = known_time(argument, time, unit)
    assert found is not None
    return found
