"""What becomes of a number of releases drawn together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seachange.plan.faults import Fault
from seachange.plan.model import Shift
from seachange.simulation.exposure import MINUTE_S, Exposure, exposure
from seachange.simulation.latency import Latency
from seachange.simulation.metrics import Measured
from seachange.simulation.profile import Profile
from seachange.simulation.traffic import Floats, Traffic
from seachange.simulation.unknowns import Between, Other, Unknowns
from seachange.simulation.watch import Watch, watch


@dataclass(frozen=True, kw_only=True)
class Fates:
    """One value for each release.

    Attributes:
        time_s: When it is rolled back, from green's first traffic on; infinite when it is not.
        first: Which decisive alarm does it, by its place in the watch; meaningless for one that is not.
        failed: Green's failed requests until then, or until the end of the bake.
        harmed: Those, and its slow ones.
        variants: `time_s` of the same releases under each variant.
    """

    time_s: Floats
    first: NDArray[np.int64]
    failed: Floats
    harmed: Floats
    variants: tuple[Floats, ...]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Releases with all their chance drawn: any set of alarms on the same metrics meets the very same ones.

    Attributes:
        measured: What the load balancer measures.
        begins: Seconds of a minute that have passed when green gets its first traffic.
        visible, polled: Draws between 0 and 1 for the delays.
        evaluated: Decisive alarm → its draws.
        failed: Green's failed requests; minutes x releases.
        harmed: Those, and its slow ones.
    """

    measured: Measured
    begins: Floats
    visible: Floats
    polled: Floats
    evaluated: Mapping[str, Floats]
    failed: Floats
    harmed: Floats


class Dice:
    """Draws the fates of releases of one shift."""

    def __init__(self, shift: Shift, profile: Profile, fault: Fault, unknowns: Unknowns, compression: float) -> None:
        self.watch: Watch = watch(shift)
        self._unknowns = unknowns
        self._fault = fault
        self._profile = profile
        self._compression = compression
        self._end_s = shift.duration_s + shift.bake_s
        # An alarm that fires already when the release begins was decided on minutes before.
        before = int((unknowns.visible.high + unknowns.evaluated.high) // MINUTE_S) + 2
        self._exposure: Exposure = exposure(shift, fault, unknowns.begins, lead=self.watch.lead + before)
        self._traffic = Traffic(profile, fault, self._exposure, compression)
        self._latency = Latency(profile, fault)

    def roll(self, releases: int, chance: np.random.Generator, variants: Sequence[Other] = ()) -> Fates:
        """The fates of so many releases, each under the given variants too."""
        drawn = self.draw(releases, chance)
        time_s, first = self._rolled_back(drawn, self._unknowns)
        return Fates(
            time_s=time_s,
            first=first,
            failed=self.until(drawn.failed, time_s, drawn.begins),
            harmed=self.until(drawn.harmed, time_s, drawn.begins),
            variants=tuple(self._rolled_back(drawn, other.values)[0] for other in variants),
        )

    def draw(self, releases: int, chance: np.random.Generator) -> Drawn:
        """So many releases."""
        moments = chance.integers(len(self._exposure.begins), size=releases)
        rates = self._traffic.rates(chance, releases)
        sides = {"green": self._traffic.green(chance, moments, rates)}
        if any("blue" in asked.colours for asked in self.watch.asked):
            sides["blue"] = self._traffic.blue(chance, moments, rates)
        measured = Measured(
            sides=sides,
            sick=np.take(self._exposure.active, moments, axis=1) & self._fault.unhealthy,
            tasks=self._profile.tasks,
            latency=self._latency,
            chance=chance,
            compression=self._compression,
            asked=self.watch.asked,
        )
        visible, polled, *evaluated = chance.random((2 + len(self.watch.decisive), releases))
        green = sides["green"]
        return Drawn(
            measured=measured,
            begins=self._exposure.begins[moments],
            visible=visible,
            polled=polled,
            evaluated=dict(zip(self.watch.decisive, evaluated, strict=True)),
            failed=green.failed,
            harmed=green.failed + green.slow * (green.responses - green.errors),
        )

    def times(self, drawn: Drawn, watched: Watch, unknowns: Unknowns) -> dict[str, Floats]:
        """Decisive alarm → when it takes each release back, on its own; infinite where it does not.

        Args:
            drawn: The releases.
            watched: Alarms on metrics that the dice's own alarms ask for too, under their names.
            unknowns: For the delays.
        """
        shape = (self._exposure.minutes, len(drawn.begins))
        visible, polled = _delay(unknowns.visible, drawn.visible), _delay(unknowns.polled, drawn.polled)
        ends = MINUTE_S * np.arange(1 - self._exposure.lead, self._exposure.minutes + 1 - self._exposure.lead)
        found = {}
        for name, is_alarm in watched.alarmed(drawn.measured, unknowns, shape).items():
            if not is_alarm.any():
                found[name] = np.full(shape[1], np.inf)
                continue
            after = visible + _delay(unknowns.evaluated, drawn.evaluated[name]) - drawn.begins
            # What was evaluated a minute before the first traffic, or earlier, has been evaluated anew since.
            counts = is_alarm & (ends[:, np.newaxis] + after > -MINUTE_S)
            row = counts.argmax(axis=0)
            fires = counts[row, np.arange(shape[1])]
            time_s = np.where(fires, np.maximum(ends[row] + after, 0) + polled, np.inf)
            found[name] = np.where(time_s <= self._end_s, time_s, np.inf)
        return found

    def _rolled_back(self, drawn: Drawn, unknowns: Unknowns) -> tuple[Floats, NDArray[np.int64]]:
        """When, and by which alarm's place."""
        time_s, first = np.full(len(drawn.begins), np.inf), np.full(len(drawn.begins), -1)
        for place, its_time in enumerate(self.times(drawn, self.watch, unknowns).values()):
            first[its_time < time_s] = place
            time_s = np.minimum(time_s, its_time)
        return time_s, first

    def until(self, counts: Floats, time_s: Floats, begins: Floats) -> Floats:
        """The sum of each minute's counts up to a time, the last minute's in part."""
        is_over = np.isinf(time_s)
        at = np.where(is_over, 0, time_s + begins) / MINUTE_S + self._exposure.lead
        row = np.minimum(at.astype(np.int64), self._exposure.minutes - 1)
        column = np.arange(len(begins))
        total = np.cumsum(counts, axis=0)
        return np.where(is_over, total[-1], total[row, column] - (1 - (at - row)) * counts[row, column])


def _delay(between: Between, draw: Floats) -> Floats:
    return between.low + (between.high - between.low) * draw
