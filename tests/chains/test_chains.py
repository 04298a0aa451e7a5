"""Public Alembic chains, with their own env.py, go to head under the engine with the same schema as under plain Alembic.

`make test-chains` fetches the packages; they are large, so that nothing else does.
"""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from tests.chains.environments import ROOT, python_of
from tests.migrations.databases import Database, made
from tests.servers.dump import dump, schema
from tests.servers.server import clients_environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("SEACHANGE_CHAINS" not in os.environ, reason="make test-chains: fetches large packages"),
]

CHAINS = {"glance": "openstack", "ironic": "openstack", "manila": "openstack", "open_webui": "open_webui"}


@pytest.mark.parametrize("name", CHAINS)
def test_the_same_schema_as_under_plain_alembic(postgres: PostgresServer, tmp_path: Path, name: str) -> None:
    with made(postgres, f"{name}_plain") as plainly, made(postgres, f"{name}_engine") as by_engine:
        told = {
            how: brought(name, how, database, tmp_path) for how, database in (("plain", plainly), ("engine", by_engine))
        }
        dumps = [
            (
                schema(postgres, found.name, "--no-owner", "--exclude-schema=seachange"),
                dump(postgres, found.name, "--no-owner", "--data-only", "--table=alembic_version"),
            )
            for found in (plainly, by_engine)
        ]
    assert dumps[1] == dumps[0]
    assert dumps[0][0].count("CREATE TABLE") > 10
    for how, found in told.items():
        print(f"{name}: {found['revisions']} revisions in {found['seconds']} s, {how}")


def brought(name: str, how: str, database: Database, folder: Path) -> dict[str, float]:
    """Runs the chain in its environment; what it told at its end."""
    settings = database.master
    user = f"{settings.user}:{quote(settings.password, safe='')}"
    url = f"postgresql+psycopg://{user}@{settings.host}:{settings.port}/{settings.database}"
    command = [str(python_of(CHAINS[name])), str(Path(__file__).with_name("run_chain.py")), name, how, url]
    # What a project writes at its start belongs to the test.
    environment = {**os.environ, **clients_environment(database.server), "DATA_DIR": str(folder), "HOME": str(folder)}
    done = subprocess.run(
        [*command, str(ROOT / "lambdas")], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told
