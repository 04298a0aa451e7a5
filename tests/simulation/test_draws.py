"""What is drawn has the distribution that it should have: response times against samples drawn one by one, counts against their moments."""

import numpy as np
import pytest

from seachange.plan.faults import Fault
from seachange.simulation.exposure import exposure
from seachange.simulation.latency import Latency
from seachange.simulation.traffic import Traffic
from seachange.simulation.unknowns import exactly
from tests.simulation.shifts import RATE, profile, shift

DRAWS = 4000


@pytest.mark.parametrize("slow", [0.0, 0.03, 1.0])
@pytest.mark.parametrize("count", [1, 7, 400])
def test_percentiles_are_those_of_samples(slow: float, count: int) -> None:
    fault = Fault(slowdown=3, delay_s=0.1)
    chance = np.random.default_rng(1)
    drawn = Latency(profile(), fault).percentiles(
        chance, np.full(DRAWS, float(count)), np.full(DRAWS, slow), [0, 50, 90, 99, 100]
    )
    samples = 0.05 * np.exp(0.5 * chance.standard_normal((DRAWS, count)))
    is_slow = chance.random(samples.shape) < slow
    ordered = np.sort(np.where(is_slow, 3 * samples + 0.1, samples), axis=1)
    for percent, found in drawn.items():
        expected = ordered[:, max(0, int(np.ceil(percent / 100 * count)) - 1)]
        for share in (0.1, 0.5, 0.9):
            # The share of the samples below a quantile of what was drawn: four standard deviations and a half.
            assert (expected <= np.quantile(found, share)).mean() == pytest.approx(share, abs=0.045)
    # They are of the same sample: in order, and the greatest of one response is its median.
    assert (drawn[50] <= drawn[90]).all()
    assert (drawn[99] <= drawn[100]).all()
    assert count > 1 or (drawn[0] == drawn[100]).all()


@pytest.mark.parametrize("slow", [0.0, 0.2])
def test_averages_have_the_mean_and_the_spread_of_samples(slow: float) -> None:
    chance = np.random.default_rng(2)
    found = Latency(profile(), Fault(delay_s=1)).averages(chance, np.full(DRAWS, 50.0), slow)
    samples = 0.05 * np.exp(0.5 * chance.standard_normal((DRAWS, 50))) + (chance.random((DRAWS, 50)) < slow)
    averages = samples.mean(axis=1)
    assert found.mean() == pytest.approx(averages.mean(), rel=0.02)
    assert found.std() == pytest.approx(averages.std(), rel=0.06)


def test_no_response_has_no_response_time() -> None:
    chance = np.random.default_rng(3)
    latency = Latency(profile(latency_sigma=0), Fault())
    counts = np.array([0.0, 5.0])
    assert np.isnan(latency.percentiles(chance, counts, 0.0, [99])[99]).tolist() == [True, False]
    assert np.isnan(latency.averages(chance, counts, 0.0)).tolist() == [True, False]
    # Without a spread every response takes the median.
    assert latency.percentiles(chance, counts, 0.0, [99])[99][1] == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize("dispersion", [1.0, 4.0])
def test_counts_have_their_mean_and_dispersion(dispersion: float) -> None:
    chance = np.random.default_rng(4)
    table = exposure(shift(RATE), Fault(), exactly(0), lead=3)
    traffic = Traffic(profile(10, dispersion=dispersion, error_rate=0.05), Fault(), table, 1.0)
    moments = np.zeros(DRAWS, np.int64)
    green, blue = (side(chance, moments, np.full((1, 1), 10.0)) for side in (traffic.green, traffic.blue))
    assert not green.requests[:3].any()
    for side, minute, mean in ((green, 3, 60.0), (green, 40, 600.0), (blue, 3, 540.0), (blue, 0, 600.0)):
        # Background errors have the dispersion by themselves, and few requests' share of the rest.
        assert side.requests[minute].mean() == pytest.approx(mean, rel=0.03)
        assert side.requests[minute].var() / mean == pytest.approx(dispersion, rel=0.15)
        assert side.errors[minute].mean() == pytest.approx(0.05 * mean, rel=0.1)
        assert side.errors[minute].var() / (0.05 * mean) == pytest.approx(dispersion, rel=0.3)


def test_bursts_are_of_the_traffic_that_there_is() -> None:
    chance = np.random.default_rng(5)
    fault = Fault(errors=1, share=0.5, bursty=True)
    table = exposure(shift(RATE), fault, exactly(0), lead=0)
    green = Traffic(profile(10), fault, table, 1.0).green(chance, np.zeros(DRAWS, np.int64), np.full((1, 1), 10.0))
    assert green.requests[40].mean() == pytest.approx(600, rel=0.01)
    # In a good part of the minutes nearly nothing of it fails, in another everything.
    failing = green.errors[40] / green.requests[40]
    assert (failing < 0.05).mean() > 0.3
    assert (failing == 1).mean() > 0.1


def test_green_gets_the_steps_shares_wherever_a_minute_begins() -> None:
    for begins in (0.0, 20.0):
        table = exposure(shift(RATE), Fault(after_s=200, until_s=260), exactly(begins), lead=2)
        seconds = table.green[:, 0]
        assert seconds[2] == pytest.approx(0.1 * (60 - begins))
        assert seconds[5] == pytest.approx(0.1 * begins + 0.2 * (60 - begins))
        assert seconds.sum() == pytest.approx(sum(0.1 * (step + 1) * 180 for step in range(9)) + 1800)
        ((_, concerned),) = table.concerned
        assert concerned.sum() == pytest.approx(0.2 * 60)
        assert table.active.sum() == 2
