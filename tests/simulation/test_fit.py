"""`fit`: a traffic profile from access logs, of which nothing private is kept."""

import gzip
import json
import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seachange.plan.alb_log import AlbEntry
from seachange.rehearsal.access_log import parse
from seachange.simulation.errors import SimulationError
from seachange.simulation.fit import Fit, fit

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
SECRET = "hunter2"
# What the requests below are drawn from.
MEDIAN_S, SIGMA, ERRORS = 0.08, 0.6, 0.02

Draw = tuple[float, int, float]


def drawn(minutes: int, rate: Callable[[int], float], seed: int = 1) -> Iterator[Draw]:
    """Time, status and response time of requests with so many per second in each minute."""
    chance = random.Random(seed)
    for minute in range(minutes):
        at = MIDNIGHT + 60 * minute
        per_s = rate(minute)
        while per_s and (at := at + chance.expovariate(per_s)) < MIDNIGHT + 60 * (minute + 1):
            status = 503 if chance.random() < ERRORS else chance.choice([200, 201, 404])
            yield at, status, chance.lognormvariate(math.log(MEDIAN_S), SIGMA)


def alb(draw: Draw, *, target: str = "10.0.0.1:8080", status: str | None = None) -> str:
    """As an Application Load Balancer logs it, with everything that should not be kept."""
    at, answered, latency = draw
    time = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    shown = status or str(answered)
    answered_in = f"{latency:.3f}" if status is None else "-1"
    return (
        f"https {time} app/orders/0123456789abcdef 192.0.2.7:4711 {target} 0.000 {answered_in} 0.000 {answered} {shown} 34 366 "
        f'"GET https://ann:{SECRET}@orders.example.com:443/private?token={SECRET} HTTP/1.1" "a \\"client\\" 1.0" ECDHE-RSA TLSv1.2 '
        'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/0123 "Root=1-2-3" "orders.example.com" "-" 0 '
        f'{time} "forward" "-" "-" "{target}" "{shown}" "-" "-" TID_0123\n'
    )


def rehearsed(draw: Draw) -> str:
    at, status, latency = draw
    entry = {"start": f"{at:.6f}", "duration_us": 9000, "target_us": int(1e6 * latency), "colour": "blue"}
    line = json.dumps(entry | {"status": status, "flags": "-", "number": "1"})
    # As the rehearsal itself reads it.
    assert (parse(line).status, parse(line).target_s) == (status, pytest.approx(latency, abs=1e-5))
    return line + "\n"


def csv(draw: Draw) -> str:
    at, status, latency = draw
    return f"{at:.3f},{status},{latency:.6f},/private?token={SECRET}\n"


def write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def check(found: Fit, *, rate: float) -> None:
    """The profile is that from which the requests were drawn."""
    profile = found.profile
    assert profile.requests_per_s == pytest.approx((rate,), rel=0.02)
    assert profile.latency_median_s == pytest.approx(MEDIAN_S, rel=0.03)
    assert profile.latency_sigma == pytest.approx(SIGMA, rel=0.06)
    assert profile.error_rate == pytest.approx(ERRORS, rel=0.2)
    assert profile.dispersion == pytest.approx(1, abs=0.35)
    assert profile.dispersion_of_errors == pytest.approx(1, abs=0.35)


@pytest.mark.parametrize(
    ("line", "name"), [(alb, "a.log"), (alb, "a.log.gz"), (rehearsed, "access.log"), (csv, "a.csv")]
)
def test_every_format_gives_the_profile_that_it_was_drawn_from(
    tmp_path: Path, line: Callable[[Draw], str], name: str
) -> None:
    draws = list(drawn(120, lambda _: 4.0))
    found = fit(write(tmp_path / name, [line(draw) for draw in draws]))
    check(found, rate=4)
    assert found.requests == len(draws)
    assert found.span_s == pytest.approx(7200, rel=0.01)
    assert any("not a day: one rate for all hours" in note for note in found.notes)


def test_a_folder_is_read_with_what_is_below_it(tmp_path: Path) -> None:
    draws = list(drawn(60, lambda _: 4.0))
    write(tmp_path / "2026/03/01/one.log.gz", [alb(draw) for draw in draws[::2]])
    write(tmp_path / "2026/03/01/two.log", [alb(draw, target="10.0.0.2:8080") for draw in draws[1::2]])
    (tmp_path / "README").write_text("not a log")
    found = fit(tmp_path)
    assert found.requests == len(draws)
    assert found.profile.tasks == 2
    check(found, rate=4)


def test_nothing_private_is_kept_or_told(tmp_path: Path) -> None:
    lines = [alb(draw) for draw in drawn(30, lambda _: 4.0)]
    assert SECRET not in repr(fit(write(tmp_path / "a.log", lines)))
    bad = [f"GET /private?token={SECRET}\n"] * 200
    for text in ([*lines[:50], *bad], bad):
        with pytest.raises(SimulationError) as refused:
            fit(write(tmp_path / "bad.log", text))
        assert SECRET not in str(refused.value)


@pytest.mark.parametrize("field", ["request", "created_s"])
def test_of_a_load_balancers_line_nothing_from_the_request_on_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    def asked(_: AlbEntry) -> str:
        raise AssertionError(f"{field} was asked for")

    monkeypatch.setattr(AlbEntry, field, property(asked))
    draws = list(drawn(30, lambda _: 4.0))
    assert fit(write(tmp_path / "a.log", [alb(draw) for draw in draws])).requests == len(draws)


def test_each_hour_of_the_day_has_its_rate(tmp_path: Path) -> None:
    # Nothing at night, twice as much in the afternoon; half of the second day.
    lines = [csv(draw) for draw in drawn(36 * 60, lambda minute: (0.0, 0.5, 1.0, 1.0)[minute // 360 % 4])]
    found = fit(write(tmp_path / "a.csv", ["timestamp,status,latency,path\n", *lines]))
    rates = found.profile.requests_per_s
    assert rates[:6] == (0,) * 6
    assert rates[6:12] == pytest.approx([0.5] * 6, rel=0.15)
    assert rates[12:] == pytest.approx([1.0] * 12, rel=0.15)
    assert any("no request in the hours 0, 1, 2, 3, 4, 5 UTC" in note for note in found.notes)
    assert found.profile.dispersion == pytest.approx(1, abs=0.2)  # the day's course is no burst


def test_an_hour_that_some_day_does_not_tell_of_counts_on_the_others(tmp_path: Path) -> None:
    """The log of one hour of the second day is lost: that is no hour without traffic."""
    lines = [csv(draw) for draw in drawn(48 * 60, lambda minute: 0.0 if minute // 60 == 30 else 0.2)]
    assert fit(write(tmp_path / "a.csv", lines)).profile.requests_per_s[6] == pytest.approx(0.2, rel=0.2)


def test_bursts_show_as_dispersion_of_what_comes_in_bursts(tmp_path: Path) -> None:
    chance = random.Random(3)
    loads = [4 * chance.gammavariate(8, 1 / 8) for _ in range(240)]
    # A gamma-distributed rate of this shape adds a variance of mean^2/8: 1 + 240/8.
    draws = list(drawn(240, lambda minute: loads[minute]))
    profile = fit(write(tmp_path / "a.csv", [csv(draw) for draw in draws])).profile
    assert profile.dispersion == pytest.approx(31, rel=0.3)
    assert profile.dispersion_of_errors < 3
    # Errors in every tenth minute alone, of steady requests.
    bursty = [
        (at, 500 if at // 60 % 10 == 0 and status == 503 else 200, took)
        for at, status, took in drawn(240, lambda _: 8.0)
    ]
    profile = fit(write(tmp_path / "b.csv", [csv(draw) for draw in bursty])).profile
    assert profile.dispersion == pytest.approx(1, abs=0.3)
    assert profile.dispersion_of_errors > 5


def test_only_what_a_target_was_chosen_for_counts(tmp_path: Path) -> None:
    draws = list(drawn(30, lambda _: 4.0))
    lines = [alb(draw) for draw in draws]
    refused = [alb(draw, target="-", status="-") for draw in draws[:500]]
    closed = [alb((at, 502, 0.0), status="-") for at, _, _ in draws[:200]]
    found = fit(write(tmp_path / "a.log", [*lines, *refused, *closed]))
    assert found.requests == len(draws) + 200
    # A target that closes the connection has answered nothing: neither 5xx nor fast.
    errors = sum(status == 503 for _, status, _ in draws)
    assert found.profile.error_rate == pytest.approx(errors / found.requests, rel=1e-3)
    assert found.profile.latency_median_s == pytest.approx(MEDIAN_S, rel=0.05)


def test_half_a_line_at_the_end_is_told_and_passed_over(tmp_path: Path) -> None:
    lines = [alb(draw) for draw in drawn(30, lambda _: 4.0)]
    found = fit(write(tmp_path / "a.log", [*lines, lines[0][:60]]))
    assert found.requests == len(lines)
    assert "1 lines could not be read" in found.notes


def test_little_is_not_taken_for_much(tmp_path: Path) -> None:
    found = fit(write(tmp_path / "a.csv", [csv(draw) for draw in drawn(10, lambda _: 0.8)]))
    assert found.profile.dispersion == 1
    assert any("arrivals are taken as Poisson" in note for note in found.notes)
    assert any("taken from p95" in note or "taken from p90" in note for note in found.notes)
    without = [f"{at},{status},\n" for at, status, _ in drawn(10, lambda _: 0.8)]
    assert any("0 requests have a response time" in note for note in fit(write(tmp_path / "b.csv", without)).notes)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.log",
            "127.0.0.1 - - [1/Mar/2026] GET / 200\n",
            r"a.log is no access log that can be read here: give those of",
        ),
        ("a.log", "", r"a.log is no access log"),
        ("a.log.gz", "not compressed", r"a.log.gz cannot be read"),
        ("a.csv", "1,200,0.1\n" * 99, r"holds 99 requests that reached a target; give 100 or more"),
        ("a.csv", "1,200,0.1\n" * 200 + "x,y,z\n" * 10, r"10 of 210 lines are not of their file's format"),
        ("a.txt", "", r"holds no access log: no file in it ends in \.log"),
    ],
)
def test_refuses(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SimulationError, match=message):
        fit(tmp_path if path.suffix == ".txt" else path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="none does not exist; name an access log, or a folder of them"):
        fit(tmp_path / "none")
