"""What the load writes down of each request."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Record:
    """One request.

    Attributes:
        number: Its number in the load, from 1; the request carried it in the header `x-seachange-request`.
        method: Its HTTP method.
        path: The template of its path, without values.
        adds: How many rows its success adds to the views.
        intended: When it should have left, in epoch seconds.
        lag_s: How much later it did leave: this generator's own delay, which is not the service's.
        latency_s: From the intended time to the end of the answer.
        status: 0 when there was no answer.
        problem: Why it failed; empty when it did not.
    """

    number: int
    method: str
    path: str
    adds: int
    intended: float
    lag_s: float
    latency_s: float
    status: int
    problem: str

    @property
    def sent(self) -> float:
        """When it left, in epoch seconds."""
        return self.intended + self.lag_s

    def line(self) -> str:
        """The record as a line of tab-separated values."""
        return (
            f"{self.number}\t{self.method}\t{self.path}\t{self.adds}\t{self.intended:.6f}\t{self.lag_s:.6f}\t{self.latency_s:.6f}"
            f"\t{self.status}\t{self.problem}\n"
        )

    @classmethod
    def parse(cls, line: str) -> "Record":
        """The record that `line` wrote."""
        number, method, path, adds, intended, lag_s, latency_s, status, problem = line.rstrip("\n").split("\t")
        return cls(
            number=int(number),
            method=method,
            path=path,
            adds=int(adds),
            intended=float(intended),
            lag_s=float(lag_s),
            latency_s=float(latency_s),
            status=int(status),
            problem=problem,
        )


def read_records(path: Path) -> list[Record]:
    """The records that a load wrote, in the order in which their requests ended; a line still being written is left out."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        return [Record.parse(line) for line in lines if line.endswith("\n")]
