"""What the migrations Lambda's asset is made of: engine, dependencies and Alembic directory."""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from seachange.cache import cached, files, normalize_modes
from seachange.errors import InvalidArgumentError
from seachange.migrations import stripping, wheels
from seachange.migrations.wheels import PYTHON, BundleError, Machine, install, platforms

ENGINE = "seachange_migrations"
MIGRATIONS = "migrations"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The parts of one asset.

    `requirements` names further packages that env.py or a revision imports, `include` modules and packages that lie
    elsewhere. Raises InvalidArgumentError for a path that cannot be used.
    """

    directory: Path
    requirements: Path | None
    include: Sequence[Path]
    machine: Machine

    def __post_init__(self) -> None:
        if not (self.directory / "env.py").is_file():
            raise InvalidArgumentError(
                "AlembicMigrations(directory=)",
                str(self.directory),
                "it has no env.py; name the folder that `alembic init` made",
            )
        if self.requirements is not None and not self.requirements.is_file():
            raise InvalidArgumentError(
                "AlembicMigrations(requirements=)", str(self.requirements), "there is no such file"
            )
        taken = {ENGINE, MIGRATIONS}
        for path in self.include:
            if not path.exists():
                raise InvalidArgumentError(
                    "AlembicMigrations(include=)", str(path), "there is no such module or package"
                )
            if path.name in taken:
                raise InvalidArgumentError(
                    "AlembicMigrations(include=)", str(path), f"the Lambda has a {path.name} already; rename it"
                )
            taken.add(path.name)

    def fingerprint(self) -> str:
        """A hash over all that decides the content: sources, pins, platform, Python. It is the same in every checkout."""
        digest = hashlib.sha256(self._dependencies_key().encode())
        for name, file in self._sources():
            digest.update(f"\0{name}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def dependencies(self) -> Path:
        """The folder of installed wheels, from the cache, else by pip. Raises BundleError."""
        return cached(f"dependencies-{self._dependencies_key()[:32]}", self._install)

    def sources(self) -> Path:
        """The folder of sources alone, for a stack that is synthesized without bundling."""
        return cached(f"sources-{self.fingerprint()[:32]}", self.copy_sources)

    def copy_sources(self, target: Path) -> None:
        """Copies engine, Alembic directory and `include` into `target`."""
        for name, file in self._sources():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / name)
        normalize_modes(target)

    def _sources(self) -> Iterator[tuple[str, Path]]:
        yield from files(ENGINE, _engine())
        yield from files(MIGRATIONS, self.directory)
        for path in self.include:
            yield from files(path.name, path)

    def _dependencies_key(self) -> str:
        pins = [_pins(), *([self.requirements] if self.requirements else [])]
        made_by = [Path(module.__file__ or "") for module in (wheels, stripping)]
        parts = [PYTHON, *platforms(self.machine), *(file.read_text("utf-8") for file in (*pins, *made_by))]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _install(self, target: Path) -> None:
        install(target, pins=_pins(), requirements=self.requirements, machine=self.machine)


def _engine() -> Path:
    spec = find_spec(ENGINE)
    if spec is None or spec.origin is None:
        raise BundleError(f"the package {ENGINE} is missing: install seachange again")
    package = Path(spec.origin).parent
    if not (package / "rds-ca.pem").is_file():
        raise BundleError(
            f"{package / 'rds-ca.pem'}, the certificate authorities of Amazon RDS, is missing: run `make setup` in the checkout of SeaChange, "
            "and build its wheel again if you installed one"
        )
    return package


def _pins() -> Path:
    return _engine() / "requirements.txt"
