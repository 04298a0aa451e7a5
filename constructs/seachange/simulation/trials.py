"""Many sets of alarms and traffic plans, tried on the same releases."""

from dataclasses import dataclass, replace

import numpy as np

from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import Shift
from seachange.simulation.candidates import Change, changed, longest_memory
from seachange.simulation.fates import Dice, Drawn
from seachange.simulation.knobs import knobs, turned
from seachange.simulation.profile import Profile
from seachange.simulation.traffic import Floats
from seachange.simulation.unknowns import Unknowns
from seachange.simulation.watch import Watch, watch

_RELEASES = 1000


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a set of changes does.

    Attributes:
        caught: The share of bad releases that are taken back.
        false: The share of good ones.
        harm: Mean number of requests of a bad release that fail or are slow.
    """

    caught: float
    false: float
    harm: float


class Trials:
    """The same releases, good and bad, under every traffic plan.

    Args:
        shift: The app as it is.
        profile: The traffic.
        fault: What a bad release does.
        seed: Which releases.
        unknowns: What is drawn for what AWS does not publish.
    """

    def __init__(self, shift: Shift, profile: Profile, fault: Fault, seed: int, unknowns: Unknowns) -> None:
        self._shift = shift
        self._profile = profile
        self._fault = fault
        self._seed = seed
        self._unknowns = unknowns
        every = watch(shift)
        # Each alarm that decides, with those that it asks for.
        self._watches: dict[str, Watch] = {
            name: watch(replace(shift, decisive=frozenset({name}))) for name in every.decisive
        }
        self._arguments = {
            name: {argument for argument, knob in knobs(shift).items() if set(knob.alarms) & _names(watched)}
            for name, watched in self._watches.items()
        }
        self._worlds: dict[tuple[object, ...], tuple[_World, _World]] = {}
        self._fires: set[str] = set()

    def score(self, changes: tuple[Change, ...]) -> Score:
        """How the app does after these changes."""
        bad, good = self._world(changes)
        caught, false = (self._times(world, changes) for world in (bad, good))
        harm = bad.dice.until(bad.drawn.harmed, caught, bad.drawn.begins)
        return Score(
            caught=float(np.isfinite(caught).mean()),
            false=float(np.isfinite(false).mean()),
            harm=float(harm.mean()),
        )

    def matters(self, change: Change) -> bool:
        """Whether a change concerns an alarm that has fired in some trial, or traffic itself."""
        return change.value is None or any(change.argument in self._arguments[name] for name in self._fires)

    def _world(self, changes: tuple[Change, ...]) -> "tuple[_World, _World]":
        plan = changed(self._shift, tuple(change for change in changes if change.value is None))
        key = (plan.steps, plan.bake_s)
        if key not in self._worlds:
            bad, good = (
                _World.of(Dice(longest_memory(plan), self._profile, fault, self._unknowns, 1.0), self._seed)
                for fault in (self._fault, NO_FAULT)
            )
            self._worlds[key] = (bad, good)
        return self._worlds[key]

    def _times(self, world: "_World", changes: tuple[Change, ...]) -> Floats:
        """When each release is taken back; infinite where it is not."""
        values = {change.argument: change.value for change in changes if change.value is not None}
        time_s = np.full(_RELEASES, np.inf)
        for name, watched in self._watches.items():
            its = {argument: value for argument, value in values.items() if argument in self._arguments[name]}
            key = (name, frozenset(its.items()))
            if key not in world.times:
                alarms = tuple((turned(alarm, its), metrics) for alarm, metrics in watched.alarms)
                found = world.dice.times(world.drawn, replace(watched, alarms=alarms), self._unknowns)
                world.times[key] = found[name]
                if np.isfinite(found[name]).any():
                    self._fires.add(name)
            time_s = np.minimum(time_s, world.times[key])
        return time_s


@dataclass(frozen=True, kw_only=True)
class _World:
    """Releases under one traffic plan, and when each alarm of each kind takes them back."""

    dice: Dice
    drawn: Drawn
    times: dict[tuple[object, ...], Floats]

    @classmethod
    def of(cls, dice: Dice, seed: int) -> "_World":
        return cls(dice=dice, drawn=dice.draw(_RELEASES, np.random.default_rng(seed)), times={})


def _names(watched: Watch) -> set[str]:
    return {alarm.name for alarm, _ in watched.alarms}
