"""Makes an Alembic directory whose revisions run one by one, each in a transaction of its own."""

from importlib import resources
from pathlib import Path

from seachange.authoring.errors import AuthoringError

NO_METADATA = "target_metadata = None\n"
MODELS = '''\
def models() -> MetaData | None:
    """The models' metadata; none where the service is not installed, as in the Lambda, which only runs revisions."""
    try:
        from {module} import {name}
    except ModuleNotFoundError as error:
        if error.name is None or not "{module}.".startswith(f"{{error.name}}."):
            raise
        return None
    return {metadata}


target_metadata = models()
'''


def template(file: str) -> str:
    """The text of `env.py` or `script.py.mako`."""
    return resources.files("seachange.authoring").joinpath("template", file).read_text("utf-8")


def environment(metadata: str | None = None) -> str:
    """The text of an env.py for the models of `metadata`, `package.module:Base` or `package.module:metadata`.

    Raises AuthoringError when it does not read so.
    """
    if metadata is None:
        return template("env.py")
    module, _, name = metadata.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise AuthoringError(f"--metadata cannot be {metadata!r}: name module and attribute, as in shop.models:Base")
    before, comment, after = template("env.py").partition("# The models' metadata")
    _, _, rest = (comment + after).partition(NO_METADATA)
    imports = before.replace("import create_engine", "import MetaData, create_engine")
    # A declarative base has the metadata, a MetaData is it.
    found = name if name.lower().endswith("metadata") else f"{name}.metadata"
    return f"{imports}\n{MODELS.format(module=module, name=name, metadata=found)}{rest}"


def init_migrations(directory: Path, *, metadata: str | None = None) -> tuple[Path, ...]:
    """Writes env.py, script.py.mako and versions/ into `directory`, and returns what it wrote.

    `metadata` names the models that autogenerate compares, `package.module:Base`; none by default, to be filled in.
    Raises AuthoringError when one of them is there already: nothing is overwritten, and nothing is written.
    """
    texts = {"env.py": environment(metadata), "script.py.mako": template("script.py.mako")}
    paths = {directory / name: text for name, text in texts.items()}
    versions = directory / "versions"
    there = [path for path in (*paths, versions) if path.exists()]
    if there:
        raise AuthoringError(
            f"{there[0]} is there already, and nothing is overwritten: name another directory, or use this one as it is; "
            "an Alembic directory of your own needs no init"
        )
    try:
        versions.mkdir(parents=True)
        for path, text in paths.items():
            path.write_text(text, "utf-8")
    except OSError as error:
        raise AuthoringError(f"cannot write into {directory}: {error.strerror}") from error
    return (*paths, versions)
