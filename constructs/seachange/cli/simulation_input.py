"""What `seachange simulate` is given on the command line, as the simulation takes it."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seachange.errors import SeaChangeError
from seachange.plan.faults import Fault
from seachange.simulation.fit import fit
from seachange.simulation.profile import Profile

ERRORS = ("0.5%", "1%", "2%", "5%", "10%", "50%")
SLOWDOWNS = (1.5, 2.0, 3.0, 5.0, 10.0)


def share(option: str, text: str) -> float:
    """A share written as `5%` or as `0.05`."""
    number, _, rest = text.partition("%")
    try:
        found = float(number) / (100 if "%" in text else 1)
    except ValueError:
        found = -1.0
    if rest.strip() or not 0 <= found <= 1:
        raise SeaChangeError(f"{option} cannot be {text}: give a share of the requests, as 5% or 0.05")
    return found


def traffic(
    profile: Path | None, logs: Path | None, requests_per_s: float | None, background: str
) -> tuple[Profile, Sequence[str]]:
    """The traffic, stated in one of three ways, and what the logs could not tell."""
    if sum(given is not None for given in (profile, logs, requests_per_s)) != 1:
        raise SeaChangeError(
            "the traffic decides what an alarm can see: state it with one of --profile FILE, --logs PATH and --requests-per-s NUMBER"
        )
    if requests_per_s is None and background != "0":
        raise SeaChangeError("--background goes with --requests-per-s; a profile and logs have their own error rate")
    if profile is not None:
        return Profile.load(profile), ()
    if logs is not None:
        found = fit(logs, progress=lambda read: print(f"{read:,} requests read", file=sys.stderr))
        return found.profile, found.notes
    assert requests_per_s is not None
    return Profile(requests_per_s=(requests_per_s,), error_rate=share("--background", background)), ()


def faults(
    *,
    error_rates: Sequence[str] | None,
    slowdowns: Sequence[float] | None,
    resets: Sequence[str] | None,
    unhealthy: bool,
    shape: Fault,
) -> list[tuple[str, Fault]]:
    """What is asked for, each with its name; a range of error rates and of slowdowns when nothing is."""
    if not (error_rates or slowdowns or resets or unhealthy):
        error_rates, slowdowns = ERRORS, SLOWDOWNS
    for factor in slowdowns or ():
        if factor <= 0:
            raise SeaChangeError(
                f"--slowdown cannot be {factor:g}: give a factor on the response time, as 2 for twice as slow"
            )
    rates, closed = (
        [share(option, text) for text in texts or ()]
        for option, texts in (("--error-rate", error_rates), ("--resets", resets))
    )
    kinds = [
        *((f"{100 * rate:g} % errors", {"errors": rate}) for rate in rates),
        *((f"{factor:g} times slower", {"slowdown": factor}) for factor in slowdowns or ()),
        *((f"{100 * rate:g} % resets", {"resets": rate}) for rate in closed),
        *([("unhealthy", {"unhealthy": True})] if unhealthy else []),
    ]
    return [(name, replace(shape, **changes)) for name, changes in kinds]  # type: ignore[arg-type]
