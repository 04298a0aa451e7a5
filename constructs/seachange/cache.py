"""What goes into a Lambda's asset, and the cache of the folders that are built for it."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

IGNORED = frozenset({"__pycache__", ".DS_Store"})
# What nobody has used for so long is made again when somebody needs it.
KEPT_S = 60 * 24 * 3600


def files(name: str, source: Path) -> Iterator[tuple[str, Path]]:
    """The files of `source` with their place in the asset, in an order that no file system decides."""
    if source.is_file():
        yield name, source
        return
    for file in sorted(source.rglob("*"), key=lambda path: path.relative_to(source).as_posix()):
        relative = file.relative_to(source)
        if file.is_file() and not IGNORED.intersection(relative.parts):
            yield f"{name}/{relative.as_posix()}", file


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache, built aside and renamed when it is whole: two may build at once.

    Who builds one removes the folders that nobody has used for 60 days.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seachange" / "bundles"
    folder = cache / name
    if folder.is_dir():
        with suppress(OSError):  # a cache that can only be read is one nevertheless
            os.utime(folder)
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    _prune(cache)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=cache) as aside:
        whole = Path(aside) / name
        whole.mkdir()
        build(whole)
        normalize_modes(whole)
        try:
            whole.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    return folder


def _prune(cache: Path) -> None:
    oldest = time.time() - KEPT_S
    for folder in list(cache.iterdir()):
        with suppress(OSError):  # another process removes it as well
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder)


def normalize_modes(target: Path) -> None:
    """Lambda reads the asset as another user, and a umask must not change it."""
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
