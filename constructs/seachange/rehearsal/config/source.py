"""What a colour is and how it starts: the tables `[service]`, `[blue]` and `[green]`."""

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seachange.rehearsal.config.table import Table
from seachange.rehearsal.errors import ConfigError

KINDS = ("directory", "revision", "image")
# What a local value of `[service.environment]` may take from the stage.
DATABASE_PLACEHOLDERS = ("database_host", "database_port", "database_name", "database_user", "database_password")

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One colour's code: a directory, a git revision, or an OCI image.

    Attributes:
        directory: The working directory of the tasks. With `revision` its place in the working tree stands for the same place in the
            revision; an image does not use it.
        revision: A git revision of the repository that `directory` lies in; None for the directory as it is.
        image: An OCI image; None for processes of this machine.
        start: The command of one task, as it stands in the file; empty for an image's own, or the template's.
        environment: Local values for variables that the template fills from a secret, a parameter or what only AWS knows. They may hold
            the placeholders `{{database_…}}`.
    """

    directory: Path
    start: tuple[str, ...]
    revision: str | None = None
    image: str | None = None
    environment: Mapping[str, str]

    def local_environment(self, known: Mapping[str, str], database: Mapping[str, str]) -> dict[str, str]:
        """The local values with their placeholders filled.

        Args:
            known: The template's variables whose value is known here, with that value.
            database: What the stage knows of its database: a value for each of `DATABASE_PLACEHOLDERS`.

        Raises:
            ConfigError: A variable is known already: the template is the script, not this file.
        """
        for name in sorted(self.environment.keys() & known.keys()):
            raise ConfigError(
                f"[service.environment] gives {name}, which the template gives too ({known[name]!r}); take it out, or change the template"
            )
        return {
            name: _PLACEHOLDER.sub(lambda match: database[match[1]], text) for name, text in self.environment.items()
        }


def read_source(document: Table, colour: str) -> Source:
    """The source of a colour: what its own table says, else what `[service]` says."""
    service = document.table("service", (*KINDS, "start", "ready_timeout_s", "environment"), optional=True)
    own = document.table(colour, (*KINDS, "start"), optional=True)
    for table in (service, own):
        table.one_of(("revision", "image"))
        table.one_of(("directory", "image"))
    chosen = own if any(kind in own for kind in KINDS) else service
    revision, image = chosen.optional_text("revision"), chosen.optional_text("image")
    placed = own if "directory" in own else service
    directory = placed.file("directory") if "directory" in placed else document.folder
    # The service's command starts no image that a colour names for itself: that has its own.
    starting = own if "start" in own or "image" in own else service
    start = starting.texts("start") if "start" in starting else ()
    environment = service.named_texts("environment")
    for name, text in environment.items():
        for placeholder in _PLACEHOLDER.findall(text):
            if placeholder not in DATABASE_PLACEHOLDERS:
                known = ", ".join(f"{{{{{item}}}}}" for item in DATABASE_PLACEHOLDERS)
                raise service.error(f"`service.environment.{name}` uses {{{{{placeholder}}}}}; there are {known}")
    source = Source(
        directory=directory,
        start=start,
        revision=revision,
        image=image,
        environment=environment,
    )
    if start and revision is None and image is None:
        # Missing programs are told at once, not after the stage has been set up.
        with_program(source, directory)
    return source


def with_program(source: Source, directory: Path) -> tuple[str, ...]:
    """The start command with its program found: a console script of this Python environment, a file below `directory`, or a program on PATH.

    Raises:
        ConfigError: It is nowhere.
    """
    name, *arguments = source.start
    candidates = (Path(sys.executable).parent / name, directory / name, name)
    found = next((program for candidate in candidates if (program := shutil.which(str(candidate)))), None)
    if found is None:
        raise ConfigError(
            f"the start command {name!r} is neither in this Python environment, nor in {directory}, nor on PATH; "
            "install it or change [service] start"
        )
    return (found, *arguments)
