"""How a release is synthesized: the table `[synth]`, which `seachange rehearse --base` needs."""

from dataclasses import dataclass
from pathlib import Path

from seachange.rehearsal.config.table import Table

OUT = "{{out}}"


@dataclass(frozen=True, kw_only=True)
class Synth:
    """A command that writes a cloud assembly.

    Attributes:
        directory: Where it runs in the working tree; in another revision it runs in the same place of that.
        command: Program and arguments; `{{out}}` in them becomes the folder that the assembly goes to.
    """

    directory: Path
    command: tuple[str, ...]

    def arguments(self, out: Path) -> list[str]:
        """The command for one assembly."""
        return [argument.replace(OUT, str(out)) for argument in self.command]


def read_synth(document: Table) -> Synth | None:
    """Reads and checks the table; None without it."""
    if "synth" not in document:
        return None
    table = document.table("synth", ("directory", "command"))
    program, *arguments = table.texts("command")
    if not any(OUT in argument for argument in arguments):
        raise table.wrong("command", f"a list of texts with {OUT} in one of them, where the cloud assembly goes")
    if "/" in program:
        # Like every path of the file it counts from the file's own directory: an older revision need not have it.
        program = str((document.folder / program).resolve())
    directory = table.file("directory") if "directory" in table else document.folder
    return Synth(directory=directory, command=(program, *arguments))
