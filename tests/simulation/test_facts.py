"""The tables of docs/facts/cloudwatch.md, drawn again with fewer releases.

The delays behind them are known only in part (visible after 60 s): how long CodeDeploy takes to see an alarm is not stated there, and two seconds
of it are some percent of the failed requests.
"""

import math

import pytest

from benchmarks.simulation import CELLS, Cell, draw, floor, good, sparse

RELEASES = 2000


def noise(share: float) -> float:
    """Three and a half standard deviations of a share, and the table's rounding."""
    return 3.5 * math.sqrt(max(share * (1 - share), 1 / RELEASES) / RELEASES) + 0.005


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.alarm}-{cell.per_s:g}-{cell.errors:g}")
def test_two_common_alarms(cell: Cell) -> None:
    found = draw(cell, RELEASES)
    assert found.before_full.value == pytest.approx(cell.until_full, abs=noise(cell.until_full))
    assert found.rolled_back.value == pytest.approx(cell.until_baked, abs=noise(cell.until_baked))
    if cell.minutes is None:
        assert found.time_s.p50 is None
    else:
        assert found.time_s.p50 is not None
        # Where few releases are near the middle it is less certain: in the bake one percent of them in a minute.
        tolerance = {35: 3.0, 27.7: 0.4, 15.5: 0.4}.get(cell.minutes, 0.15)
        assert found.time_s.p50 / 60 == pytest.approx(cell.minutes, abs=tolerance)
    deviation = (found.failed.p95 - found.failed.p5) / 3.3
    assert found.failed.mean == pytest.approx(cell.failed, rel=0.02, abs=3.5 * deviation / math.sqrt(RELEASES) + 0.5)


@pytest.mark.parametrize(
    ("name", "per_s", "least", "most"),
    [
        ("count", 2, 0, 0.001),
        ("count", 200, 0.995, 1),
        ("count", 2000, 0.995, 1),
        *(("rate", per_s, 0, 0.011) for per_s in (2, 200, 2000)),
    ],
)
def test_good_releases(name: str, per_s: float, least: float, most: float) -> None:
    assert least <= good(name, per_s, RELEASES).rolled_back.value <= most


def test_bursts_of_errors_leave_a_count_some_good_releases() -> None:
    # The table says .70, and not how bursty they were: a variance of two hundred times the mean makes it so.
    assert good("count", 200, RELEASES, dispersion=200).rolled_back.value == pytest.approx(0.70, abs=0.05)


def test_more_points_fetched_are_more_false_alarms_on_a_sparse_metric() -> None:
    fetched, in_a_row = (sparse(extra, 4 * RELEASES).rolled_back.value for extra in (2, 0))
    # 7.3 % against 3.2 %, of an alarm and a traffic that are not stated.
    assert fetched / in_a_row == pytest.approx(0.073 / 0.032, rel=0.2)


@pytest.mark.parametrize(("visible_s", "stated"), [(60, (2.7, 3.4, 4.2)), (180, (4.7, 5.4, 6.1))])
def test_the_floor_of_detection(visible_s: float, stated: tuple[float, float, float]) -> None:
    found = floor(visible_s, RELEASES)
    times = (found.time_s.p5, found.time_s.p50, found.time_s.p95)
    assert [time_s and time_s / 60 for time_s in times] == pytest.approx(list(stated), abs=0.12)
    assert found.green_weight is not None
    assert 17.5 <= found.green_weight <= 21.5
