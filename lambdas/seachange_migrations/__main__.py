"""`python -m seachange_migrations`: one piece of a migration's work, as a task of the image that holds the revisions.

The state machine passes it in variables, `SEACHANGE_WORK`, `SEACHANGE_REQUEST`, `SEACHANGE_RANGE`, and hears the answer under
`SEACHANGE_TASK_TOKEN`. Exit code 0: it was answered; 1: the work failed, and the machine knows why; 2: nobody asked for anything.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from seachange_migrations.deployed import aws
from seachange_migrations.deployed.carry_out import log
from seachange_migrations.deployed.worker import work
from seachange_migrations.errors import one_line
from seachange_migrations.handler import ERROR_BYTES, MigrationFailedError

# A task has no end of its own, as a call of the Lambda has; the machine begins another when it is over.
WHOLE_S = 24 * 3600.0
# The machine takes a task that is silent for five minutes for dead.
HEARTBEAT_S = 60.0


def main(variables: Mapping[str, str]) -> int:
    """Does the work that `variables` name and answers the machine; returns the exit code."""
    try:
        token = variables["SEACHANGE_TASK_TOKEN"]
        message: dict[str, Any] = {
            "Work": variables["SEACHANGE_WORK"],
            "Request": json.loads(variables["SEACHANGE_REQUEST"]),
            "Range": json.loads(variables.get("SEACHANGE_RANGE", "null")),
        }
    except (KeyError, ValueError) as error:
        print(
            f"seachange_migrations: this is a task of a migration's state machine, which did not start it: {error!r}",
            file=sys.stderr,
        )
        return 2
    machine = boto3.client("stepfunctions", config=aws.PATIENCE)
    started = time.monotonic()
    answer: dict[str, Any] | None
    with _heartbeat(machine, token) as abandoned:
        try:
            answer = work(message, lambda: 0.0 if abandoned.is_set() else WHOLE_S - (time.monotonic() - started))
        except Exception as error:  # noqa: BLE001 - whatever it is, the machine must hear of it
            reason, answer = one_line(error, ERROR_BYTES), None
            log({"event": "failed", "reason": reason})
    try:
        if answer is None:
            machine.send_task_failure(taskToken=token, error=MigrationFailedError.__name__, cause=reason)
            return 1
        machine.send_task_success(taskToken=token, output=json.dumps(answer))
    except (ClientError, BotoCoreError) as error:
        log({"event": "unheard", "reason": one_line(error)})
        return 1
    return 0


@contextmanager
def _heartbeat(machine: Any, token: str) -> Iterator[threading.Event]:
    """Tells the machine that this task lives; the event is set when nobody waits for it any more."""
    abandoned, over = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_S):
            try:
                machine.send_task_heartbeat(taskToken=token)
            except ClientError as error:
                if error.response["Error"]["Code"] in ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken"):
                    log({"event": "abandoned", "reason": str(error)})
                    abandoned.set()
                    return
                log({"event": "heartbeat_failed", "reason": str(error)})
            except BotoCoreError as error:
                log({"event": "heartbeat_failed", "reason": str(error)})

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield abandoned
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    # As the Lambda's variables say it; the certificates of Amazon RDS lie in this package.
    os.environ.setdefault("PGSSLROOTCERT", str(Path(__file__).with_name("rds-ca.pem")))
    sys.exit(main(os.environ))
