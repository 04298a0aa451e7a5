"""What a template cannot say of a service: how it starts here, its seed, its load, its views. `rehearsal.toml`, or a table of pyproject.toml."""

from seachange.rehearsal.config.config import RehearsalConfig
from seachange.rehearsal.config.requests import Replay
from seachange.rehearsal.config.source import Source

__all__ = ["RehearsalConfig", "Replay", "Source"]
