"""The traffic under which a release is simulated, and the file that states it."""

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from seachange.simulation.errors import SimulationError

HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The service's traffic, both colours together, as it is without a bad release.

    Attributes:
        requests_per_s: The rate in each of the day's 24 hours, or one rate for all of them. A release begins at any time of the day.
        latency_median_s: Median of the response time in seconds; response times are lognormal. 0.1 by default.
        latency_sigma: Standard deviation of the response time's logarithm; 0 for no spread. 0.5 by default: the 99th percentile is 3.2 medians.
        error_rate: Share of the requests that the targets answer with a 5xx anyway, between 0 and 1; 0 by default.
        dispersion: Variance over mean of a minute's requests: 1, the default, is Poisson, more is burstier (negative binomial).
        error_dispersion: The same of its 5xx answers; as `dispersion` by default. Requests and errors seldom come in the same bursts.
        tasks: Targets in each group; 2 by default.
    """

    requests_per_s: tuple[float, ...]
    latency_median_s: float = 0.1
    latency_sigma: float = 0.5
    error_rate: float = 0.0
    dispersion: float = 1.0
    error_dispersion: float | None = None
    tasks: int = 2

    def __post_init__(self) -> None:
        if len(self.requests_per_s) not in (1, HOURS):
            raise SimulationError(
                f"Profile(requests_per_s=) has {len(self.requests_per_s)} values; give one, or one for each of the {HOURS} hours"
            )
        for name, is_right, remedy in (
            ("requests_per_s", all(0 <= rate < math.inf for rate in self.requests_per_s), "give rates of 0 or more"),
            ("latency_median_s", 0 < self.latency_median_s < math.inf, "give seconds, more than 0"),
            ("latency_sigma", 0 <= self.latency_sigma < math.inf, "give 0 or more"),
            ("error_rate", 0 <= self.error_rate <= 1, "give a share between 0 and 1: 0.001 for one in a thousand"),
            ("dispersion", 1 <= self.dispersion < math.inf, "give 1 for Poisson arrivals, more for burstier ones"),
            ("error_dispersion", 1 <= self.dispersion_of_errors < math.inf, "give 1 for Poisson, more for bursts"),
            ("tasks", self.tasks >= 1, "give 1 or more"),
        ):
            if not is_right:
                raise SimulationError(f"Profile({name}=) cannot be {getattr(self, name)!r}: {remedy}")

    @property
    def dispersion_of_errors(self) -> float:
        """That of 5xx answers, given or not."""
        return self.dispersion if self.error_dispersion is None else self.error_dispersion

    @classmethod
    def load(cls, path: Path) -> Self:
        """The profile that a TOML file states; its keys are named as the attributes.

        Args:
            path: The file.

        Raises:
            SimulationError: With file, key and remedy.
        """
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise SimulationError(f"{path} does not exist; name the traffic profile's file") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SimulationError(f"{path} cannot be read as a traffic profile: {error}") from error
        known = [field.name for field in fields(cls)]
        if unknown := sorted(document.keys() - set(known)):
            raise SimulationError(
                f"{path}: `{unknown[0]}` is no key of a traffic profile; there are {', '.join(f'`{name}`' for name in known)}"
            )
        if "requests_per_s" not in document:
            raise SimulationError(
                f"{path}: `requests_per_s` is missing; give one rate, or a list of one for each of the {HOURS} hours"
            )
        for name, given in document.items():
            _check_type(path, name, given)
        rates = document.pop("requests_per_s")
        try:
            return cls(requests_per_s=tuple(rates) if isinstance(rates, list) else (rates,), **document)
        except SimulationError as error:
            raise SimulationError(f"{path}: {error}") from error

    def toml(self) -> str:
        """The text of a file that `load` reads back."""
        rates = ", ".join(f"{rate:g}" for rate in self.requests_per_s)
        return "\n".join(
            [
                f"requests_per_s = [{rates}]" if len(self.requests_per_s) > 1 else f"requests_per_s = {rates}",
                *(
                    f"{field.name} = {getattr(self, field.name):g}"
                    for field in fields(self)
                    if field.name != "requests_per_s" and getattr(self, field.name) is not None
                ),
            ]
        )


def _check_type(path: Path, name: str, given: object) -> None:
    """TOML has texts, booleans and dates where numbers belong."""
    values = given if name == "requests_per_s" and isinstance(given, list) else [given]
    kinds = (int,) if name == "tasks" else (int, float)
    if any(isinstance(value, bool) or not isinstance(value, kinds) for value in values):
        wanted = {"tasks": "a whole number", "requests_per_s": f"a number, or a list of {HOURS}"}.get(name, "a number")
        raise SimulationError(f"{path}: `{name}` must be {wanted}; it is {given!r}")
