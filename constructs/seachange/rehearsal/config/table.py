"""A TOML table that names file, key and remedy when something in it is wrong."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seachange.rehearsal.errors import ConfigError


class Table:
    """A table of the file.

    Args:
        path: The file.
        name: The table's dotted name; empty for the whole document.
        document: What stands in it.
        keys: All keys that it may have; any key by default. Another one is refused at once, with the nearest of these.
    """

    def __init__(self, path: Path, name: str, document: Mapping[str, Any], keys: Sequence[str] | None = None) -> None:
        self._path = path
        self._name = name
        self._document = document
        for key in document if keys is not None else ():
            if key not in (keys or ()):
                raise self.error(f"`{self._dotted(key)}` is no key that a rehearsal knows; {_nearest(key, keys or ())}")

    def __contains__(self, key: str) -> bool:
        return key in self._document

    @property
    def folder(self) -> Path:
        """The file's own directory."""
        return self._path.parent.resolve()

    @property
    def names(self) -> Sequence[str]:
        """Its keys, for a table whose keys are names of the user's."""
        return tuple(self._document)

    def raw(self, key: str) -> Any:
        """A value of any kind; None when it is missing."""
        return self._document.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._document.get(key, default)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "a text")
        return value

    def optional_text(self, key: str) -> str | None:
        """A text, or None when it is missing."""
        return self.text(key) if key in self else None

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """One of some texts, by default the first one."""
        value = self._document.get(key, choices[0])
        if value not in choices:
            raise self.wrong(key, " or ".join(f'"{choice}"' for choice in choices))
        return str(value)

    def flag(self, key: str) -> bool:
        """`true` or `false`; false by default."""
        value = self._document.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A number above 0."""
        value = self._document.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise self.wrong(key, "a number above 0")
        return float(value)

    def whole_number(self, key: str) -> int:
        """A whole number above 0."""
        value = self._document.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise self.wrong(key, "a whole number above 0")
        return value

    def integer(self, key: str, default: int) -> int:
        """Any whole number."""
        value = self._document.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(key, "a whole number")
        return value

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts that is not empty."""
        value = self._document.get(key, default)
        if not isinstance(value, list | tuple) or not value or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def named_texts(self, key: str) -> Mapping[str, str]:
        """A table of texts whose keys are names of the user's; empty by default."""
        inner = self.table(key, optional=True)
        return {name: inner.text(name) for name in inner.names}

    def statuses(self, key: str) -> tuple[int, ...]:
        """A list of HTTP status codes that is not empty."""
        value = self._document.get(key)
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(item, int) and 100 <= item <= 599 for item in value)
        ):
            raise self.wrong(key, "a list of HTTP status codes")
        return tuple(value)

    def table(self, key: str, keys: Sequence[str] | None = None, *, optional: bool = False) -> "Table":
        """A table within it."""
        value = self._document.get(key, {} if optional else None)
        if not isinstance(value, dict):
            raise self.wrong(key, "a table")
        return Table(self._path, self._dotted(key), value, keys)

    def tables(self, key: str, keys: Sequence[str]) -> "list[Table]":
        """A list of tables that is not empty."""
        value = self._document.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            raise self.wrong(key, "a list of tables")
        return [Table(self._path, f"{self._dotted(key)}[{index}]", item, keys) for index, item in enumerate(value)]

    def file(self, key: str) -> Path:
        """A path, relative to the file's own directory, of something that exists."""
        found = (self._path.parent / self.text(key)).resolve()
        if not found.exists():
            raise self.error(f"`{self._dotted(key)}` names {found}, which does not exist")
        return found

    def one_of(self, keys: Sequence[str]) -> str | None:
        """Which of some keys is there; None for none of them, an error for more than one."""
        there = [key for key in keys if key in self]
        if len(there) > 1:
            raise self.error(
                f"`{self._dotted(there[0])}` and `{self._dotted(there[1])}` exclude each other; leave one out"
            )
        return there[0] if there else None

    def wrong(self, key: str, wanted: str) -> ConfigError:
        """What to raise when a value is none of those that are wanted."""
        found = repr(self._document[key]) if key in self._document else "missing"
        return self.error(f"`{self._dotted(key)}` must be {wanted}; it is {found}")

    def error(self, what: str) -> ConfigError:
        """What to raise for anything else that is wrong."""
        return ConfigError(f"{self._path}: {what}")

    def _dotted(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key


def _nearest(key: str, keys: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"the keys there are {', '.join(keys)}"
