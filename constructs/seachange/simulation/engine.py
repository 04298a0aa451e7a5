"""Monte Carlo: many releases of one shift, under one traffic profile and one fault."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from seachange.plan.faults import Fault
from seachange.plan.model import Shift
from seachange.simulation.errors import SimulationError
from seachange.simulation.fates import Dice, Fates
from seachange.simulation.profile import Profile
from seachange.simulation.result import Quantiles, Result, Share, Spread, Variant
from seachange.simulation.traffic import Floats
from seachange.simulation.unknowns import Other, Unknowns, variants_of
from seachange.simulation.watch import Watch

# So many at once stay near the processor: a hundred minutes of them are a megabyte.
_AT_ONCE = 2000
# Variants are of the same draws, so that few releases show a difference.
_WITH_VARIANTS = 2


def simulate(
    shift: Shift,
    profile: Profile,
    *,
    fault: Fault = Fault(),  # noqa: B008 (frozen)
    releases: int = 20_000,
    seed: int = 0,
    unknowns: Unknowns = Unknowns(),  # noqa: B008 (frozen)
    compression: float = 1.0,
    progress: Callable[[int], None] = lambda _: None,
) -> Result:
    """What becomes of so many releases.

    Args:
        shift: Traffic steps, bake and alarms, from `seachange.plan.template.read_shift`.
        profile: The traffic.
        fault: What is wrong with green; nothing by default.
        releases: How many to simulate; 20,000 by default.
        seed: The same seed gives the same answer, whatever the number of processors; 0 by default.
        unknowns: What is drawn for what AWS does not publish.
        compression: For a rehearsal at that speed: its minutes hold so many times fewer requests, whose counts are multiplied by it; 1 by default.
        progress: Told how many more releases have been simulated.

    Raises:
        SimulationError: The input cannot be simulated.
    """
    if releases < 1:
        raise SimulationError(f"{releases} releases tell nothing: give 1 or more")
    if fault.path is not None and fault.share == 1:
        raise SimulationError(f"how much of the traffic goes to {fault.path} is not known here: give the fault's share")
    dice = Dice(shift, profile, fault, unknowns, compression)
    variants = variants_of(unknowns)
    sizes = [min(_AT_ONCE, releases - start) for start in range(0, releases, _AT_ONCE)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))

    def roll(index: int) -> Fates:
        chance = np.random.Generator(np.random.SFC64(seeds[index]))
        fates = dice.roll(sizes[index], chance, variants if index < _WITH_VARIANTS else ())
        progress(sizes[index])
        return fates

    # numpy lets go of the interpreter while it draws and calculates.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return _result(shift, dice.watch, list(pool.map(roll, range(len(sizes)))), variants)


def _result(shift: Shift, watch: Watch, fates: Sequence[Fates], variants: Sequence[Other]) -> Result:
    time_s = np.concatenate([one.time_s for one in fates])
    first = np.concatenate([one.first for one in fates])
    is_back = np.isfinite(time_s)
    weights = np.array([step.green_weight for step in shift.steps])
    at = np.searchsorted([step.at_s for step in shift.steps], time_s[is_back], side="right") - 1
    return Result(
        releases=len(time_s),
        before_full=_share(time_s, shift.duration_s),
        rolled_back=_share(time_s),
        time_s=_quantiles(time_s),
        green_weight=float(weights[np.maximum(at, 0)].mean()) if is_back.any() else None,
        failed=_spread(np.concatenate([one.failed for one in fates])),
        harmed=_spread(np.concatenate([one.harmed for one in fates])),
        first={name: float((is_back & (first == place)).mean()) for place, name in enumerate(watch.decisive)},
        variants=_variants(fates[:_WITH_VARIANTS], variants),
        not_simulated=watch.not_simulated,
    )


def _variants(fates: Sequence[Fates], others: Sequence[Other]) -> tuple[Variant, ...]:
    otherwise = _share(np.concatenate([one.time_s for one in fates]))
    times = [np.concatenate(parts) for parts in zip(*(one.variants for one in fates), strict=True)]
    return tuple(
        Variant(
            unknown=other.unknown,
            name=other.name,
            rolled_back=_share(time_s),
            rolled_back_otherwise=otherwise,
            median_s=_quantiles(time_s).p50,
        )
        for other, time_s in zip(others, times, strict=True)
    )


def _share(time_s: Floats, limit_s: float | None = None) -> Share:
    is_back = np.isfinite(time_s) if limit_s is None else time_s <= limit_s
    return Share.of(int(is_back.sum()), len(time_s))


def _quantiles(time_s: Floats) -> Quantiles:
    # Between two releases, one of which is never rolled back, there is no middle.
    found = np.quantile(time_s, [0.05, 0.5, 0.95], method="inverted_cdf")
    return Quantiles(
        **{name: float(at) if np.isfinite(at) else None for name, at in zip(("p5", "p50", "p95"), found, strict=True)}
    )


def _spread(counts: Floats) -> Spread:
    p5, p50, p95 = (float(count) for count in np.quantile(counts, [0.05, 0.5, 0.95]))
    return Spread(mean=float(counts.mean()), p5=p5, p50=p50, p95=p95)
