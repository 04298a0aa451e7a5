"""The alarms of the template over made-up traffic: what fires, and above all what does not."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from seachange import BlueGreenLoadBalancer, ReleaseAlarms
from seachange.alarms import DatabaseAlarms
from seachange.assembly import Resource, canonical
from seachange.evaluation import Alarm, Metric, Point, State, state, value
from seachange.plan.alarms import read_alarm
from tests.chance import poisson
from tests.constructs.apps import new_stack, resources, their_vpc


@dataclass(frozen=True, kw_only=True)
class Side:
    """A target group in one minute."""

    requests: int = 0
    errors: int = 0
    refused: int = 0
    p90: float = 0.05
    p99: float = 0.1
    unhealthy: int | None = 0


IDLE = Side(unhealthy=None)


@dataclass(frozen=True, kw_only=True)
class Minute:
    """Everything that the load balancer measures in one minute; counts of 0 are not sent."""

    blue: Side = IDLE
    green: Side = IDLE
    own: Mapping[int, int] = field(default_factory=dict)
    refused_count_as_requests: bool = True

    def point(self, metric: Metric, sides: Mapping[str, str]) -> Point:
        group = metric.dimensions.get("TargetGroup")
        if group is None:
            if metric.name == "RequestCount":
                return self._requests(self.blue) + self._requests(self.green) or None
            return self.own.get(int(metric.name.removeprefix("HTTPCode_ELB_").removesuffix("_Count"))) or None
        side = {"blue": self.blue, "green": self.green}[sides[group]]
        answered = side.requests > side.refused
        match metric.name:
            case "RequestCount":
                return self._requests(side) or None
            case "HTTPCode_Target_5XX_Count":
                return side.errors or None
            case "TargetConnectionErrorCount":
                return side.refused or None
            case "TargetResponseTime":
                return {"p90": side.p90, "p99": side.p99}[metric.statistic] if answered else None
            case "UnHealthyHostCount":
                return side.unhealthy
        raise AssertionError(metric.name)

    def _requests(self, side: Side) -> int:
        return side.requests if self.refused_count_as_requests else side.requests - side.refused


@dataclass(frozen=True)
class Watched:
    """The alarms of one template, and which target group is which."""

    alarms: Sequence[Alarm]
    sides: Mapping[str, str]

    def fired(self, minutes: Sequence[Minute]) -> set[str]:
        """The alarms that were in ALARM at any minute's end."""
        found = set()
        for alarm in self.alarms:
            points: list[Point] = []
            for minute in minutes:
                points.append(
                    value(alarm.expression, {k: minute.point(m, self.sides) for k, m in alarm.metrics.items()})
                )
                if state(alarm, points) == "ALARM":
                    found.add(alarm.name.removeprefix("Alarms")[:-8])
        return found


@pytest.fixture(scope="module")
def watched() -> Watched:
    stack = new_stack()
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    ReleaseAlarms(stack, "Alarms", blue=balancer.blue, green=balancer.green, load_balancer=balancer.load_balancer)
    names = {
        canonical(stack.resolve(group.target_group_full_name)): colour
        for colour, group in (("blue", balancer.blue), ("green", balancer.green))
    }
    return Watched(single_alarms(resources(stack)), names)


def single_alarms(found: Mapping[str, dict[str, Any]]) -> list[Alarm]:
    return [
        read_alarm(Resource(stack="s", logical_id=logical_id, type=body["Type"], properties=body["Properties"]))
        for logical_id, body in found.items()
        if body["Type"] == "AWS::CloudWatch::Alarm"
    ]


def shift(
    good: Side, bad: Side | None = None, *, sick: str = "green", scale: float = 1.0, **changes: Any
) -> list[Minute]:
    """A release by 10 % every 3 minutes with 30 minutes of bake; `good` and `bad` are what all traffic would look like."""
    minutes = []
    for at in range(57):
        weight = min(1, 0.1 * (at // 3 + 1))
        sides = {
            colour: _part(bad if bad is not None and colour == sick else good, share * scale)
            for colour, share in (("green", weight), ("blue", 1 - weight))
        }
        minutes.append(Minute(blue=sides["blue"], green=sides["green"], **changes))
    return minutes


def _part(side: Side, share: float) -> Side:
    counts = {name: round(getattr(side, name) * share) for name in ("requests", "errors", "refused")}
    return replace(side, **counts)


GOOD = Side(requests=6000)
SICK = Side(requests=6000, errors=600, refused=600, p90=1, p99=2)


def test_a_good_release_fires_nothing(watched: Watched) -> None:
    assert watched.fired(shift(GOOD)) == set()


def test_nor_does_silence(watched: Watched) -> None:
    assert watched.fired([Minute()] * 20) == set()


def test_nor_a_quiet_service_with_an_error_in_each_minute(watched: Watched) -> None:
    quiet = Side(requests=10, errors=1, p99=3, p90=2)
    assert watched.fired([Minute(blue=quiet, green=quiet)] * 20) == set()


@pytest.mark.parametrize(("requests", "fires"), [(49, False), (50, True)])
def test_the_minimum_of_requests(watched: Watched, requests: int, fires: bool) -> None:
    all_wrong = Side(requests=requests, errors=requests, p99=2)
    assert watched.fired([Minute(green=all_wrong)] * 5) == ({"Green5xxRate", "GreenP99"} if fires else set())


def test_a_sick_green(watched: Watched) -> None:
    assert watched.fired(shift(GOOD, Side(requests=6000, errors=600))) == {"Green5xxRate", "GreenErrorsAgainstBlue"}


def test_a_sick_blue_does_not_stop_the_release_that_heals_it(watched: Watched) -> None:
    fired = watched.fired(shift(GOOD, Side(requests=6000, errors=600, p90=1, p99=3, unhealthy=1), sick="blue"))
    assert fired == {
        "Blue5xxRate",
        "BlueErrorsAgainstGreen",
        "BlueP99",
        "BlueLatencyAgainstGreen",
        "BlueUnhealthy",
    }


def test_a_green_too_little_sick_for_the_rate_is_caught_by_the_comparison(watched: Watched) -> None:
    assert watched.fired(shift(GOOD, Side(requests=6000, errors=96))) == {"GreenErrorsAgainstBlue"}


def test_and_in_the_bake_there_is_nothing_to_compare_with(watched: Watched) -> None:
    assert watched.fired([Minute(green=Side(requests=6000, errors=96), blue=Side())] * 10) == set()


def test_both_sick_alike_are_no_difference(watched: Watched) -> None:
    sick = Side(requests=6000, errors=300, p90=0.4, p99=0.9)
    assert watched.fired(shift(sick)) == {"Green5xxRate", "Blue5xxRate"}


def test_an_error_now_and_then_beside_a_flawless_blue_is_no_difference(watched: Watched) -> None:
    # Half a percent against none: infinitely many times as much.
    few = Minute(blue=Side(requests=1800), green=Side(requests=200, errors=1))
    assert watched.fired([few] * 10) == set()


@pytest.mark.parametrize("poor", ["blue", "green"])
def test_either_side_with_too_few_requests_compares_nothing(watched: Watched, poor: str) -> None:
    # Errors of 1.5 percent: below the rate's threshold, above the comparison's.
    sides = {"blue": Side(requests=1000), "green": Side(requests=1000, errors=15, p90=0.9)}
    assert watched.fired([Minute(blue=sides["blue"], green=sides["green"])] * 10) == {
        "GreenErrorsAgainstBlue",
        "GreenLatencyAgainstBlue",
    }
    sides[poor] = _part(sides[poor], 0.199)
    assert watched.fired([Minute(blue=sides["blue"], green=sides["green"])] * 10) == set()


def test_a_slow_green(watched: Watched) -> None:
    assert watched.fired(shift(GOOD, replace(GOOD, p90=0.5, p99=1.5))) == {"GreenP99", "GreenLatencyAgainstBlue"}


def test_a_few_milliseconds_are_no_difference_however_many_times_blues(watched: Watched) -> None:
    assert watched.fired(shift(replace(GOOD, p90=0.01), replace(GOOD, p90=0.11))) == set()


@pytest.mark.parametrize("slow_minutes", [2, 3])
def test_a_cold_start_of_two_minutes_is_forgiven(watched: Watched, slow_minutes: int) -> None:
    slow = Minute(blue=GOOD, green=replace(GOOD, p90=1, p99=2))
    fired = watched.fired([*[slow] * slow_minutes, *[Minute(blue=GOOD, green=GOOD)] * 5])
    assert fired == (set() if slow_minutes == 2 else {"GreenP99", "GreenLatencyAgainstBlue"})


def test_one_quicker_minute_saves_no_slow_green(watched: Watched) -> None:
    good, slow = (Minute(blue=GOOD, green=green) for green in (GOOD, replace(GOOD, p90=1)))
    assert watched.fired([good, good, slow, slow, good, slow]) == {"GreenLatencyAgainstBlue"}
    assert watched.fired([good, good, slow, slow, good, good, slow]) == set()


@pytest.mark.parametrize(
    ("name", "newest"),
    [
        ("Green5xxRate", None),
        ("GreenP99", None),
        ("GreenErrorsAgainstBlue", None),
        ("GreenLatencyAgainstBlue", None),
        # FILL in their condition makes it a minute without an error.
        ("GreenConnectionErrors", 0),
        ("LoadBalancer5xx", 0),
    ],
)
def test_the_newest_minute_may_still_be_empty(watched: Watched, name: str, newest: Point) -> None:
    """Evaluated while the last minute's data is under way."""
    good, sick = (Minute(blue=GOOD, green=green, own=own) for green, own in ((GOOD, {}), (SICK, {502: 600})))
    (alarm,) = (alarm for alarm in watched.alarms if alarm.name.removeprefix("Alarms")[:-8] == name)
    points = [
        value(alarm.expression, {k: minute.point(m, watched.sides) for k, m in alarm.metrics.items()})
        for minute in (*[good] * 5, *[sick] * 3, Minute())
    ]
    assert points[-1] == newest
    assert state(alarm, points) == "ALARM"


@pytest.mark.parametrize("counted", [True, False])
def test_a_green_that_refuses_every_connection(watched: Watched, counted: bool) -> None:
    minutes = [
        replace(minute, own={502: minute.green.refused})
        for minute in shift(GOOD, Side(requests=6000, refused=6000), refused_count_as_requests=counted)
    ]
    assert watched.fired(minutes) == {"GreenConnectionErrors", "LoadBalancer5xx"}


@pytest.mark.parametrize("counted", [True, False])
def test_a_blue_that_refuses_every_connection_makes_nobody_slow(watched: Watched, counted: bool) -> None:
    minutes = shift(replace(GOOD, p90=0.3), Side(requests=6000, refused=6000), sick="blue")
    fired = watched.fired([replace(minute, refused_count_as_requests=counted) for minute in minutes])
    assert fired == {"BlueConnectionErrors"}


def test_a_green_that_hangs_up_shows_at_the_load_balancer_alone(watched: Watched) -> None:
    minutes = [replace(minute, own={502: minute.green.requests // 4}) for minute in shift(GOOD)]
    assert watched.fired(minutes) == {"LoadBalancer5xx"}


def test_no_target_at_all_counts_no_request_and_still_shows(watched: Watched) -> None:
    assert watched.fired([Minute(own={503: 60})] * 4) == {"LoadBalancer5xx"}


def test_a_few_errors_of_the_load_balancer_do_not(watched: Watched) -> None:
    assert watched.fired(shift(GOOD, own={502: 30, 504: 30})) == set()


def test_unhealthy_targets_must_stay_so(watched: Watched) -> None:
    sick, well = Minute(green=Side(unhealthy=1)), Minute(green=Side())
    assert watched.fired([well, sick, sick, well, well]) == set()
    assert watched.fired([well, sick, sick, sick]) == {"GreenUnhealthy"}


@pytest.mark.parametrize("per_minute", [600, 2400, 12_000])
def test_good_releases_with_background_errors_go_through(watched: Watched, per_minute: int) -> None:
    """One error in a thousand on both sides, at random: at most one of 40 releases is taken back."""
    chance = random.Random(20261101)
    taken_back = 0
    for _ in range(40):
        noise = [
            Minute(blue=_noisy(chance, minute.blue), green=_noisy(chance, minute.green))
            for minute in shift(Side(requests=per_minute))
        ]
        rates = replace(watched, alarms=[a for a in watched.alarms if "5xxRate" in a.name or "ErrorsAgainst" in a.name])
        taken_back += any(name.startswith("Green") for name in rates.fired(noise))
    assert taken_back <= 1


def _noisy(chance: random.Random, side: Side) -> Side:
    return replace(side, errors=poisson(chance, side.requests * 0.001))


# --- the database ----------------------------------------------------------------------------------------------------------------

WELL: dict[str, Point] = {
    "DatabaseConnections": 40,
    "CPUUtilization": 30,
    "FreeableMemory": 500 * 1024**2,
    "FreeStorageSpace": 15 * 1024**3,
    "ReplicaLag": 290,
}
SILENT: dict[str, Point] = dict.fromkeys(WELL)


@pytest.fixture(scope="module")
def database() -> list[Alarm]:
    stack = new_stack()
    DatabaseAlarms(stack, "Db", instance_identifier="orders", max_connections=200, replica_identifiers=["orders-r1"])
    return single_alarms(resources(stack))


States = Callable[[Sequence[Mapping[str, Point]]], dict[str, State]]


@pytest.fixture
def states(database: list[Alarm]) -> States:
    """Each alarm's state after the last minute."""

    def after(minutes: Sequence[Mapping[str, Point]]) -> dict[str, State]:
        found: dict[str, State] = {}
        for alarm in database:
            points: list[Point] = []
            now: State = "INSUFFICIENT_DATA"
            for minute in minutes:
                points.append(value(alarm.expression, {k: minute[m.name] for k, m in alarm.metrics.items()}))
                now = state(alarm, points, now)
            found[alarm.name.removeprefix("Db")[:-8]] = now
        return found

    return after


def firing(states: Mapping[str, State]) -> set[str]:
    return {name for name, now in states.items() if now == "ALARM"}


def test_a_database_that_is_well_fires_nothing(states: States) -> None:
    assert set(states([WELL] * 8).values()) == {"OK"}


@pytest.mark.parametrize(
    ("changes", "alarm"),
    [
        ({"DatabaseConnections": 161}, "Connections"),
        ({"CPUUtilization": 91}, "Cpu"),
        ({"FreeableMemory": 99 * 1024**2}, "FreeableMemory"),
        ({"FreeStorageSpace": 1024**3 - 1}, "FreeStorage"),
        ({"ReplicaLag": 601}, "ReplicaLag1"),
    ],
)
def test_each_trouble_has_its_alarm(states: States, changes: dict[str, Point], alarm: str) -> None:
    assert firing(states([*[WELL] * 5, *[{**WELL, **changes}] * 5])) == {alarm}


def test_a_migration_that_keeps_the_cpu_busy_for_four_minutes_is_none(states: States) -> None:
    assert firing(states([*[WELL] * 5, *[{**WELL, "CPUUtilization": 100}] * 4, WELL])) == set()


def test_a_failover_of_two_minutes_is_none(states: States) -> None:
    assert firing(states([*[WELL] * 8, SILENT, SILENT])) == set()
    assert firing(states([*[WELL] * 8, SILENT, SILENT, WELL])) == set()


def test_a_database_that_says_nothing_is_told_by_one_alarm_of_each_instance(states: States) -> None:
    assert firing(states([SILENT] * 10)) == {"Cpu", "ReplicaLag1"}


def test_a_full_disk_stays_full_when_it_silences_the_database(states: States) -> None:
    full = {**WELL, "FreeStorageSpace": 0.0}
    assert "FreeStorage" in firing(states([*[WELL] * 5, *[full] * 4, *[SILENT] * 10]))
