"""The search for changes of an app's code that do better: single ones, pairs, then what is best with one more."""

import math
import time
from collections.abc import Callable, Sequence

from seachange.simulation.candidates import Change
from seachange.simulation.target import Target
from seachange.simulation.trials import Score, Trials

_MOST_CHANGES = 3
_MOST_TOLD = 6
# Within these a difference is chance's, and then fewer changes are better.
_CAUGHT, _FALSE, _HARM = 0.01, 0.003, 0.03

Changes = tuple[Change, ...]


class Search:
    """Tries sets of changes until all have been tried or the time is up.

    Args:
        trials: Where they are tried.
        singles: Every single change.
        target: What is wanted.
        deadline: When the time is up, on the monotonic clock.
        progress: Told what goes on.

    Attributes:
        scores: What was tried, and how it did.
        is_complete: Whether all was.
    """

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
            return (math.inf, math.inf)
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
