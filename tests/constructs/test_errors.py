"""The library's errors."""

from seachange import InvalidArgumentError, SeaChangeError


def test_an_invalid_argument_names_argument_value_and_remedy() -> None:
    error = InvalidArgumentError("Network(zones=)", 1, "give 2 or more")
    assert isinstance(error, SeaChangeError)
    assert isinstance(error, ValueError)
    assert (error.argument, error.value, error.remedy) == ("Network(zones=)", 1, "give 2 or more")
    assert str(error) == "Network(zones=) cannot be 1: give 2 or more"
