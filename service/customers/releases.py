"""The releases: which columns hold a customer's address, what clients may send, and how it is answered.

Clients do not know which release serves them while traffic shifts. So release v2 still takes the string of v1, and
both serve /api/v1/customers/<id>, which answers in the same form whoever serves it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from customers.addresses import Address

MAX_ADDRESS = 200  # characters of the joined form


class AddressError(ValueError):
    """What a client sent is not an address; the message says why."""


class Release(ABC):
    """One release of the service."""

    name: str
    columns: tuple[str, ...]
    """The columns that hold the address: the only ones of the two forms that this release reads and writes."""
    versions: tuple[str, ...]
    """The versioned read routes that it serves."""

    @abstractmethod
    def read(self, values: Sequence[str | None]) -> Address | None:
        """The address in the values of `columns`."""

    @abstractmethod
    def write(self, address: Address | None) -> Sequence[str | None]:
        """The values of `columns` for an address."""

    @abstractmethod
    def accept(self, given: object) -> Address | None:
        """The address that a client sent; raises AddressError."""


def as_string(address: Address | None) -> str | None:
    """An address as v1 answers it."""
    return None if address is None else address.joined


def as_structure(address: Address | None) -> dict[str, str | None] | None:
    """An address as v2 answers it."""
    return None if address is None else address._asdict()


ANSWERS = {"v1": as_string, "v2": as_structure}


class OneAddress(Release):
    """v1: the address is one string."""

    name = "v1"
    columns: tuple[str, ...] = ("address",)
    versions: tuple[str, ...] = ("v1",)

    def read(self, values: Sequence[str | None]) -> Address | None:
        return None if values[0] is None else Address.parse(values[0])

    def write(self, address: Address | None) -> Sequence[str | None]:
        return (as_string(address),)

    def accept(self, given: object) -> Address | None:
        if given is None:
            return None
        if not isinstance(given, str):
            raise AddressError("address must be a string")
        if len(given) > MAX_ADDRESS:
            raise AddressError(f"address is longer than {MAX_ADDRESS} characters")
        return Address.parse(given)


class StructuredAddress(OneAddress):
    """v2: the address has street, city, state and zip; the string is still taken."""

    name = "v2"
    columns = ("street_address", "city", "state", "zip_code")
    versions = ("v1", "v2")

    def read(self, values: Sequence[str | None]) -> Address | None:
        return None if all(value is None for value in values) else Address(*values)

    def write(self, address: Address | None) -> Sequence[str | None]:
        return Address(None, None, None, None) if address is None else address

    def accept(self, given: object) -> Address | None:
        if not isinstance(given, dict):
            return super().accept(given)
        if unknown := given.keys() - set(Address._fields):
            raise AddressError(
                f"address has an unknown field {min(unknown)[:50]!r}; it has {', '.join(Address._fields)}"
            )
        parts = Address(*(given.get(name) for name in Address._fields))
        for name, part in zip(Address._fields, parts, strict=True):
            if part is not None and not isinstance(part, str):
                raise AddressError(f"address.{name} must be a string")
        if parts.street is not None and parts[1:] == (None, None, None):
            return super().accept(parts.street)  # as an address that did not parse was answered
        for name, part in zip(Address._fields, parts, strict=True):
            if part is None:
                raise AddressError(f"address.{name} is missing")
        if len(parts.joined) > MAX_ADDRESS:
            raise AddressError(f"address is longer than {MAX_ADDRESS} characters")
        if Address.parse(parts.joined) != parts:  # v1 must read it, and nothing may be lost on the way back
            raise AddressError(
                "address needs a street, a city without comma, a state of two capital letters and a zip of 3 to 10 "
                "letters, digits, spaces or hyphens, none with a space at its ends"
            )
        return parts


RELEASES: dict[str, Release] = {release.name: release for release in (OneAddress(), StructuredAddress())}
