"""Numbers and verdicts as people read them."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup

# CloudFormation's logical ids end in a hash that says nothing to a reader.
_HASH = re.compile(r"[0-9A-F]{8}$")
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z0-9])(?<![0-9](?=[0-9]))")
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": "≥",
    "GreaterThanThreshold": ">",
    "LessThanOrEqualToThreshold": "≤",
    "LessThanThreshold": "<",
}
# How a deployment ended, after "it".
ENDINGS = {
    "completes": "went to its end",
    "rolls-back": "was rolled back",
    "stops": "was stopped without a rollback",
    "refused": "was refused",
}
_UNITS = ("B", "kB", "MB", "GB", "TB")


def headline(report: Mapping[str, Any]) -> str:
    """The verdict in a line."""
    if report["at_fault"] == "machine":
        verdict = "Nothing proven: the machine was at fault"
    elif report["verdict"] == "pass":
        verdict = "This release passed"
    elif report["outcome"]["kind"] == "completes":
        verdict = "This release failed"
    else:
        verdict = f"This release {ENDINGS[report['outcome']['kind']]}"
    return verdict if report["drill"] == "none" else f"Drill {report['drill']}: {verdict[0].lower()}{verdict[1:]}"


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}"


def ms(milliseconds: float) -> str:
    """Milliseconds with three digits that matter; seconds from one second on."""
    return duration(milliseconds / 1000) if milliseconds >= 999.5 else f"{milliseconds:.3g} ms"


def signed_ms(milliseconds: float) -> str:
    """A difference in milliseconds, with its sign."""
    return ("+" if milliseconds > 0 else "\N{MINUS SIGN}" if milliseconds < 0 else "±") + ms(abs(milliseconds))


def duration(seconds: float) -> str:
    """Seconds, or minutes and seconds, or hours and minutes."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(number: float) -> str:
    """Bytes in the unit that fits."""
    unit = 0
    while number >= 1000 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.3g} {_UNITS[unit]}"


def chance(probability: float | None) -> str:
    """A probability in percent; one that is nearly 0 or 1 is not rounded to it."""
    if probability is None:
        return "not computed"
    if 0 < probability < 0.001:
        return "< 0.1 %"
    if 0.999 < probability < 1:
        return "> 99.9 %"
    return f"{100 * probability:.3g} %"


def alarm(name: str) -> Markup:
    """An alarm's logical id without its hash; a narrow column may break it between its words."""
    return breakable(_HASH.sub("", name))


def breakable(text: str) -> Markup:
    """A text whose names may break between their words: `Green5xxRate` after `Green`."""
    return Markup("<wbr>").join(_WORD.split(text))


def condition(text: str) -> str:
    """An alarm's condition with the comparison as a sign."""
    for name, sign in _COMPARISONS.items():
        text = text.replace(name, sign)
    return text


def moment(iso: str) -> str:
    """A moment in UTC, as a date and a time of day."""
    at = datetime.fromisoformat(iso)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"
