"""AWS Secrets Manager for the stage: moto's server on the loopback interface."""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from seachange.rehearsal.errors import StageError
from seachange.rehearsal.stage.ports import LOOPBACK, free_port
from seachange.rehearsal.stage.process import ChildProcess

_READY_TIMEOUT_S = 30.0


class SecretsManager:
    """A Secrets Manager that holds the stage's secrets.

    Args:
        logs: Where `secrets-manager.log` is written.
    """

    def __init__(self, *, logs: Path) -> None:
        self._port = free_port()
        self._logs = logs
        self._process: ChildProcess | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use this Secrets Manager in AWS's place; the credentials are no one's, and no call leaves the machine."""
        return {
            "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{self._port}",
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            # Not through a proxy of the shell's.
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
        }

    def __enter__(self) -> Self:
        self._process = ChildProcess(
            "Secrets Manager (moto)",
            [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(self._port)],
            log=self._logs / "secrets-manager.log",
            cwd=Path("/"),
            env=dict(os.environ),
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stop(grace_s=5)

    def create(self, name: str, value: Mapping[str, str]) -> str:
        """Stores a secret as JSON and returns its ARN; waits for the server, which starts beside the others."""
        client = boto3.client(
            "secretsmanager",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",
            config=Config(proxies={}),
        )
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while True:
            if self._process is not None:
                self._process.must_run()
            try:
                return client.create_secret(Name=name, SecretString=json.dumps(dict(value)))["ARN"]
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > deadline:
                    raise StageError(f"Secrets Manager (moto) did not answer: {error}") from error
                time.sleep(0.1)
