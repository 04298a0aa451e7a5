"""`Profile`: what its file may say."""

from pathlib import Path

import pytest

from seachange.simulation.errors import SimulationError
from seachange.simulation.profile import Profile

HOURLY = tuple(float(hour) for hour in range(24))


def load(tmp_path: Path, text: str) -> Profile:
    path = tmp_path / "profile.toml"
    path.write_text(text, "utf-8")
    return Profile.load(path)


def test_a_rate_is_enough(tmp_path: Path) -> None:
    assert load(tmp_path, "requests_per_s = 20") == Profile(requests_per_s=(20,))
    assert Profile(requests_per_s=(20,)) == Profile(
        requests_per_s=(20,),
        latency_median_s=0.1,
        latency_sigma=0.5,
        error_rate=0,
        dispersion=1,
        error_dispersion=None,
        tasks=2,
    )


@pytest.mark.parametrize(
    "profile",
    [
        Profile(requests_per_s=(0.5,)),
        Profile(
            requests_per_s=HOURLY,
            latency_median_s=0.02,
            latency_sigma=0.75,
            error_rate=0.0005,
            dispersion=3.5,
            error_dispersion=1.25,
            tasks=3,
        ),
    ],
)
def test_what_is_written_is_read_back(tmp_path: Path, profile: Profile) -> None:
    assert load(tmp_path, profile.toml()) == profile


def test_errors_are_as_bursty_as_requests_unless_told() -> None:
    assert Profile(requests_per_s=(1,), dispersion=4).dispersion_of_errors == 4
    assert Profile(requests_per_s=(1,), dispersion=4, error_dispersion=1).dispersion_of_errors == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"profile.toml: `requests_per_s` is missing; give one rate, or a list of one for each of the 24 hours"),
        (
            "requests_per_s = 1\nrate = 2",
            r"profile.toml: `rate` is no key of a traffic profile; there are `requests_per_s`, ",
        ),
        ("requests_per_s = [1, 2]", r"profile.toml: .*has 2 values; give one, or one for each of the 24 hours"),
        ('requests_per_s = "1"', r"`requests_per_s` must be a number, or a list of 24; it is '1'"),
        ("requests_per_s = [true]", r"`requests_per_s` must be a number, or a list of 24"),
        ("requests_per_s = -1", r"requests_per_s=.*give rates of 0 or more"),
        ("requests_per_s = inf", r"requests_per_s=.*give rates of 0 or more"),
        ("requests_per_s = nan", r"requests_per_s=.*give rates of 0 or more"),
        ("requests_per_s = 1\ntasks = 1.5", r"`tasks` must be a whole number; it is 1.5"),
        ("requests_per_s = 1\ntasks = 0", r"tasks=.*give 1 or more"),
        ("requests_per_s = 1\nerror_rate = 5", r"error_rate=.*a share between 0 and 1: 0.001 for one in a thousand"),
        ("requests_per_s = 1\nlatency_median_s = 0", r"latency_median_s=.*more than 0"),
        ("requests_per_s = 1\nlatency_sigma = -1", r"latency_sigma=.*0 or more"),
        ("requests_per_s = 1\ndispersion = 0.5", r"dispersion=.*give 1 for Poisson"),
        ("requests_per_s = 1\nerror_dispersion = 0.5", r"error_dispersion=.*give 1 for Poisson"),
        ("requests_per_s = 1\ndispersion = false", r"`dispersion` must be a number; it is False"),
        ("requests_per_s = ", r"profile.toml cannot be read as a traffic profile"),
    ],
)
def test_refuses(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SimulationError, match=message) as refused:
        load(tmp_path, text)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"none.toml does not exist; name the traffic profile's file"):
        Profile.load(tmp_path / "none.toml")
    with pytest.raises(SimulationError, match="cannot be read as a traffic profile"):
        Profile.load(tmp_path)
