"""How a check's result is printed."""

from enum import StrEnum


class Format(StrEnum):
    """For people, for programs, on a pull request, for code scanning."""

    TERMINAL = "terminal"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"
