"""Better numbers for an app's alarms and traffic plan: few changes that catch more, disturb less, or harm less.

Many sets of alarms are tried on the same simulated releases, so that a difference between two is theirs and not chance's. What is found that
way is the best of many, hence flattered: it is measured again on other releases, and only that is told.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import Shift
from seachange.simulation.candidates import candidates, changed
from seachange.simulation.engine import simulate
from seachange.simulation.errors import SimulationError
from seachange.simulation.profile import Profile
from seachange.simulation.result import Result
from seachange.simulation.search import Search
from seachange.simulation.target import Target, Verdict
from seachange.simulation.trials import Trials
from seachange.simulation.unknowns import Unknowns


@dataclass(frozen=True, kw_only=True)
class Option:
    """One way to write the app.

    Attributes:
        changes: What is written in place of what stands there; none for the app as it is.
        bad: What becomes of bad releases.
        good: What becomes of good ones.
        verdict: Whether the target is reached, at the worse end of both 95 % intervals; `undecided` when it is at the better ends alone.
    """

    changes: tuple[str, ...]
    bad: Result
    good: Result
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """What was found.

    Attributes:
        options: The app as it is, then ways none of which is better than another in all respects; fewest changes first.
        target: What was wanted.
        tried: How many sets of changes were tried.
        is_complete: Whether all that were meant to be tried were, in the time that there was.
    """

    options: tuple[Option, ...]
    target: Target
    tried: int
    is_complete: bool

    @property
    def answer(self) -> Option | None:
        """The one with the fewest changes that reaches the target; None when none does."""
        return next((option for option in self.options if option.verdict == "reaches"), None)


def improve(
    shift: Shift,
    profile: Profile,
    *,
    fault: Fault,
    target: Target = Target(),  # noqa: B008 (frozen)
    releases: int = 10_000,
    seed: int = 0,
    unknowns: Unknowns = Unknowns(),  # noqa: B008 (frozen)
    limit_s: float = 45.0,
    progress: Callable[[str], None] = lambda _: None,
) -> Improvement:
    """Searches up to three changes at once.

    Args:
        shift: Traffic steps, bake and alarms.
        profile: The traffic.
        fault: What a bad release does.
        target: What is wanted; 99 % caught and one false alarm per hundred releases by default.
        releases: On how many each way that is told is measured, once good and once bad; 10,000 by default.
        seed: The same seed searches the same way; 0 by default.
        unknowns: What is drawn for what AWS does not publish.
        limit_s: Seconds for the search, without the measuring; 45 by default.
        progress: Told what goes on, in a few words.

    Raises:
        SimulationError: There is no fault.
    """
    if fault == NO_FAULT:
        raise SimulationError(
            "there is no fault to be caught: state one, such as green answering 5 % of its requests with 5xx"
        )
    trials = Trials(shift, profile, fault, seed, unknowns)
    search = Search(trials, candidates(shift), target, time.monotonic() + limit_s, progress)
    search.run()
    found = search.told()
    options = []
    for index, changes in enumerate(found):
        progress(f"measuring {index + 1} of {len(found)}, on {releases:,} other releases of each kind")
        bad, good = (
            simulate(changed(shift, changes), profile, fault=one, releases=releases, seed=seed + 1, unknowns=unknowns)
            for one in (fault, NO_FAULT)
        )
        verdict = target.verdict(bad.rolled_back, good.rolled_back)
        options.append(Option(changes=tuple(change.written for change in changes), bad=bad, good=good, verdict=verdict))
    options.sort(key=lambda option: (len(option.changes), option.verdict != "reaches", -option.bad.rolled_back.value))
    return Improvement(options=tuple(options), target=target, tried=len(search.scores), is_complete=search.is_complete)
