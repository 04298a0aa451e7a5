"""The table customers, as one release sees it: its SQL names every column, and only this release's address columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.sql import SQL, Composed, Identifier, Placeholder
from psycopg_pool import ConnectionPool

from customers.addresses import Address
from customers.releases import Release

OWN = ("id", "name", "email", "created_at", "updated_at")
"""The columns that are the same for every release."""


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A row of customers."""

    id: int
    name: str
    email: str
    created_at: datetime
    updated_at: datetime
    address: Address | None


def columns(release: Release) -> Sequence[str]:
    """The columns of customers that a release needs."""
    return (*OWN, *release.columns)


class Customers:
    """Reads and writes customers. Database errors are psycopg's own."""

    def __init__(self, pool: ConnectionPool, release: Release) -> None:
        self._pool = pool
        self._release = release
        self._names = _names(columns(release))

    def get(self, customer_id: int) -> Customer | None:
        """The customer, or None."""
        return self._one(SQL("SELECT {} FROM customers WHERE id = %s").format(self._names), [customer_id])

    def page(self, after: int, limit: int) -> list[Customer]:
        """The customers that follow an id, in the order of their ids."""
        query = SQL("SELECT {} FROM customers WHERE id > %s ORDER BY id LIMIT %s").format(self._names)
        with self._pool.connection() as connection:
            return [self._customer(row) for row in connection.execute(query, [after, limit])]

    def create(self, fields: Mapping[str, Any]) -> Customer:
        """Insert a customer; raises UniqueViolation when the e-mail is taken."""
        values = self._values(fields)
        query = SQL("INSERT INTO customers ({}) VALUES ({}) RETURNING {}").format(
            _names(values), SQL(", ").join(map(Placeholder, values)), self._names
        )
        customer = self._one(query, values)
        assert customer is not None  # an INSERT returns its row
        return customer

    def update(self, customer_id: int, fields: Mapping[str, Any]) -> Customer | None:
        """Change the given fields; None without such a customer; raises UniqueViolation when the e-mail is taken."""
        values = self._values(fields)
        changes = SQL(", ").join(SQL("{} = {}").format(Identifier(name), Placeholder(name)) for name in values)
        query = SQL("UPDATE customers SET {}, updated_at = now() WHERE id = %(id)s RETURNING {}").format(
            changes, self._names
        )
        return self._one(query, {**values, "id": customer_id})

    def delete(self, customer_id: int) -> bool:
        """Delete the customer; whether there was one."""
        with self._pool.connection() as connection:
            return connection.execute("DELETE FROM customers WHERE id = %s", [customer_id]).rowcount == 1

    def _one(self, query: Composed, values: Sequence[Any] | Mapping[str, Any]) -> Customer | None:
        with self._pool.connection() as connection:
            row = connection.execute(query, values).fetchone()
        return None if row is None else self._customer(row)

    def _customer(self, row: Sequence[Any]) -> Customer:
        own, address = row[: len(OWN)], row[len(OWN) :]
        return Customer(**dict(zip(OWN, own, strict=True)), address=self._release.read(address))

    def _values(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: value for name, value in fields.items() if name != "address"}
        if "address" in fields:
            values |= zip(self._release.columns, self._release.write(fields["address"]), strict=True)
        return values


def _names(columns: Sequence[str] | Mapping[str, Any]) -> Composed:
    return SQL(", ").join(map(Identifier, columns))
