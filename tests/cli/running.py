"""What a command line did."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from seachange_migrations.connection import ConnectionSettings


@dataclass(frozen=True, kw_only=True)
class Ran:
    """Its exit code and what it printed."""

    code: int
    out: str
    err: str

    def one_line(self) -> str:
        """The only line of its error output, without the name in front."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("seachange: "), self.err
        return lines[0].removeprefix("seachange: ")


class Commands(Protocol):
    """Runs `seachange` with these arguments."""

    def __call__(self, *arguments: str) -> Ran: ...


def url_of(settings: ConnectionSettings, *, password: str | None = None, host: str = "", parameters: str = "") -> str:
    """The URL of a database, its password percent-encoded."""
    secret = quote(settings.password if password is None else password, safe="")
    where = f"{host or settings.host}:{settings.port}"
    return f"postgresql://{settings.user}:{secret}@{where}/{settings.database}{parameters}"
