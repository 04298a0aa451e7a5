"""Where moments and values stand on the page, and how numbers read."""

import pytest

from seachange.rehearsal.report import bands, lanes, words
from seachange.rehearsal.report.axis import Axis, Scale, area, bars, dots, line, stairs
from tests.rehearsal import reports

AXIS = Axis(end=50)
HUNDRED = Scale(low=0, high=100)


def test_time_goes_from_edge_to_edge_and_what_lies_outside_stands_there() -> None:
    assert [AXIS.x(at) for at in (-3, 0, 12.5, 50, 60)] == [0, 0, 25, 100, 100]


@pytest.mark.parametrize(
    ("end", "texts"),
    [
        (7, ["0 s", "1 s", "2 s", "3 s", "4 s", "5 s", "6 s", "7 s"]),
        (84, ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s", "70 s", "80 s"]),
        (3480, ["0 s", "10:00 min", "20:00 min", "30:00 min", "40:00 min", "50:00 min"]),
    ],
)
def test_the_axis_has_at_most_nine_round_marks(end: float, texts: list[str]) -> None:
    assert [tick.text for tick in Axis(end=end).ticks()] == texts


def test_the_plans_clock_begins_with_the_shift_and_runs_at_its_speed() -> None:
    ticks = Axis(end=85).plan_ticks(25, speed=60)
    assert [(tick.text, tick.at) for tick in ticks][:2] == [("0 min", 29.412), ("10 min", 41.176)]
    assert ticks[-1].text == "60 min"


def test_magnitudes_reach_from_a_power_of_ten_to_another() -> None:
    scale = Scale.magnitudes([2.3, 411.0])
    assert (scale.low, scale.high, scale.powers()) == (1, 1000, [1, 10, 100, 1000])
    assert [scale.y(value) for value in (1, 10, 1000, 0.2, 5000)] == [100, 66.67, 0, 100, 0]
    assert Scale.magnitudes([]).high > Scale.magnitudes([]).low


def test_paths() -> None:
    assert line([(0, 0), (1, 50), (9, 100)], AXIS, HUNDRED, every=1) == "M0 100L2 50M18 0"
    assert stairs([(0, 0), (10, 20)], end=50) == [(0, 0), (10, 0), (10, 20), (50, 20)]
    assert area([(0, 50), (50, 100)], [(0, 0), (50, 0)], AXIS, HUNDRED) == "M0 50L100 0L100 100L0 100Z"
    assert area([], [], AXIS, HUNDRED) == ""
    assert bars([(0, 1, 25), (1, 2, 0)], AXIS, HUNDRED) == "M0 100V75H2V100Z"
    assert dots([(25, 100)], AXIS, HUNDRED) == "M50 0h.01"


def test_blue_in_both_groups_is_no_share_of_greens() -> None:
    green, twin = lanes.shares(reports.good())
    assert green[:3] == [(0.0, 0), (10.0, 0), (25.0, 10)]
    assert twin[:3] == [(0.0, 50), (10.0, 0), (25.0, 0)]


def test_an_alarm_without_data_is_shown_as_such_from_the_shift_to_the_end_of_the_bake() -> None:
    axis = Axis(end=84)
    rows = {row.title: row for row in bands.alarms(reports.good(), axis)}
    silent = rows["ServiceAlarmsGreenErrorsAgainstBlue0A1B2C3D"]
    assert [(band.kind, band.left, band.left + band.width) for band in silent.bands] == [
        ("insufficient-data", axis.x(24.2), axis.x(82)),
    ]
    assert (silent.summary, silent.exercised) == ("no data; not exercised", False)
    assert [row.exercised for row in rows.values()].count(False) == 2


def test_what_fired_and_what_decides_comes_first() -> None:
    rows = bands.alarms(reports.bad(), Axis(end=34))
    assert [row.quiet for row in rows] == [False] * 4 + [True] * 4
    assert [band.kind for band in rows[0].bands] == ["insufficient-data", "ok", "alarm"]
    assert bands.alarm_moments(reports.bad(), Axis(end=34)) == [Axis(end=34).x(32)]


def test_a_deployment_that_was_refused_has_no_bands_of_alarms() -> None:
    report = reports.good()
    report["timeline"]["phases"] = report["timeline"]["phases"][:4]
    assert bands.alarms(report, Axis(end=84)) == []


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (words.ms(0), "0 ms"),
        (words.ms(5.4399), "5.44 ms"),
        (words.ms(999.6), "1 s"),
        (words.ms(1234), "1.23 s"),
        (words.ms(61_000), "61 s"),
        (words.signed_ms(-1.4), "\N{MINUS SIGN}1.4 ms"),
        (words.signed_ms(0), "±0 ms"),
        (words.duration(0.031), "0.031 s"),
        (words.duration(366), "6 min 6 s"),
        (words.duration(1620), "27 min"),
        (words.duration(7260), "2 h 1 min"),
        (words.size(999), "999 B"),
        (words.size(412_876_800), "413 MB"),
        (words.chance(0.0004), "< 0.1 %"),
        (words.chance(0.9996), "> 99.9 %"),
        (words.chance(0.31), "31 %"),
        (words.chance(1.0), "100 %"),
        (words.chance(0.0), "0 %"),
        (words.alarm("ServiceAlarmsGreen5xxRate0A1B2C3D"), "Service<wbr>Alarms<wbr>Green<wbr>5xx<wbr>Rate"),
        (words.alarm("<b>"), "&lt;b&gt;"),
        (words.condition("errors GreaterThanOrEqualToThreshold 2"), "errors ≥ 2"),
        (words.moment("2026-11-25T12:53:58Z"), "25 November 2026, 12:53 UTC"),
    ],
)
def test_numbers_read_as_people_write_them(read: str, text: str) -> None:
    assert read == text


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "This release passed"),
        ({"verdict": "fail"}, "This release failed"),
        ({"verdict": "fail", "at_fault": "machine"}, "Nothing proven: the machine was at fault"),
        ({"verdict": "fail", "outcome": {"kind": "refused", "why": ""}}, "This release was refused"),
        (
            {"verdict": "fail", "drill": "slow", "outcome": {"kind": "rolls-back", "why": ""}},
            "Drill slow: this release was rolled back",
        ),
    ],
)
def test_the_headline_says_what_came_of_it(changes: dict[str, object], line: str) -> None:
    assert words.headline(reports.good(**changes)) == line
