"""Better numbers for an app's alarms and traffic plan: few changes that catch more, disturb less, or harm less.

Many sets of alarms are tried on the same simulated releases, so that a difference between two is theirs and not chance's. What is found that
way is the best of many, hence flattered: it is measured again on other releases, and only that is told.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import Shift
from seachange.simulation.candidates import Change, candidates, changed
from seachange.simulation.engine import simulate
from seachange.simulation.errors import SimulationError
from seachange.simulation.profile import Profile
from seachange.simulation.result import Result, Share
from seachange.simulation.trials import Score, Trials
from seachange.simulation.unknowns import Unknowns

_MOST_CHANGES = 3
_MOST_TOLD = 6
# Within these a difference is chance's, and then fewer changes are better.
_CAUGHT, _FALSE, _HARM = 0.01, 0.003, 0.03

Changes = tuple[Change, ...]
Verdict = Literal["reaches", "undecided", "misses"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is wanted.

    Attributes:
        catch: The least share of the bad releases to be taken back.
        false_alarms: The most good releases of a hundred to be taken back.
    """

    catch: float = 0.99
    false_alarms: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.catch <= 1:
            raise SimulationError(
                f"a share of {self.catch:g} of the bad releases cannot be caught: give more than 0, 1 at most"
            )
        if not 0 <= self.false_alarms <= 100:
            raise SimulationError(f"{self.false_alarms:g} false alarms per hundred releases cannot be: give 0 to 100")

    def verdict(self, bad: Share, good: Share) -> Verdict:
        """Whether so many bad and good releases, taken back, are what is wanted."""
        most = self.false_alarms / 100
        if bad.low >= self.catch and good.high <= most:
            return "reaches"
        return "undecided" if bad.high >= self.catch and good.low <= most else "misses"


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
    target: Target = Target(),
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
    search = _Search(trials, candidates(shift), target, time.monotonic() + limit_s, progress)
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


class _Search:
    """Tries single changes, then pairs, then what is best with one change more."""

    def __init__(
        self,
        trials: Trials,
        singles: Sequence[Change],
        target: Target,
        deadline: float,
        progress: Callable[[str], None],
    ) -> None:
        self._trials = trials
        self._singles = singles
        self._target = target
        self._deadline = deadline
        self._progress = progress
        self.scores: dict[Changes, Score] = {}
        self.is_complete = True

    def run(self) -> None:
        self._try([(), *((one,) for one in self._singles)], "single changes")
        singles = [one for one in self._singles if self._trials.matters(one)]
        # The most promising first, for time may run out.
        singles.sort(key=lambda one: self._misses(self.scores.get((one,))))
        pairs = [(one, other) for place, other in enumerate(singles) for one in singles[:place]]
        self._try(pairs, "pairs of changes")
        best = sorted(self._front(self.scores), key=lambda changes: self._misses(self.scores[changes]))
        for size in range(2, _MOST_CHANGES):
            more = [(*changes, one) for changes in best if len(changes) == size for one in singles]
            self._try(more, f"{size + 1} changes at once")

    def told(self) -> list[Changes]:
        """The app as it is, those that reach the target with the fewest changes, and the best in each respect of what is no further from it."""
        here = self._misses(self.scores[()])[0]
        most = max(self.scores[()].false, 2 * self._target.false_alarms / 100)
        front = [
            changes
            for changes in self._front(self.scores)
            if self._misses(self.scores[changes])[0] <= here and self.scores[changes].false <= most
        ]
        reaching = [changes for changes in front if not self._misses(self.scores[changes])[0]]
        extremes = [
            max(front, key=lambda changes: self.scores[changes].caught),
            min(front, key=lambda changes: self.scores[changes].false),
            min(front, key=lambda changes: self.scores[changes].harm),
        ]
        nearest = sorted(front, key=lambda changes: (*self._misses(self.scores[changes]), len(changes)))
        return list(dict.fromkeys([(), *reaching[:4], *extremes, *nearest]))[:_MOST_TOLD]

    def _try(self, sets: Sequence[Changes], what: str) -> None:
        for done, changes in enumerate(sets):
            if len({change.argument for change in changes}) < len(changes):
                continue
            if time.monotonic() > self._deadline and changes:
                self.is_complete = False
                return
            if done % 50 == 0:
                self._progress(f"{what}: {done} of {len(sets)}")
            self.scores[changes] = self._trials.score(changes)

    def _misses(self, score: Score | None) -> tuple[float, float]:
        """By how much the target is missed, then the harm: the less the better."""
        if score is None:
            return (np.inf, np.inf)
        short = max(0.0, self._target.catch - score.caught)
        over = max(0.0, score.false - self._target.false_alarms / 100)
        return (short + over, score.harm)

    def _front(self, scores: dict[Changes, Score]) -> list[Changes]:
        """Those than which none is better, or as good with fewer changes; fewest changes first."""
        kept: list[Changes] = []
        for changes in sorted(scores, key=lambda one: (len(one), self._misses(scores[one]))):
            if not any(_as_good(scores[other], scores[changes]) for other in kept):
                kept.append(changes)
        return kept


def _as_good(one: Score, other: Score) -> bool:
    """Whether one is as good as another in every respect, as far as chance lets that be seen."""
    return (
        one.caught >= other.caught - _CAUGHT
        and one.false <= other.false + _FALSE
        and one.harm <= (1 + _HARM) * other.harm
    )
